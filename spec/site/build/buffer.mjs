// Of Node's Buffer what the reader uses, for a page.

const view = bytes => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const utf8 = new TextEncoder();
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function fromHex(text) {
  const bytes = new Buffer(text.length >> 1);
  for (let index = 0; index < bytes.length; index++) {
    const byte = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16);
    // As in Node: what is no digit ends it.
    if (Number.isNaN(byte)) return bytes.subarray(0, index);
    bytes[index] = byte;
  }
  return bytes;
}

function checked(value, min, max) {
  if (typeof value !== typeof min || value < min || value > max) throw new RangeError(`${value} is out of range`);
}

export class Buffer extends Uint8Array {
  static alloc(length, fill = new Buffer(0)) {
    const bytes = new Buffer(length);
    if (fill.length === 1) return bytes.fill(fill[0]);
    for (let at = 0; fill.length > 0 && at < length; at += fill.length) bytes.set(fill.subarray(0, length - at), at);
    return bytes;
  }

  static allocUnsafe(length) {
    return new Buffer(length);
  }

  static from(value, encoding = 'utf8') {
    if (typeof value !== 'string') return new Buffer(value);
    return encoding === 'hex' ? fromHex(value) : new Buffer(utf8.encode(value));
  }

  static concat(pieces) {
    const bytes = new Buffer(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  static byteLength(text) {
    return utf8.encode(text).length;
  }

  static isBuffer(value) {
    return value instanceof Buffer;
  }

  static compare(one, other) {
    const common = Math.min(one.length, other.length);
    for (let at = 0; at < common; at++) if (one[at] !== other[at]) return one[at] < other[at] ? -1 : 1;
    return Math.sign(one.length - other.length);
  }

  equals(other) {
    return Buffer.compare(this, other) === 0;
  }

  copy(target, at = 0) {
    target.set(this, at);
  }

  toString(encoding = 'utf8') {
    if (encoding === 'hex') return Array.from(this, byte => HEX[byte]).join('');
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this);
  }

  readUInt16LE(at = 0) {
    return view(this).getUint16(at, true);
  }

  readUInt32LE(at = 0) {
    return view(this).getUint32(at, true);
  }

  readBigUInt64LE(at = 0) {
    return view(this).getBigUint64(at, true);
  }

  readBigInt64LE(at = 0) {
    return view(this).getBigInt64(at, true);
  }

  readUIntLE(at, length) {
    let value = 0;
    for (let index = length - 1; index >= 0; index--) value = value * 256 + this[at + index];
    return value;
  }

  writeUInt8(value, at = 0) {
    this.writeUIntLE(value, at, 1);
  }

  writeUInt16LE(value, at = 0) {
    this.writeUIntLE(value, at, 2);
  }

  writeUInt32LE(value, at = 0) {
    this.writeUIntLE(value, at, 4);
  }

  writeUIntLE(value, at, length) {
    checked(value, 0, 2 ** (8 * length) - 1);
    let rest = value;
    for (let index = 0; index < length; index++) {
      this[at + index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  writeBigUInt64LE(value, at = 0) {
    checked(value, 0n, 2n ** 64n - 1n);
    view(this).setBigUint64(at, value, true);
  }
}
