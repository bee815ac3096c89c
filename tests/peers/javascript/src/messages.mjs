// The messages of the handshake: handshake.md. A message is { tag, fields, trailing }; fields can hold an `extension`
// and, behind it in REPLY and ACK, a `proof`.

import { ByteReader, ByteWriter } from './bytes.mjs';
import { blockBegins, readBlock, writeBlock } from './extension.mjs';
import { readFields, surplus, writeFields } from './fields.mjs';
import { LAYOUT } from './limits.mjs';
import { hasControl } from './names.mjs';

const TABLES = {
  NAME: [0x01, [['name', 'str16'], ['creation', 'u8']]],
  CHALLENGE: [0x02, [['name', 'str16'], ['creation', 'u8'], ['challenge', '[32]']]],
  REPLY: [0x03, [['digest', '[32]'], ['challenge', '[32]']]],
  ACK: [0x04, [['digest', '[32]']]],
  REJECT: [0x05, [['code', 'u16'], ['text', 'str16']]],
};
const NAMES = new Map(Object.entries(TABLES).map(([name, [tag]]) => [tag, name]));

export const PROOF_BYTES = 32;
const hasProof = tag => tag === 'REPLY' || tag === 'ACK';

export function readMessage(payload, strict = false) {
  const reader = new ByteReader(payload);
  reader.field = 'tag';
  if (payload.length === 0) reader.refuse('empty');
  const tag = NAMES.get(reader.u8());
  if (tag === undefined) reader.refuse('unknown_tag', 0);
  const fields = readFields(reader, TABLES[tag][1]);
  if (tag === 'REJECT') checkReject(reader, fields);
  if (tag === 'REJECT' || !blockBegins(reader)) return { tag, fields, trailing: surplus(reader, strict) };
  fields.extension = readBlock(reader);
  if (hasProof(tag)) readProof(reader, fields);
  else checkBesideBlock(reader, fields);
  return { tag, fields, trailing: Buffer.alloc(0) };
}

function readProof(reader, fields) {
  reader.field = 'proof';
  fields.proof = reader.take(PROOF_BYTES);
  refuseSurplus(reader, 'proof');
}

function refuseSurplus(reader, field) {
  reader.field = field;
  if (reader.left > 0) reader.refuse('surplus');
}

// Judged last, when nothing follows the block (HS-NAM-001).
function checkBesideBlock(reader, { name }) {
  refuseSurplus(reader, 'extension');
  reader.field = 'name';
  if (!isNameBesideBlock(name)) reader.refuse('invalid', 1);
}

const isNameBesideBlock = name => Buffer.byteLength(name) <= LAYOUT.node_name_bytes_max && !hasControl(name);

const isRejectText = text => Buffer.byteLength(text) <= LAYOUT.reject_text_bytes_max;

function checkReject(reader, { text }) {
  if (!isRejectText(text)) reader.refuse('invalid', 3);
}

/** The payload of a message; refuses what a reader would. */
export function writeMessage({ tag, fields }) {
  const writer = new ByteWriter();
  const [code, table] = TABLES[tag];
  writer.u8(code);
  writeFields(writer, table, fields);
  if (tag === 'REJECT' && !isRejectText(fields.text)) writer.refuse('invalid');
  if (fields.extension === undefined) return writer.done();
  writer.field = 'name';
  if (!hasProof(tag) && !isNameBesideBlock(fields.name)) writer.refuse('invalid');
  writer.field = 'extension';
  writer.bytes(writeBlock(fields.extension));
  writer.field = 'proof';
  if (hasProof(tag)) writer.fixed(fields.proof, PROOF_BYTES);
  return writer.done();
}
