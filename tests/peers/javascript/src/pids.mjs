// Process identifiers as they stand on the wire: dist.md, "Pids".

export const LOCAL_MAX = 2 ** 40 - 1;
/** Node ids of pids without an owner: the reader's own node, and a node that the writer cannot name. */
export const NODE_READER = 0xfffe;
export const NODE_UNKNOWN = 0xffff;

export function readPid(reader) {
  const bytes = reader.take(8);
  return { node: bytes.readUInt16LE(6), creation: bytes[5], local: bytes.readUIntLE(0, 5) };
}

export function writePid(writer, { node, creation, local }) {
  const bytes = Buffer.allocUnsafe(8);
  try {
    bytes.writeUIntLE(local, 0, 5);
    bytes.writeUInt8(creation, 5);
    bytes.writeUInt16LE(node, 6);
  } catch {
    writer.refuse('invalid');
  }
  writer.bytes(bytes);
}

export function samePid(a, b) {
  return a.node === b.node && a.creation === b.creation && a.local === b.local;
}

/** The text form, for people and logs (DIST-PID-002). */
export function pidText({ node, creation, local }) {
  return node === 0 && creation === 0 ? `<0.${local}>` : `<${node}.${local}.${creation}>`;
}
