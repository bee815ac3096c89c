// What can be wrong with how answers and void signals count (connection.md, "The outbound queue"). No vector has so many;
// a case in which the node does not end the session as it should takes a minute.

export const answers = [
  {
    rule: 'CON-QUE-006: answers count until they are written',
    file: 'outbound.mjs',
    from: '    this.#count(item);\n    this.#push(item);',
    to: '    this.#push(item);',
    requirement: 'CON-QUE-006',
    noticed: ['answers-that-are-not-read', 'void-signals-count'],
  },
  {
    rule: 'CON-QUE-006: answers do not count any more once they are written',
    file: 'outbound.mjs',
    from: '    if (item.answer) this.#answerBytes -= this.limits.answer_bytes_counted;\n',
    to: '',
    requirement: 'CON-QUE-006',
    noticed: ['answers-that-are-read'],
  },
  {
    rule: 'CON-QUE-006: a signal that is void counts',
    file: 'outbound.mjs',
    from: '    item.void = true;\n    this.#count(item);',
    to: '    item.void = true;',
    requirement: 'CON-QUE-006',
    noticed: ['void-signals-count'],
  },
];
