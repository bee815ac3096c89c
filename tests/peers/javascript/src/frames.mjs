// The frames of a session: dist.md, "Frames". A frame is { tag, fields, trailing }.

import { ByteReader, ByteWriter } from './bytes.mjs';
import { readFields, surplus, writeFields } from './fields.mjs';

const PAIR = [['from', 'pid'], ['to', 'pid']];

const TABLES = {
  SEND: [0x10, [['to', 'pid'], ['message', 'rest']]],
  REG_SEND: [0x11, [['name', 'str16'], ['message', 'rest']]],
  PEER_LIST: [0x12, [['names', 'names']]],
  LINK: [0x13, PAIR],
  UNLINK: [0x14, PAIR],
  EXIT: [0x15, [...PAIR, ['reason', 'reason']]],
  MONITOR: [0x16, [...PAIR, ['ref', 'u64']]],
  DEMONITOR: [0x17, [...PAIR, ['ref', 'u64']]],
  MONITOR_EXIT: [0x18, [['monitored', 'pid'], ['monitoring', 'pid'], ['ref', 'u64'], ['reason', 'reason']]],
  SPAWN: [0x19, [['request', 'u64'], ['requester', 'pid'], ['link', 'u8'], ['function', 'str16'], ['arguments', 'rest']]],
  SPAWN_REPLY: [0x1a, [['request', 'u64'], ['status', 'u8'], ['local', 'u64']]],
  GLOBAL_REGISTER: [0x1b, [['name', 'str16'], ['pid', 'pid'], ['node', 'str16']]],
  GLOBAL_UNREGISTER: [0x1c, [['name', 'str16']]],
  GLOBAL_SYNC: [0x1d, [['entries', 'entries']]],
  ROOM_BROADCAST: [0x1e, [['room', 'str16'], ['text', 'str32']]],
  UNLINK_ID: [0x80, [...PAIR, ['id', 'u64']]],
  UNLINK_ACK: [0x81, [...PAIR, ['id', 'u64']]],
  NODE_TABLE: [0x82, [['index', 'u16'], ['incarnation', 'u64'], ['name', 'str16']]],
  FRAGMENT: [0x83, [['number', 'u64'], ['flags', 'u8'], ['total', 'u32'], ['payload', 'rest']]],
  CLOSE: [0x84, [['code', 'u16'], ['text', 'str16']]],
  EXIT2: [0x85, [...PAIR, ['reason', 'reason']]],
  SEND_TERM: [0x86, [['to', 'pid'], ['message', 'rest']]],
  CALL: [0x87, [...PAIR, ['ref', 'u64'], ['message', 'rest']]],
  CALL_NAME: [0x88, [['from', 'pid'], ['ref', 'u64'], ['name', 'str16'], ['message', 'rest']]],
  CALL_REPLY: [0x89, [...PAIR, ['ref', 'u64'], ['message', 'rest']]],
  SEND_NAME_TERM: [0x8a, [['name', 'str16'], ['message', 'rest']]],
  MONITOR_NAME: [0x8b, [['from', 'pid'], ['ref', 'u64'], ['name', 'str16']]],
  NAMED: [0x8c, [['ref', 'u64'], ['pid', 'pid']]],
  PING: [0xf0, [['payload', '[8]']]],
  PONG: [0xf1, [['payload', '[8]']]],
};

const NAMES = new Map(Object.entries(TABLES).map(([name, [tag]]) => [tag, name]));
const FIRST = 0b01;
const LAST = 0b10;

export const tagOf = name => TABLES[name][0];

/** Whether the tag is one that sessions of version 1 do not know (V1-TAG-002). */
export const isVersion2 = name => TABLES[name] !== undefined && tagOf(name) >= 0x80 && tagOf(name) <= 0x9f;

/** What a payload says. Empty payloads and unknown tags come as EMPTY and UNKNOWN: frames without effect. */
export function readFrame(payload, strict = false) {
  const reader = new ByteReader(payload);
  reader.field = 'tag';
  if (payload.length === 0) {
    if (strict) reader.refuse('empty');
    return { tag: 'EMPTY', fields: {}, trailing: payload };
  }
  const code = reader.u8();
  const tag = NAMES.get(code);
  if (tag === undefined) {
    if (strict) reader.refuse('unknown_tag', 0);
    return { tag: 'UNKNOWN', fields: { code, payload: reader.rest() }, trailing: Buffer.alloc(0) };
  }
  const fields = tag === 'FRAGMENT' ? readFragment(reader) : readFields(reader, TABLES[tag][1], strict);
  return { tag, fields, trailing: surplus(reader, strict) };
}

// `total` stands in the first piece only, so this table has two forms (DIST-FRG-002).
function fragmentTable(flags) {
  return TABLES.FRAGMENT[1].filter(([name]) => name !== 'total' || flags & FIRST);
}

function readFragment(reader) {
  const head = readFields(reader, TABLES.FRAGMENT[1].slice(0, 2));
  if (head.flags & ~(FIRST | LAST)) reader.refuse('invalid', reader.at - 1);
  return { ...head, ...readFields(reader, fragmentTable(head.flags).slice(2)) };
}

/** The payload of a frame; refuses what the Strict reading would. */
export function writeFrame({ tag, fields }) {
  const writer = new ByteWriter();
  writer.field = 'tag';
  if (TABLES[tag] === undefined) writer.refuse('invalid');
  const [code, table] = TABLES[tag];
  if (tag === 'FRAGMENT' && fields.flags & ~(FIRST | LAST)) writer.refuse('invalid');
  writer.u8(code);
  writeFields(writer, tag === 'FRAGMENT' ? fragmentTable(fields.flags) : table, fields);
  return writer.done();
}
