// The field types of the tables in dist.md and handshake.md, and how a table is read and written.
//
// A table is a list of [name, type]. The values of 64-bit fields are BigInts, bytes are Buffers, pids are objects.

import { readPid, writePid } from './pids.mjs';
import { readReason, writeReason } from './reasons.mjs';

const integer = type => ({ read: reader => reader[type](), write: (writer, value) => writer[type](value) });
const bytes = length => ({ read: reader => reader.take(length), write: (writer, value) => writer.fixed(value, length) });
const str = prefix => ({ read: reader => reader.str(prefix), write: (writer, value) => writer.str(prefix, value) });

const TYPES = {
  u8: integer('u8'),
  u16: integer('u16'),
  u32: integer('u32'),
  u64: integer('u64'),
  '[8]': bytes(8),
  '[32]': bytes(32),
  str16: str(2),
  str32: str(4),
  pid: { read: readPid, write: writePid },
  rest: { read: reader => reader.rest(), write: (writer, value) => writer.bytes(value) },
  text: { read: reader => reader.text(reader.left), write: (writer, value) => writer.text(value) },
  reason: { read: readReason, write: writeReason },
  names: {
    read: reader => list(reader, 2, 2, () => reader.str(2)),
    write: (writer, names) => {
      writer.count(2, names.length);
      for (const name of names) writer.str(2, name);
    },
  },
  entries: {
    read: reader => list(reader, 4, 12, () => ({ name: reader.str(2), pid: readPid(reader), node: reader.str(2) })),
    write: (writer, entries) => {
      writer.count(4, entries.length);
      for (const { name, pid, node } of entries) {
        writer.str(2, name);
        writePid(writer, pid);
        writer.str(2, node);
      }
    },
  },
};

// The count is held against the bytes left first, so that nothing is reserved for a promise (DIST-FRM-010).
function list(reader, prefix, least, element) {
  const count = reader.count(prefix, least);
  const elements = [];
  for (let index = 0; index < count; index++) elements.push(element());
  return elements;
}

export function readFields(reader, table, strict) {
  const fields = {};
  for (const [name, type] of table) {
    reader.field = name;
    fields[name] = TYPES[type].read(reader, strict);
  }
  return fields;
}

export function writeFields(writer, table, fields) {
  for (const [name, type] of table) {
    writer.field = name;
    if (fields[name] === undefined) writer.refuse('invalid');
    TYPES[type].write(writer, fields[name]);
  }
}

/** What is left after the last field: the Compatible reading ignores it, the Strict one refuses it. */
export function surplus(reader, strict) {
  reader.field = 'trailing';
  if (strict && reader.left > 0) reader.refuse('surplus');
  return reader.rest();
}
