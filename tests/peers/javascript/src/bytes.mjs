// Bytes in, bytes out: integers with the least significant byte first, texts in UTF-8 (dist.md, "Conventions").

/** Why bytes or a value are refused: what is wrong, in which field, at which byte. */
export class Refusal extends Error {
  constructor(kind, field = '', at = 0) {
    super(`${kind} in ${field || 'payload'} at byte ${at}`);
    Object.assign(this, { kind, field, at });
  }
}

// `fatal` refuses what is not UTF-8; `ignoreBOM` keeps a byte order mark, as DIST-FLD-008 asks.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const PREFIXES = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' };

/** Takes bytes apart, from the front. `field` names what is being read, for the error. */
export class ByteReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.field = '';
  }

  get left() {
    return this.bytes.length - this.at;
  }

  refuse(kind, at = this.at) {
    throw new Refusal(kind, this.field, at);
  }

  take(length) {
    if (this.left < length) this.refuse('truncated');
    const piece = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return piece;
  }

  u8() {
    return this.take(1)[0];
  }

  u16() {
    return this.take(2).readUInt16LE();
  }

  u32() {
    return this.take(4).readUInt32LE();
  }

  u64() {
    return this.take(8).readBigUInt64LE();
  }

  i64() {
    return this.take(8).readBigInt64LE();
  }

  rest() {
    return this.take(this.left);
  }

  /** A length or count of `prefix` bytes, each of whose elements takes `least` bytes or more. */
  count(prefix, least = 1) {
    const start = this.at;
    const count = this[PREFIXES[prefix]]();
    // As a BigInt: 2^64 - 1 is no exact Number.
    if (BigInt(count) * BigInt(least) > BigInt(this.left)) this.refuse('overrun', start);
    return Number(count);
  }

  text(length) {
    const start = this.at;
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch {
      return this.refuse('utf8', start);
    }
  }

  str(prefix) {
    return this.text(this.count(prefix));
  }
}

/** Lays out bytes. Refuses what does not fit, before anything is handed on. */
export class ByteWriter {
  constructor() {
    this.pieces = [];
    this.field = '';
  }

  refuse(kind) {
    throw new Refusal(kind, this.field, this.length);
  }

  get length() {
    return this.pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  bytes(bytes) {
    this.pieces.push(bytes);
  }

  u8(value) {
    this.#integer(1, value, 0xff);
  }

  u16(value) {
    this.#integer(2, value, 0xffff);
  }

  u32(value) {
    this.#integer(4, value, 0xffff_ffff);
  }

  u64(value) {
    if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n) this.refuse('invalid');
    const piece = Buffer.allocUnsafe(8);
    piece.writeBigUInt64LE(value);
    this.pieces.push(piece);
  }

  i64(value) {
    this.u64(BigInt.asUintN(64, value));
  }

  fixed(bytes, length) {
    if (bytes.length !== length) this.refuse('invalid');
    this.bytes(bytes);
  }

  /** A length or count; nothing is cut to fit (DIST-FLD-009). */
  count(prefix, count) {
    if (count >= 2 ** (8 * prefix)) this.refuse('too_long');
    this[PREFIXES[prefix]](prefix === 8 ? BigInt(count) : count);
  }

  text(text) {
    // Buffer.from would put U+FFFD in place of a lone surrogate: the text would not be kept.
    if (!text.isWellFormed()) this.refuse('utf8');
    this.bytes(Buffer.from(text, 'utf8'));
  }

  str(prefix, text) {
    this.count(prefix, Buffer.byteLength(text, 'utf8'));
    this.text(text);
  }

  done() {
    return Buffer.concat(this.pieces);
  }

  #integer(length, value, max) {
    if (!Number.isInteger(value) || value < 0 || value > max) this.refuse('invalid');
    const piece = Buffer.allocUnsafe(length);
    piece.writeUIntLE(value, 0, length);
    this.pieces.push(piece);
  }
}
