// Bytes as messages, one behind the other: with their lengths as in a stream, or one payload; of the handshake, of a
// session, or a bare piece.

import { Refusal } from '../../../tests/peers/javascript/src/bytes.mjs';
import { FrameReader } from '../../../tests/peers/javascript/src/framing.mjs';
import { LAYOUT } from '../../../tests/peers/javascript/src/limits.mjs';
import { decode } from './decode.mjs';

const PREFIX = 4;
const HANDSHAKE_TAG_MAX = 5;

/** Messages that are decoded at once: a file can hold millions. */
export const MESSAGES_DECODED = 5_000;

/** The next messages of an iterator, at most as many as are decoded at once: fewer are the last. */
export function nextOf(messages) {
  const next = [];
  while (next.length < MESSAGES_DECODED) {
    const { done, value } = messages.next();
    if (done) break;
    next.push(value);
  }
  return next;
}

/** Of what a payload is, by its tag: those of the handshake are of no frame. */
const kindOf = payload => (payload.length > 0 && payload[0] >= 1 && payload[0] <= HANDSHAKE_TAG_MAX ? 'handshake' : 'frame');

/** Pieces of a stream: each payload with its place, { at, payload }, and last what no payload has taken, { at, left, error }. */
export function* cut(stream, max) {
  const reader = new FrameReader(max);
  let at = 0;
  reader.push(stream);
  try {
    for (let payload = reader.next(); payload !== null; payload = reader.next()) {
      yield { at, payload };
      at += PREFIX + payload.length;
    }
    yield { at, left: reader.held };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    yield { at, left: stream.length - at, error: { kind: error.kind, field: error.field, at: 0 } };
  }
}

const isGood = ({ error, tag }) => !error && tag !== 'UNKNOWN' && tag !== 'EMPTY';

/** What is wrong with bytes that no payload has taken. */
function rest(stream, { at, left, error }, max) {
  if (left === 0) return [];
  const bytes = stream.subarray(at);
  const promised = left >= PREFIX ? bytes.readUInt32LE() : null;
  const row = { depth: 0, at: 0, length: left, field: promised === null ? 'length' : 'payload', text: '', wrong: true };
  const length = { depth: 0, at: 0, length: PREFIX, field: 'length', text: String(promised), wrong: Boolean(error) };
  const rows = promised === null ? [row] : [length, { ...row, at: PREFIX, length: left - PREFIX }];
  const incomplete = { kind: 'incomplete', field: row.field, at: promised === null ? 0 : PREFIX, promised };
  return [{ kind: 'stream', at, bytes, rows, error: error ? { ...error, max, promised } : incomplete, section: 'dist.html#framing' }];
}

function framed({ at, payload }, stream, phase, strict) {
  const message = decode(payload, phase ?? kindOf(payload), strict);
  const length = { depth: 0, at: 0, length: PREFIX, field: 'length', text: String(payload.length) };
  const rows = [length, ...message.rows.map(row => ({ ...row, at: row.at + PREFIX }))];
  const error = message.error && { ...message.error, at: message.error.at + PREFIX };
  return { ...message, rows, error, at, bytes: stream.subarray(at, at + PREFIX + payload.length), payload };
}

function* ofStream(stream, phase, strict) {
  const max = phase === 'handshake' ? LAYOUT.handshake_bytes_max : LAYOUT.frame_bytes_max;
  for (const piece of cut(stream, max)) {
    if (piece.payload) yield framed(piece, stream, phase, strict);
    else yield* rest(stream, piece, max);
  }
}

function* chain(first, others) {
  yield* first;
  yield* others;
}

/** The first of some messages, by which is judged what all of them are, and all of them. */
function begun(messages) {
  const first = nextOf(messages);
  return { first, all: chain(first, messages) };
}

const bare = (bytes, kind, strict) => [{ ...decode(bytes, kind, strict), at: 0, bytes, payload: bytes }];

const isSignal = bytes => bytes.length >= 8 && bytes.readBigUInt64LE() >= 0xffff_ffff_ffff_fffbn;

/** What bytes are read as, a stream or one payload of these kinds: where neither goes without an error, what they look like. */
function detected(bytes, kinds, phase, strict) {
  const { first, all } = begun(ofStream(bytes, phase, strict));
  if (first.every(isGood)) return all;
  for (const kind of kinds) {
    const message = bare(bytes, kind, strict);
    if (isGood(message[0]) && !decode(bytes, kind, true).error) return message;
  }
  return first.length > 1 || looksFramed(bytes) ? all : bare(bytes, kinds[0], strict);
}

// A length, and a tag that is known behind it.
function looksFramed(bytes) {
  if (bytes.length <= PREFIX) return bytes.length < PREFIX || bytes.readUInt32LE() > 0;
  const length = bytes.readUInt32LE();
  const tag = bytes[PREFIX];
  const isTag = (tag >= 1 && tag <= HANDSHAKE_TAG_MAX) || (tag >= 0x10 && tag <= 0x1e) || (tag >= 0x80 && tag <= 0x8c) || tag >= 0xf0;
  return length > 0 && length <= LAYOUT.frame_bytes_max && isTag;
}

/**
 * Messages of bytes, each decoded when it is asked for. `as` is `detect`, `frame` or `handshake`, or a bare piece: `signal`,
 * `reason`, `pid`, `name`, `term`, `term_2`. `lengths` is `detect`, `yes` or `no`: whether lengths stand before payloads. Each
 * message is what `decode` gives, with `at`, its place, and `bytes`, which rows and error count from.
 */
export function* messagesOf(bytes, { as = 'detect', lengths = 'detect', strict = false } = {}) {
  if (bytes.length === 0) return;
  const phase = as === 'detect' ? null : as;
  const isBare = phase !== null && phase !== 'frame' && phase !== 'handshake';
  const kind = phase ?? kindOf(bytes);
  const others = phase ? [] : [...(isSignal(bytes) ? ['signal'] : []), ...(bytes[0] === 1 ? ['term', 'term_2'] : [])];
  if (isBare || lengths === 'no') yield* bare(bytes, kind, strict);
  else if (lengths === 'yes') yield* ofStream(bytes, phase, strict);
  else yield* detected(bytes, [kind, ...others], phase, strict);
}

function* lineByLine(lines, options) {
  let start = 0;
  for (const line of lines) {
    for (const message of messagesOf(line, options)) yield { ...message, at: message.at + start };
    start += line.length;
  }
}

/** The same of several lines: one stream if it is one, and else each line by itself. */
export function messagesOfLines(lines, options) {
  const whole = begun(messagesOf(Buffer.concat(lines), options));
  if (lines.length < 2 || whole.first.every(isGood)) return whole.all;
  const each = begun(lineByLine(lines, options));
  const errors = messages => messages.filter(message => !isGood(message)).length;
  return errors(each.first) > errors(whole.first) ? whole.all : each.all;
}
