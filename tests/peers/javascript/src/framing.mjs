// The stream: a u32 length before each payload (dist.md, "Framing").

import { Refusal } from './bytes.mjs';

const PREFIX = 4;

/** A payload with its length, for a reader whose frame limit is `max`. */
export function writeFramed(payload, max) {
  if (payload.length > max) throw new Refusal('too_long', 'length', 0);
  const length = Buffer.allocUnsafe(PREFIX);
  length.writeUInt32LE(payload.length);
  return Buffer.concat([length, payload]);
}

/** Cuts a stream into payloads, whatever the pieces in which it arrives. */
export class FrameReader {
  #pieces = [];
  #held = 0;
  #length = null;

  constructor(max) {
    this.max = max;
  }

  push(bytes) {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#held += bytes.length;
  }

  /** The next whole payload, or null. Refuses a length above the limit as soon as it is there. */
  next() {
    if (this.#length === null) {
      if (this.#held < PREFIX) return null;
      const length = this.#join(PREFIX).readUInt32LE();
      if (length > this.max) throw new Refusal('too_long', 'length', 0);
      this.#length = length;
    }
    if (this.#held < PREFIX + this.#length) return null;
    const payload = this.#join(PREFIX + this.#length).subarray(PREFIX);
    this.#drop(PREFIX + payload.length);
    this.#length = null;
    return payload;
  }

  /** How many bytes no payload has taken. */
  get held() {
    return this.#held;
  }

  /** The bytes that no payload has taken. */
  remaining() {
    return Buffer.concat(this.#pieces);
  }

  // Pieces are joined only when all of them are needed, so a long frame is copied once.
  #join(length) {
    if (this.#pieces[0].length < length) {
      let count = 0;
      for (let sum = 0; sum < length; count++) sum += this.#pieces[count].length;
      this.#pieces.splice(0, count, Buffer.concat(this.#pieces.slice(0, count)));
    }
    return this.#pieces[0].subarray(0, length);
  }

  #drop(length) {
    this.#held -= length;
    if (this.#pieces[0].length === length) this.#pieces.shift();
    else this.#pieces[0] = this.#pieces[0].subarray(length);
  }
}
