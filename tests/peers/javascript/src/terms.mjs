// The term format (STF): stf.md. A term is { type, ... }; ints and u64s are BigInts, floats keep their 64 bits as a BigInt.
// `kind` is the kind of terms that is read or written, 1 or 2.

import { ByteReader, ByteWriter, Refusal } from './bytes.mjs';
import { surplus } from './fields.mjs';
import { LAYOUT } from './limits.mjs';
import { readPid, writePid } from './pids.mjs';

const VERSION = 1;
const KEYS = ['int', 'string'];
const KEY_TYPES = { int: ['int', 'u64'], string: ['string'] };

const TYPES = {
  1: ['int', r => ({ value: r.i64() }), (w, t) => writeInt(w, t.value)],
  2: ['float', r => ({ bits: r.u64() }), (w, t) => w.u64(t.bits)],
  3: ['true', () => ({}), () => {}],
  4: ['false', () => ({}), () => {}],
  5: ['string', r => ({ value: readString(r) }), (w, t) => writeString(w, t.value)],
  6: ['unit', () => ({}), () => {}],
  7: ['bytes', r => ({ value: readBytes(r) }), (w, t) => writeBytes(w, t.value)],
  8: ['u64', r => ({ value: readLarge(r) }), (w, t) => writeLarge(w, t.value)],
  10: ['list', (r, d) => ({ values: readValues(r, d, readCount(r, 1)) }), (w, t, d) => writeElements(w, t.values, d)],
  11: ['map', readMap, writeMap],
  12: ['set', (r, d) => ({ values: readValues(r, d, readCount(r, 1)) }), (w, t, d) => writeElements(w, t.values, d)],
  13: ['tuple', (r, d) => ({ values: readValues(r, d, r.count(1)) }), (w, t, d) => {
    w.count(1, t.values.length);
    writeValues(w, t.values, d);
  }],
  20: ['struct', readStruct, writeStruct],
  21: ['sum', readSum, writeSum],
  22: ['variant', readVariant, writeVariant],
  30: ['pid', readPidHere, (w, t) => writePid(w, t.value)],
  40: ['some', (r, d) => ({ value: readValue(r, d) }), (w, t, d) => writeValue(w, t.value, d)],
  41: ['none', () => ({}), () => {}],
  42: ['ok', (r, d) => ({ value: readValue(r, d) }), (w, t, d) => writeValue(w, t.value, d)],
  43: ['err', (r, d) => ({ value: readValue(r, d) }), (w, t, d) => writeValue(w, t.value, d)],
};
const TAGS = new Map(Object.entries(TYPES).map(([tag, [type]]) => [type, Number(tag)]));
const CLOSURE = 255;
const SECOND_KIND = new Set([7, 8, 22]);
const INTS = 2n ** 63n;

export function readTerm(bytes, strict = false, kind = 1, depthMax = LAYOUT.term_depth_max) {
  const reader = new ByteReader(bytes);
  const value = readWhole(reader, kind, depthMax);
  return { value, trailing: surplus(reader, strict) };
}

function readWhole(reader, kind, depthMax) {
  reader.kind = kind;
  reader.field = 'version';
  if (reader.left === 0) reader.refuse('empty');
  if (reader.u8() !== VERSION) reader.refuse('invalid', 0);
  reader.field = 'value';
  return readValue(reader, depthMax);
}

// `depth` is how many levels are still allowed, this one included; it bounds the recursion.
function readValue(reader, depth) {
  const start = reader.at;
  const tag = reader.u8();
  if (depth === 0) reader.refuse('too_deep', start);
  if (tag === CLOSURE) reader.refuse('closure', start);
  if (TYPES[tag] === undefined || (SECOND_KIND.has(tag) && reader.kind < 2)) reader.refuse('unknown_term', start);
  const [type, read] = TYPES[tag];
  return { type, ...read(reader, depth - 1) };
}

function readPidHere(reader) {
  reader.pidPlaces?.push(reader.at);
  return { value: readPid(reader) };
}

/** Where the pids of a term stand. Refuses what is no term of the first kind. */
function pidPlaces(bytes) {
  const reader = new ByteReader(bytes);
  reader.pidPlaces = [];
  readWhole(reader, 1, LAYOUT.term_depth_max);
  return reader.pidPlaces;
}

/** The pids of a term, in their order; of what is none, none (CAP-STM-006). */
export function pidsIn(bytes) {
  try {
    return pidPlaces(bytes).map(at => readPid(new ByteReader(bytes.subarray(at, at + 8))));
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}

/** The same term, with `pidOf(number)` in place of each number that stands where a pid does. */
export function putPids(bytes, pidOf) {
  const written = Buffer.from(bytes);
  for (const at of pidPlaces(bytes)) {
    const writer = new ByteWriter();
    writePid(writer, pidOf(Number(bytes.readBigUInt64LE(at))));
    writer.done().copy(written, at);
  }
  return written;
}

function readValues(reader, depth, count) {
  const values = [];
  while (values.length < count) values.push(readValue(reader, depth));
  return values;
}

function readCount(reader, least) {
  const start = reader.at;
  if (reader.u32() > LAYOUT.term_elements_max) reader.refuse('too_long', start);
  reader.at = start;
  return reader.count(4, least);
}

function readString(reader) {
  const start = reader.at;
  if (reader.u32() > LAYOUT.term_string_bytes_max) reader.refuse('too_long', start);
  reader.at = start;
  return reader.str(4);
}

function readMap(reader, depth) {
  const start = reader.at;
  const keys = KEYS[reader.u8()];
  if (keys === undefined) reader.refuse('invalid', start);
  const count = readCount(reader, 2);
  const pairs = [];
  while (pairs.length < count) {
    const at = reader.at;
    const key = readValue(reader, depth);
    if (!KEY_TYPES[keys].includes(key.type)) reader.refuse('invalid', at);
    pairs.push([key, readValue(reader, depth)]);
  }
  return { keys, pairs };
}

function readBytes(reader) {
  const start = reader.at;
  if (reader.u32() > LAYOUT.term_bytes_max) reader.refuse('too_long', start);
  reader.at = start;
  return reader.take(reader.count(4));
}

// An integer has one encoding: below 2^63 it is an int (STF-INT-001).
function readLarge(reader) {
  const start = reader.at;
  const number = reader.u64();
  if (number < INTS) reader.refuse('invalid', start);
  return number;
}

function readStruct(reader, depth) {
  return { name: reader.str(2), fields: readFields(reader, depth) };
}

// A variant whose fields have names is named itself.
function readVariant(reader, depth) {
  return { name: reader.str(2), variant: reader.str(2), fields: readFields(reader, depth) };
}

function readFields(reader, depth) {
  const count = reader.count(2, 3);
  const fields = [];
  while (fields.length < count) fields.push([reader.str(2), readValue(reader, depth)]);
  return fields;
}

function readSum(reader, depth) {
  const name = reader.str(2);
  const variant = reader.u8();
  return { name, variant, values: readValues(reader, depth, reader.count(2)) };
}

/** The bytes of a term; refuses one deeper than 64 (STF-DEP-003). */
export function writeTerm(term, kind = 1) {
  const writer = new ByteWriter();
  writer.kind = kind;
  writer.u8(VERSION);
  writer.field = 'value';
  writeValue(writer, term, LAYOUT.term_depth_max);
  return writer.done();
}

function writeValue(writer, term, depth) {
  if (depth === 0) writer.refuse('too_deep');
  const tag = TAGS.get(term.type);
  if (tag === undefined || (SECOND_KIND.has(tag) && writer.kind < 2)) writer.refuse('invalid');
  writer.u8(tag);
  TYPES[tag][2](writer, term, depth - 1);
}

function writeValues(writer, values, depth) {
  for (const value of values) writeValue(writer, value, depth);
}

function writeInt(writer, value) {
  if (value !== BigInt.asIntN(64, value)) writer.refuse('invalid');
  writer.i64(value);
}

function writeString(writer, text) {
  if (Buffer.byteLength(text) > LAYOUT.term_string_bytes_max) writer.refuse('too_long');
  writer.str(4, text);
}

function writeCount(writer, count) {
  if (count > LAYOUT.term_elements_max) writer.refuse('too_long');
  writer.count(4, count);
}

function writeElements(writer, values, depth) {
  writeCount(writer, values.length);
  writeValues(writer, values, depth);
}

function writeMap(writer, { keys, pairs }, depth) {
  writer.u8(KEYS.indexOf(keys));
  writeCount(writer, pairs.length);
  for (const [key, value] of pairs) {
    if (!KEY_TYPES[keys].includes(key.type)) writer.refuse('invalid');
    writeValue(writer, key, depth);
    writeValue(writer, value, depth);
  }
}

function writeBytes(writer, bytes) {
  if (bytes.length > LAYOUT.term_bytes_max) writer.refuse('too_long');
  writer.count(4, bytes.length);
  writer.bytes(bytes);
}

function writeLarge(writer, value) {
  if (value < INTS || value !== BigInt.asUintN(64, value)) writer.refuse('invalid');
  writer.u64(value);
}

function writeStruct(writer, { name, fields }, depth) {
  writer.str(2, name);
  writeFields(writer, fields, depth);
}

function writeVariant(writer, { name, variant, fields }, depth) {
  writer.str(2, name);
  writer.str(2, variant);
  writeFields(writer, fields, depth);
}

function writeFields(writer, fields, depth) {
  writer.count(2, fields.length);
  for (const [field, value] of fields) {
    writer.str(2, field);
    writeValue(writer, value, depth);
  }
}

function writeSum(writer, { name, variant, values }, depth) {
  writer.str(2, name);
  writer.u8(variant);
  writer.count(2, values.length);
  writeValues(writer, values, depth);
}
