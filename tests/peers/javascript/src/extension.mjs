// The extension block: handshake.md, "Extension block" and "Extension types".

import { ByteReader, ByteWriter } from './bytes.mjs';
import { LAYOUT } from './limits.mjs';

export const MAGIC = Buffer.from('D1534E4F57320D0A', 'hex');
const COUNT_MAX = LAYOUT.extension_bytes_max - MAGIC.length - 2;
const MANDATORY = 0x8000;

const TYPES = new Map([
  [1, { name: 'versions', read: readVersions, write: writeVersions }],
  [2, { name: 'capabilities', ...u64() }],
  [3, { name: 'incarnation', ...u64(value => value !== 0n) }],
  [4, { name: 'frame_bytes_max', ...u32() }],
  [5, { name: 'reassembly_bytes_max', ...u64() }],
  [6, { name: 'fragmented_messages_max', ...u32() }],
  [7, { name: 'node_table_entries_max', ...u32() }],
  [8, { name: 'links_and_monitors_max', ...u32() }],
]);

function whole(value, length) {
  if (value.left !== length) value.refuse('invalid');
  return value;
}

function u64(allowed = () => true) {
  return {
    read(value) {
      const number = whole(value, 8).u64();
      if (!allowed(number)) value.refuse('invalid', 0);
      return number;
    },
    write(writer, number) {
      if (!allowed(number)) writer.refuse('invalid');
      writer.u64(number);
    },
  };
}

function u32() {
  return { read: value => whole(value, 4).u32(), write: (writer, number) => writer.u32(number) };
}

const areVersions = versions =>
  versions.length >= 1 && versions.length <= LAYOUT.versions_max &&
  versions.every((version, index) => version >= 2 && (index === 0 || version > versions[index - 1]));

function readVersions(value) {
  const versions = [];
  if (value.left % 2 !== 0) value.refuse('invalid');
  while (value.left > 0 && versions.length <= LAYOUT.versions_max) versions.push(value.u16());
  if (!areVersions(versions)) value.refuse('invalid', 0);
  return versions;
}

function writeVersions(writer, versions) {
  if (!areVersions(versions)) writer.refuse('invalid');
  for (const version of versions) writer.u16(version);
}

/** Whether a block begins here; refuses a magic that was cut (HS-EXT-002). */
export function blockBegins(reader) {
  reader.field = 'extension';
  const head = reader.bytes.subarray(reader.at, reader.at + MAGIC.length);
  if (head.length === 0 || !MAGIC.subarray(0, head.length).equals(head)) return false;
  if (head.length < MAGIC.length) reader.refuse('truncated');
  return true;
}

/** What a block says, by the names of its types; those that are not known stand in `unknown`. */
export function readBlock(reader) {
  reader.field = 'extension';
  reader.take(MAGIC.length);
  const start = reader.at;
  const count = reader.u16();
  if (count > COUNT_MAX) reader.refuse('too_long', start);
  if (count > reader.left) reader.refuse('overrun', start);
  const tlvs = new ByteReader(reader.take(count));
  tlvs.field = 'extension';
  return readTlvs(tlvs);
}

function readTlvs(tlvs) {
  const block = {};
  for (let before = -1; tlvs.left > 0; ) {
    const at = tlvs.at;
    const type = tlvs.u16();
    const value = new ByteReader(tlvs.take(tlvs.count(2)));
    value.field = 'extension';
    if (type <= before) tlvs.refuse('unordered', at);
    before = type;
    const known = TYPES.get(type);
    if (known !== undefined) {
      block[known.name] = known.read(value);
    } else if (type >= MANDATORY) tlvs.refuse('mandatory', at);
    else (block.unknown ??= {})[type] = value.bytes;
  }
  return block;
}

/** A block with these TLVs. `unknown` is for programs that hand a block on: a node has none of its own (HS-EXT-008). */
export function writeBlock(block) {
  const tlvs = new ByteWriter();
  tlvs.field = 'extension';
  for (const [type, bytes] of writtenTlvs(block)) {
    tlvs.u16(type);
    tlvs.count(2, bytes.length);
    tlvs.bytes(bytes);
  }
  if (tlvs.length > COUNT_MAX) tlvs.refuse('too_long');
  const count = Buffer.allocUnsafe(2);
  count.writeUInt16LE(tlvs.length);
  return Buffer.concat([MAGIC, count, tlvs.done()]);
}

function writtenTlvs(block) {
  const tlvs = Object.entries(block.unknown ?? {}).map(([type, bytes]) => [Number(type), bytes]);
  for (const [type, { name, write }] of TYPES) {
    if (block[name] === undefined) continue;
    const value = new ByteWriter();
    value.field = 'extension';
    write(value, block[name]);
    tlvs.push([type, value.done()]);
  }
  return tlvs.sort(([a], [b]) => a - b);
}
