// Signals as bytes: dist.md, "Mailbox signals". This node hands its programs objects; these bytes are never sent.

import { ByteReader, ByteWriter } from './bytes.mjs';
import { readFields, surplus, writeFields } from './fields.mjs';

const TABLES = {
  EXIT: [0xffff_ffff_ffff_ffffn, [['from', 'pid'], ['reason', 'reason']]],
  DOWN: [0xffff_ffff_ffff_fffen, [['ref', 'u64'], ['monitored', 'pid'], ['reason', 'reason']]],
  NODEDOWN: [0xffff_ffff_ffff_fffdn, [['node', 'text']]],
  NODEUP: [0xffff_ffff_ffff_fffcn, [['node', 'text']]],
  SPAWN_REPLY: [0xffff_ffff_ffff_fffbn, [['request', 'u64'], ['status', 'u8'], ['local', 'u64']]],
};

const NAMES = new Map(Object.entries(TABLES).map(([name, [type]]) => [type, name]));

export function readSignal(bytes, strict = false) {
  const reader = new ByteReader(bytes);
  reader.field = 'tag';
  if (bytes.length < 8) reader.refuse('not_a_signal');
  const tag = NAMES.get(reader.u64());
  if (tag === undefined) reader.refuse('not_a_signal', 0);
  const fields = readFields(reader, TABLES[tag][1], strict);
  return { tag, fields, trailing: surplus(reader, strict) };
}

export function writeSignal({ tag, fields }) {
  const writer = new ByteWriter();
  writer.u64(TABLES[tag][0]);
  writeFields(writer, TABLES[tag][1], fields);
  return writer.done();
}

/** Whether a version 1 node would take this message for a signal (V1-MSG-001). */
export function passesForSignal(message) {
  return message.length >= 8 && NAMES.has(message.readBigUInt64LE());
}
