// SPDX-License-Identifier: CC0-1.0
//
// Holds the grammar against vectors. A case is one string of bytes, or one split of a stream, in one reading.

import { isDeepStrictEqual } from 'node:util';
import { ExactStream, compile, refusal } from './grammar.mjs';
import { hex, values } from './values.mjs';

/** Vectors that are not judged, and why. One that is not needed is a difference. */
export const EXEMPT = [
  { file: 'elections.json', why: 'events and no bytes' },
  { file: 'groups.json', why: 'what servers of groups say: terms, whose layout stf.json shows' },
  { file: 'unwritable.json', why: 'values that a writer refuses: a grammar reads' },
  { file: 'sessions.json', id: 'session-call-refused', why: 'what is refused to its process has no bytes' },
  { file: 'names.json', id: 'name-bad-too-long', why: 'the length of a name is no rule of its grammar' },
  { file: 'names.json', id: 'name-bad-too-long-with-port', why: 'the length of a name is no rule of its grammar' },
];

/** How each file is judged, by its form. */
const JUDGES = {
  bytes: judgeVector,
  streams: judgeStream,
  proofs: judgeProof,
  courses: (...it) => judgeSteps('handshake', ...it),
  sessions: (...it) => judgeSteps('frame', ...it),
};

const READINGS = ['strict', 'compatible'];

/**
 * How the grammar notices an error, where it is not by a rule alone. In a handshake, no byte is an end before the tag.
 * A node name has no lengths, so that in it an end and a rule are one.
 */
const NOTICED = { truncated: ['end'], utf8: ['utf8'], empty: ['end', 'rule'] };

/** Payloads up to so many bytes are cut at every place, longer ones at so many places, half of them at each end. */
const CUTS_MAX = 4096;

/** Of each grammar that has judged: it is compiled once. */
const readers = new WeakMap();

/**
 * Judges `files`, parsed files of vectors by name.
 * @returns for each file how much was judged, and all differences as `{file, id, text}`.
 */
export async function judge(grammar, files, exempt = EXEMPT) {
  if (!readers.has(grammar)) readers.set(grammar, new Reader(grammar, await compile(grammar)));
  const reader = readers.get(grammar);
  const found = Object.entries(files).flatMap(([file, content]) => judgeFile(reader, file, content));
  const exemption = (it) => exempt.find(({ file, id }) => file === it.file && (id ?? it.id) === it.id);
  const needed = new Set(found.filter((it) => it.texts.length).map(exemption));
  const needless = exempt.filter((it) => !needed.has(it));
  return {
    counts: Object.keys(files).map((file) => count(file, found.filter((it) => it.file === file), exemption)),
    differences: [
      ...found.filter((it) => !exemption(it)).flatMap(each),
      ...needless.map(({ file, id }) => ({ file, id: id ?? '', text: 'this exemption is not needed' })),
    ],
  };
}

function each({ file, id, texts }) {
  return texts.map((text) => ({ file, id, text }));
}

function count(file, found, exemption) {
  const judged = found.filter((it) => !exemption(it));
  const cases = judged.reduce((sum, it) => sum + it.cases, 0);
  return { file, vectors: judged.length, cases, exempt: found.length - judged.length };
}

function judgeFile(reader, file, { form, vectors }) {
  const judgeOne = JUDGES[form];
  if (!judgeOne) return [{ file, id: '', cases: 0, texts: [`there is no judge for ${form}`] }];
  if (!vectors?.length) return [{ file, id: '', cases: 0, texts: ['no vector is in it'] }];
  return vectors.map((vector) => {
    const verdict = new Verdict();
    try {
      judgeOne(reader, vector, verdict);
    } catch (error) {
      verdict.texts.push(`neither read nor refused: ${error.stack}`);
    }
    if (!verdict.cases) verdict.texts.push('no case is in it');
    return { file, id: vector.id, ...verdict };
  });
}

/** What the cases of a vector have shown. */
class Verdict {
  cases = 0;
  texts = [];

  same(what, expected, found) {
    this.cases += 1;
    if (!isDeepStrictEqual(found, expected)) {
      this.texts.push(`${what}\n    expected ${show(expected)}\n    found    ${show(found)}`);
    }
  }
}

function show(value) {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 600 ? `${text.slice(0, 600)}...` : text;
}

/** Reads bytes as what a vector's `kind` says. */
class Reader {
  constructor(grammar, classes) {
    this.classes = classes;
    this.values = values(grammar, classes);
  }

  /** @returns `{it, value}`, what the grammar has read and what that is in a vector, or why it refuses. */
  read(kind, bytes, reading) {
    const strict = reading === 'strict';
    return attempt(() => {
      const stream = new ExactStream(bytes);
      const it = this.parse(kind, stream, strict);
      if (!PIECES.has(kind)) return { it, value: this.values[kind](it) };
      // A piece leaves surplus to what it stands in: here to nothing.
      const trailing = new this.classes.snow_dist_field.Surplus(stream, null, null, strict);
      return { it, value: this.values[kind](it, trailing) };
    });
  }

  parse(kind, stream, strict) {
    if (kind === 'pid') return new this.classes.snow_dist_field.Pid(stream);
    if (kind === 'term_2') return new this.classes.snow_dist_term(stream, null, null, strict, true);
    return new this.classes[`snow_dist_${kind}`](stream, null, null, strict, false);
  }
}

const PIECES = new Set(['reason', 'pid', 'name']);

function attempt(read) {
  try {
    return read();
  } catch (error) {
    return { refused: refusal(error), message: error.message };
  }
}

function judgeVector(reader, vector, verdict) {
  const bytes = join(vector.hex);
  for (const reading of READINGS) {
    const found = reader.read(vector.kind, bytes, reading);
    const expected = vector[reading];
    if (expected === 'valid') judgeValue(vector, found, reading, verdict);
    else verdict.same(`${reading}: ${expected.kind} at ${expected.field}`, 'refused', noticed(expected, found));
  }
  if (vector.canonical) judgeCanonical(reader, vector, verdict);
  judgeCuts(reader, vector, bytes, verdict);
}

function judgeValue(vector, found, reading, verdict) {
  if (found.refused) return verdict.same(reading, 'valid', found);
  const expected = {};
  const given = {};
  const add = (what, ours, theirs) => ((expected[what] = ours), (given[what] = theirs));
  if (vector.value) add('value', vector.value, found.value);
  if (vector.value?.fields) add('order', Object.keys(vector.value.fields), Object.keys(found.value.fields));
  if ('hops' in vector) add('hops', vector.hops, found.value.fields.reason.hops.length);
  if ('text' in vector) add('text', vector.text, found.it.textForm);
  verdict.same(reading, expected, given);
}

/** Whether bytes were refused for what they shall be refused for; if not, what was found instead. */
function noticed({ kind, layer }, found) {
  const ways = layer === 'name' ? ['end', 'rule'] : (NOTICED[kind] ?? ['rule']);
  return ways.includes(found.refused) ? 'refused' : (found.value ?? found);
}

/** The canonical bytes are the same value without its surplus, which alone made the Strict reading refuse it. */
function judgeCanonical(reader, vector, verdict) {
  const bytes = join(vector.canonical);
  for (const reading of READINGS) {
    const isRead = vector[reading] === 'valid' || vector[reading].kind === 'surplus';
    const expected = isRead ? { ...vector.value, trailing: '' } : 'refused';
    const { value, refused } = reader.read(vector.kind, bytes, reading);
    verdict.same(`${reading}, canonical bytes`, expected, refused ? 'refused' : value);
  }
}

function judgeCuts(reader, vector, bytes, verdict) {
  if (!vector.layout && !CUT_WITHOUT_LAYOUT.has(vector.kind) && !vector.cuts) return;
  if (vector.strict !== 'valid') return; // Some of the cuts of surplus and of a kept root are no errors.
  if (!vector.layout && bytes.length > CUTS_MAX) return; // All elements before a cut would be read for each of them.
  for (const place of places(bytes.length)) {
    for (const reading of READINGS) {
      const expected = vector.layout ? cutOf(vector, bytes, place, reading) : 'refused';
      const { value, refused } = reader.read(vector.kind, bytes.subarray(0, place), reading);
      verdict.same(`${reading}, cut before byte ${place}`, expected, refused ? 'refused' : value);
    }
  }
}

const CUT_WITHOUT_LAYOUT = new Set(['term', 'reason', 'pid']);

function places(length) {
  const all = [...Array(length).keys()];
  return length <= CUTS_MAX ? all : [...all.slice(0, CUTS_MAX / 2), ...all.slice(-CUTS_MAX / 2)];
}

/** What is read of bytes that end before `place`: by dist.md, "Reading and writing". */
function cutOf({ kind, layout, value }, bytes, place, reading) {
  if (place === 0 && kind === 'frame' && reading === 'compatible') return { tag: 'EMPTY', fields: {}, trailing: '' };
  const { field, at, cut } = layout.find((it) => it.at + it.length > place);
  if (field === 'extension' && place === at) {
    const { extension, proof, ...fields } = value.fields;
    return { ...value, fields };
  }
  if (cut === 'refused') return 'refused';
  const left = bytes.subarray(at, place);
  const shorter = kind === 'signal' ? attempt(() => ExactStream.bytesToStr(left, 'UTF-8')) : hex(left);
  return shorter.refused ? 'refused' : { ...value, fields: { ...value.fields, [field]: shorter } };
}

function judgeStream(reader, vector, verdict) {
  const chunks = vector.chunks.map((chunk) => Buffer.from(chunk, 'hex'));
  const stream = Buffer.concat(chunks);
  const single = [...stream].map((byte) => [byte]);
  const splits = { 'as it is split': chunks, 'in one piece': [stream], 'byte by byte': single };
  const { payloads, remaining, error, closes } = vector;
  for (const [split, pieces] of Object.entries(splits)) {
    const found = packets(reader.classes.snow_dist.Packet, pieces, vector.bytes_max);
    verdict.same(split, { payloads, remaining, error, closes }, found);
  }
}

/** Reads packets from pieces as they arrive: as long as bytes are missing, it waits for more. */
function packets(Packet, pieces, bytesMax) {
  const payloads = [];
  let rest = Buffer.alloc(0);
  let error = null;
  for (const piece of pieces) {
    rest = Buffer.concat([rest, Buffer.from(piece)]);
    while (!error) {
      const stream = new ExactStream(rest);
      const packet = attempt(() => new Packet(stream, null, null, bytesMax));
      if (packet.refused === 'end') break;
      if (packet.refused) error = { kind: 'too_long', layer: 'framing', length: rest.readUInt32LE(), max: bytesMax };
      else payloads.push(hex(packet.payload));
      if (!error) rest = rest.subarray(stream.pos);
    }
  }
  return { payloads, remaining: hex(rest), error, closes: error !== null };
}

/** Every message or frame that a node reads or writes, step by step. */
function judgeSteps(kind, reader, { steps }, verdict) {
  const all = steps.flatMap(({ receive, writes }) => [receive ?? [], writes].flat());
  for (const { hex, value, error } of all.filter((it) => it.error?.layer !== 'framing' && !('part' in it))) {
    const found = reader.read(kind, join(hex).subarray(4), 'compatible');
    verdict.same(show(hex), value ?? 'refused', found.refused && error ? 'refused' : found.value ?? found);
  }
}

const PING = 'f00102030405060708';
const REJECT = '0501000000';
const LONG_NAME = `0105006140683a3101${'00'.repeat(4097 - 9)}`;

/** The payloads of a whole handshake, alone and as the directions of a connection with a frame behind them. */
function judgeProof(reader, vector, verdict) {
  const { name, challenge, reply, ack } = vector;
  if (!name) return;
  for (const reading of READINGS) {
    const read = (payload) => reader.read('handshake', Buffer.from(payload, 'hex'), reading).value;
    const ping = reader.read('frame', Buffer.from(PING, 'hex'), reading).value;
    verdict.same(`${reading}, reply`, vector.proof_initiator, read(reply)?.fields.proof);
    verdict.same(`${reading}, ack`, vector.proof_acceptor, read(ack)?.fields.proof);
    for (const messages of [[name, reply], [challenge, ack], [challenge, REJECT], [REJECT]]) {
      const found = direction(reader, [...messages, PING], reading);
      verdict.same(`${reading}, direction`, { messages: messages.map(read), frames: [ping] }, found);
    }
    // A frame can be longer.
    verdict.same(`${reading}, a message of 4 097 bytes`, 'rule', direction(reader, [LONG_NAME], reading).refused);
  }
}

function direction(reader, payloads, reading) {
  const bytes = Buffer.concat(payloads.map((payload) => framed(Buffer.from(payload, 'hex'))));
  return attempt(() => {
    const it = new reader.classes.snow_dist(new ExactStream(bytes), null, null, reading === 'strict');
    return {
      messages: it.handshake.map(({ payload }) => reader.values.handshake(payload)),
      frames: it.frames.map(({ payload }) => reader.values.frame(payload)),
    };
  });
}

function framed(payload) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  return Buffer.concat([length, payload]);
}

/** The bytes of segments: hexadecimal, or `{hex, times}`. */
function join(segments) {
  return Buffer.from(segments.map((it) => it.hex?.repeat(it.times) ?? it).join(''), 'hex');
}
