// All vectors of spec/vectors: read, refuse, cut, write, in both readings.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';

import { ByteReader, ByteWriter, Refusal } from '../src/bytes.mjs';
import { surplus } from '../src/fields.mjs';
import { readFrame, writeFrame } from '../src/frames.mjs';
import { FrameReader, writeFramed } from '../src/framing.mjs';
import { LAYOUT } from '../src/limits.mjs';
import { readMessage, writeMessage } from '../src/messages.mjs';
import { formatName, parseName } from '../src/names.mjs';
import { pidText, readPid, writePid } from '../src/pids.mjs';
import { acceptorProof, digest, initiatorProof, proofKey, transcriptHash } from '../src/proofs.mjs';
import { hopsOf, readReason, writeReason } from '../src/reasons.mjs';
import { readSignal, writeSignal } from '../src/signals.mjs';
import { readTerm, writeTerm } from '../src/terms.mjs';
import { fromJson, termFromJson, termToJson, toJson } from './json.mjs';

const FOLDER = new URL('../../../../spec/vectors/', import.meta.url);
const FILES = readdirSync(FOLDER).filter(file => file.endsWith('.json'));
const hex = text => Buffer.from(text, 'hex');

const piece = (read, write) => ({
  read(bytes, strict) {
    const reader = new ByteReader(bytes);
    const value = read(reader, strict);
    return { value, trailing: surplus(reader, strict) };
  },
  write({ value }) {
    const writer = new ByteWriter();
    write(writer, value);
    return writer.done();
  },
  toJson,
  fromJson,
});

const terms = kind => ({
  read: (bytes, strict) => readTerm(bytes, strict, kind),
  write: ({ value }) => writeTerm(value, kind),
  toJson: ({ value, trailing }) => ({ value: termToJson(value), trailing: toJson(trailing) }),
  fromJson: ({ value }) => ({ value: termFromJson(value) }),
});

const KINDS = {
  frame: { read: readFrame, write: writeFrame, toJson, fromJson },
  handshake: { read: readMessage, write: writeMessage, toJson, fromJson },
  signal: { read: readSignal, write: writeSignal, toJson, fromJson },
  reason: piece(readReason, writeReason),
  pid: { ...piece(readPid, writePid), fromJson: json => json },
  name: piece(
    reader => parseName(reader.text(reader.left)),
    (writer, name) => writer.text(formatName(name)),
  ),
  term: terms(1),
  term_2: terms(2),
};

// The pid fields `local` of a vector are numbers, the field `local` of a SPAWN_REPLY is a string: fromJson tells them
// apart by that.

const join = segments => Buffer.concat(segments.map(each =>
  typeof each === 'string' ? hex(each) : Buffer.alloc((each.hex.length / 2) * each.times, hex(each.hex))));

const refused = (action, message) => assert.throws(action, error => error instanceof Refusal, message);

function judgeReading(vector, bytes, strict, verdict) {
  const { read, toJson: json } = KINDS[vector.kind];
  if (verdict !== 'valid') return refused(() => read(bytes, strict), `${vector.id} is refused`);
  const value = read(bytes, strict);
  if (vector.value) assert.deepEqual(json(value), vector.value, vector.id);
  if (vector.hops !== undefined) assert.equal(hopsOf(value.value ?? value.fields.reason).length, vector.hops);
  return undefined;
}

function judgeWriting(vector) {
  const { write, fromJson: native } = KINDS[vector.kind];
  // They have canonical bytes for programs that hand frames on; a writer does not write them (DIST-FLD-006).
  if (['EMPTY', 'UNKNOWN'].includes(vector.value.tag)) return refused(() => write(native(vector.value)), vector.id);
  assert.deepEqual(toJson(write(native(vector.value))), toJson(join(vector.canonical)), vector.id);
  return undefined;
}

function judgeCuts(vector, bytes) {
  const { read } = KINDS[vector.kind];
  for (const { field, at, length, cut } of vector.layout ?? []) {
    for (let end = Math.max(at, 1); end < at + length; end++) {
      const shorter = bytes.subarray(0, end);
      const whole = cut === 'shorter' || (field === 'extension' && end === at);
      if (whole) read(shorter, false);
      else refused(() => read(shorter, false), `${vector.id} cut at ${end}`);
    }
  }
  for (let end = 0; vector.cuts && end < bytes.length; end++) {
    refused(() => read(bytes.subarray(0, end), false), `${vector.id} cut at ${end}`);
  }
}

function judgeBytes(vector) {
  const bytes = join(vector.hex);
  judgeReading(vector, bytes, true, vector.strict);
  judgeReading(vector, bytes, false, vector.compatible);
  if (vector.canonical && vector.value) judgeWriting(vector);
  judgeCuts(vector, bytes);
  if (vector.text) assert.equal(pidText(readPid(new ByteReader(bytes))), vector.text);
}

function readStream(pieces, max) {
  const reader = new FrameReader(max);
  const payloads = [];
  try {
    for (const bytes of pieces) {
      reader.push(bytes);
      for (let payload = reader.next(); payload !== null; payload = reader.next()) payloads.push(payload.toString('hex'));
    }
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return { payloads, refused: true };
  }
  return { payloads, refused: false, remaining: reader.remaining().toString('hex') };
}

function judgeStream(vector) {
  const pieces = vector.chunks.map(hex);
  const whole = Buffer.concat(pieces);
  const splits = [pieces, [whole], [...whole].map(byte => Buffer.of(byte))];
  for (let at = 1; at < whole.length; at++) splits.push([whole.subarray(0, at), whole.subarray(at)]);
  for (const split of splits) {
    const result = readStream(split, vector.bytes_max);
    assert.deepEqual(result.payloads, vector.payloads, vector.id);
    assert.equal(result.refused, vector.error !== null, vector.id);
    if (!result.refused) assert.equal(result.remaining, vector.remaining, vector.id);
  }
}

function judgeProofs(vector) {
  const at = Object.fromEntries(Object.entries(vector).map(([key, value]) => [key, hex(String(value))]));
  if (vector.version === 1) {
    assert.deepEqual(digest(at.cookie, at.challenge_acceptor), at.digest_initiator);
    assert.deepEqual(digest(at.cookie, at.challenge_initiator), at.digest_acceptor);
    return;
  }
  const key = proofKey(at.cookie);
  assert.deepEqual(key, at.key);
  const th = transcriptHash(at.name, at.challenge);
  assert.deepEqual(th, at.transcript_hash);
  assert.deepEqual(initiatorProof(key, at.exporter, th, at.reply_before_proof), at.proof_initiator);
  assert.deepEqual(acceptorProof(key, at.exporter, th, at.reply, at.ack_before_proof), at.proof_acceptor);
  assert.deepEqual(Buffer.concat([at.reply_before_proof, at.proof_initiator]), at.reply);
  assert.deepEqual(Buffer.concat([at.ack_before_proof, at.proof_acceptor]), at.ack);
}

function judgeUnwritable(vector) {
  const { write } = KINDS[vector.kind];
  const value = vector.kind === 'term' ? { value: termFromJson(vector.value) } : fromJson(vector.value);
  if (vector.repeat) {
    const { text, times } = vector.repeat;
    const { fields } = value;
    fields[vector.field] = Array.isArray(fields[vector.field]) ? Array(times).fill(text) : text.repeat(times);
  }
  refused(() => writeFramed(write(value), vector.bytes_max ?? LAYOUT.frame_bytes_max), vector.id);
}

const FORMS = { bytes: judgeBytes, streams: judgeStream, proofs: judgeProofs, unwritable: judgeUnwritable };

for (const file of FILES) {
  const { form, vectors } = JSON.parse(readFileSync(new URL(file, FOLDER)));
  const judge = FORMS[form];
  if (judge === undefined) continue; // sessions: sessions.mjs
  test(`${file}: ${vectors.length} vectors`, async context => {
    assert.ok(vectors.length > 0);
    for (const vector of vectors) await context.test(vector.id, () => judge(vector));
  });
}
