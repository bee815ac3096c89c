// What an error means, and which requirement has it so.

const bytes = count => `${count} byte${count === 1 ? '' : 's'}`;

const FIELDS = {
  truncated: ['the payload ends before this field does', 'DIST-FLD-003'],
  overrun: ['this length or count needs more bytes than are left', 'DIST-FLD-004'],
  utf8: ['these bytes are not well-formed UTF-8', 'DIST-FLD-007'],
  surplus: ['bytes are left behind the last field, which the Strict reading refuses', 'DIST-RDG-002'],
  empty: ['there is no tag: the payload is empty', 'DIST-FRM-007'],
  unknown_tag: ['no frame has this tag', 'DIST-TAG-002'],
  unknown_reason: ['no reason has this tag, and the Strict reading refuses it', 'DIST-RSN-003'],
  not_a_signal: ['no signal has this type', 'DIST-SIG-003'],
};

const EXTENSION = {
  truncated: ['the message ends inside the block, or an extension inside the bytes of the block', 'HS-EXT-004'],
  overrun: ['this length needs more bytes than are left', 'HS-EXT-004'],
  too_long: ['a block is longer than it may be', 'HS-EXT-003'],
  unordered: ['types of extensions have to ascend', 'HS-EXT-005'],
  mandatory: ['this extension is not known, and must be', 'HS-EXT-007'],
  invalid: ['this extension has another length than its type, or a value that is not allowed', 'HS-TLV-002'],
  surplus: ['nothing may follow the extension block', 'HS-EXT-009'],
};

const TERM = {
  invalid: ['this value is not allowed here', 'STF-VER-001'],
  empty: ['a term begins with its version', 'STF-VER-001'],
  unknown_term: ['no term of this kind has this type', 'STF-TAG-001'],
  closure: ['a closure is no term', 'STF-TAG-002'],
  too_deep: ['the term has more than 64 levels', 'STF-DEP-001'],
  too_long: ['this is longer than it may be', 'STF-CNT-001'],
  surplus: ['bytes are left behind the term, which the Strict reading refuses', 'STF-VER-002'],
};

const BY_KIND = {
  handshake: {
    empty: ['there is no tag: the payload is empty', 'DIST-FRM-005'],
    unknown_tag: ['no message of the handshake has this tag', 'HS-MSG-001'],
    surplus: ['bytes are left behind the last field', 'HS-MSG-002'],
  },
  frame: { invalid: ['flags of FRAGMENT that are not known', 'DIST-FRG-001'] },
  name: { invalid: ['this is no node name', 'DIST-NAM-001'] },
  term: TERM,
  term_2: TERM,
};

const INVALID = {
  name: ['a name beside an extension block is too long or has control characters', 'HS-NAM-001'],
  text: ['the text is longer than 255 bytes', 'HS-REJ-001'],
};

const CHAPTERS = { DIST: 'dist', HS: 'handshake', STF: 'stf' };

export const linkOf = id => `${CHAPTERS[id.split('-')[0]]}.html#${id.toLowerCase()}`;

function ofStream({ kind, promised, max }, length) {
  if (kind === 'too_long') return [`a length of ${promised}, and the limit is ${max}`, 'DIST-FRM-002'];
  const has = promised === null ? `the stream ends inside a length of 4 bytes` : `the length promises ${bytes(promised)}, and ${bytes(length - 4)} follow`;
  return [`${has}: the frame is incomplete`, 'DIST-FRM-009'];
}

/** { text, id } of a message's error. */
export function explained({ kind, error, bytes: all }) {
  const name = error.field.split(/[.[]/u)[0];
  const [text, id] =
    (kind === 'stream' && ofStream(error, all.length)) ||
    (name === 'extension' && EXTENSION[error.kind]) ||
    (kind === 'handshake' && error.kind === 'invalid' && INVALID[name]) ||
    BY_KIND[kind]?.[error.kind] ||
    FIELDS[error.kind] || [error.kind.replaceAll('_', ' '), 'DIST-FLD-005'];
  return { text, id };
}
