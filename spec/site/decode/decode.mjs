// What bytes say, row by row, by the reader of the node in JavaScript: which field stands where, and what is wrong where.
//
// Rows are those of `snow-dist decode`. A row of depth 0 is a field; rows of depth 1 or more are its parts. The reader tells
// of no offsets: they are those of the bytes that it takes.

import { ByteReader, Refusal } from '../../../tests/peers/javascript/src/bytes.mjs';
import { surplus } from '../../../tests/peers/javascript/src/fields.mjs';
import { readFrame } from '../../../tests/peers/javascript/src/frames.mjs';
import { readMessage } from '../../../tests/peers/javascript/src/messages.mjs';
import { parseName } from '../../../tests/peers/javascript/src/names.mjs';
import { readPid } from '../../../tests/peers/javascript/src/pids.mjs';
import { readReason } from '../../../tests/peers/javascript/src/reasons.mjs';
import { readSignal } from '../../../tests/peers/javascript/src/signals.mjs';
import { readTerm } from '../../../tests/peers/javascript/src/terms.mjs';
import { termToJson, toJson } from '../../../tests/peers/javascript/test/json.mjs';
import { partsOf, shown } from './parts.mjs';

const piece = (field, read) => ({
  read(bytes, strict) {
    const reader = new ByteReader(bytes);
    reader.field = field;
    const value = read(reader, strict);
    return { value, trailing: surplus(reader, strict) };
  },
  json: toJson,
});

const term = kind => ({
  read: (bytes, strict) => readTerm(bytes, strict, kind),
  json: ({ value, trailing }) => ({ value: termToJson(value), trailing: toJson(trailing) }),
});

const KINDS = {
  frame: { read: readFrame, json: toJson },
  handshake: { read: readMessage, json: toJson },
  signal: { read: readSignal, json: toJson },
  reason: piece('reason', readReason),
  pid: piece('pid', readPid),
  name: piece('name', reader => parseName(reader.text(reader.left))),
  term: term(1),
  term_2: term(2),
};

/** What is kept of how a field was taken: enough for each extension of a block. */
const PIECES_KEPT = 4_096;

const SECTIONS = {
  signal: 'dist.html#mailbox-signals',
  reason: 'dist.html#exit-reasons',
  pid: 'dist.html#pids',
  name: 'dist.html#node-names',
  term: 'stf.html#layout',
  term_2: 'stf.html#the-second-kind',
};

/** Where the text says what these bytes are. */
export function sectionOf(kind, tag) {
  if (SECTIONS[kind]) return SECTIONS[kind];
  const chapter = kind === 'frame' ? 'dist' : 'handshake';
  if (tag === 'EMPTY') return 'dist.html#framing';
  if (tag === 'UNKNOWN') return 'dist.html#unknown-tags';
  return tag ? `${chapter}.html#${tag.toLowerCase()}` : `${chapter}.html#${kind === 'frame' ? 'frames' : 'messages'}`;
}

const isText = bytes => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

/** How many bytes at the front are well-formed UTF-8, found in pieces that end with a character. */
function wellFormed(bytes) {
  let good = 0;
  for (const size of [65_536, 256, 4]) {
    for (let end = good; end !== undefined; ) {
      good = end;
      const last = Math.min(good + size, bytes.length);
      end = [last, last - 1, last - 2, last - 3].find(each => each > good && isText(bytes.subarray(good, each)));
    }
  }
  return good;
}

/** Adds a take to those before: those of one field, one after the other, are one stretch of bytes. */
function note(stretches, { field, at, length, ...piece }) {
  let last = stretches.at(-1);
  if (last?.field !== field) stretches.push((last = { field, at, end: at, pieces: [] }));
  last.end = Math.max(last.end, at + length);
  if (last.pieces.length < PIECES_KEPT) last.pieces.push({ at, length, ...piece });
}

/** Reads, and notes what the reader takes, as stretches. Positions of an error count from the first byte, also those in a
 * block inside. */
function watched(bytes, read) {
  const taken = [];
  const { take, refuse } = ByteReader.prototype;
  const start = bytes.byteOffset;
  Object.assign(ByteReader.prototype, {
    take(length) {
      const taking = take.call(this, length);
      note(taken, { field: this.field, at: taking.byteOffset - start, length, reader: this, bytes: taking });
      return taking;
    },
    refuse(kind, at = this.at) {
      throw new Refusal(kind, this.field, this.bytes.byteOffset - start + at);
    },
  });
  try {
    return { value: read(), taken };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // The reader says where the text begins.
    if (error.kind === 'utf8') error.at += wellFormed(bytes.subarray(error.at, taken.at(-1).end));
    return { error, taken };
  } finally {
    Object.assign(ByteReader.prototype, { take, refuse });
  }
}

function valueOf({ kind, value, field }) {
  if (field === 'tag') return value.tag;
  if (kind === 'frame' && value.tag === 'UNKNOWN') return value.fields.payload;
  if (value.fields) return value.fields[field];
  return field === 'version' ? 1 : value.value;
}

function rowsOf(kind, value, taken) {
  const rows = [];
  for (const { field, at, end, pieces } of taken) {
    if (field === 'trailing') {
      if (end > at) rows.push({ depth: 0, at, length: end - at, field, text: 'surplus, ignored' });
      continue;
    }
    // Of an unknown tag the reader keeps all that follows, in no field.
    if (field === 'tag' && value.tag === 'UNKNOWN') {
      rows.push({ depth: 0, at, length: 1, field, text: 'unknown' });
      rows.push({ depth: 0, at: 1, length: end - 1, field: 'payload', text: shown(value.fields.payload) });
      continue;
    }
    const held = valueOf({ kind, value, field });
    rows.push({ depth: 0, at, length: end - at, field, text: shown(held, field, value.tag) });
    rows.push(...partsOf({ kind, tag: value.tag, field, value: held, at, length: end - at, pieces }));
  }
  return rows;
}

const PIDS = new Set(['from', 'to', 'monitored', 'monitoring', 'requester', 'pid']);
const NUMBERS = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' };

/** The value of a field in front of the error: the reader has refused the whole, so it is that of the field's bytes. */
function early({ field, pieces: [first, text, ...more] }) {
  if (more.length > 0) return undefined;
  if (text) return text.bytes.toString();
  const reader = new ByteReader(first.bytes);
  if (PIDS.has(field)) return readPid(reader);
  const number = NUMBERS[first.length];
  return number ? reader[number]() : first.bytes;
}

/** What was read before the error, and then what is wrong. */
function rowsBefore(error, tag, taken, length) {
  const rows = [];
  let end = 0;
  for (const each of taken) {
    if (each.field === error.field) continue;
    const text = each.field === 'tag' ? tag ?? '' : shown(early(each), each.field, tag);
    rows.push({ depth: 0, at: each.at, length: each.end - each.at, field: each.field, text });
    end = Math.max(end, each.end);
  }
  rows.push({ depth: 0, at: end, length: length - end, field: error.field, text: '', wrong: true });
  return rows;
}

/**
 * What `bytes` say as `kind`: { tag, rows, json(), section }, and `error` { kind, field, at } if the reading refuses them. Rows
 * are { depth, at, length, field, text }.
 */
export function decode(bytes, kind, strict = false) {
  const { read, json } = KINDS[kind];
  const { value, error, taken } = watched(bytes, () => read(bytes, strict));
  if (error) {
    const { kind: what, field, at } = error;
    const tag = kind === 'frame' || kind === 'handshake' ? tagIn(kind, bytes) : undefined;
    const rows = rowsBefore(error, tag, taken, bytes.length);
    return { kind, tag, rows, section: sectionOf(kind, tag), error: { kind: what, field, at } };
  }
  const { tag } = value;
  return {
    kind, tag, rows: rowsOf(kind, value, taken), section: sectionOf(kind, tag),
    // Made when somebody asks: some values are large.
    json: () => json(value),
  };
}

// The name that the tag has, whatever follows it: that of the reader for a payload which is long enough for any table.
function tagIn(kind, bytes) {
  if (bytes.length === 0) return undefined;
  const long = Buffer.alloc(256);
  long[0] = bytes[0];
  // A piece of a frame has flags that are judged.
  try {
    return KINDS[kind].read(long, false).tag;
  } catch {
    return undefined;
  }
}
