// What waits to be written in a session: connection.md, "The outbound queue".
//
// One queue keeps the order of all frames; PONG and PING go before it, CLOSE behind it. What the transport has not
// taken yet is still here, so that a signal which is not owed any more can be left out.

import { writeFrame } from './frames.mjs';
import { writeFramed } from './framing.mjs';
import { LAYOUT } from './limits.mjs';

// A frame longer than this is handed over in pieces, so that each piece that goes shows that the transport moves.
const PIECE_BYTES = 4 * LAYOUT.record_bytes_v1;

export class Outbound {
  #waiting = [];
  #first = 0;
  #pong = null;
  #ping = null;
  #close = null;
  #busy = false;
  #messageBytes = 0;
  #answerBytes = 0;

  /** `transport.write(bytes, taken)` calls `taken` when the bytes have left this program; `ready`: it takes some now. */
  constructor(transport, { frameBytesMax, limits, onDrained = () => {}, onPinged = () => {} }) {
    Object.assign(this, { transport, frameBytesMax, limits, onDrained, onPinged, progress: performance.now(), over: false });
  }

  get idle() {
    return !this.#busy && this.#first === this.#waiting.length && !this.#pong && !this.#ping && !this.#close;
  }

  /** Whether a message finds room (CON-QUE-001). */
  get hasRoom() {
    return this.#messageBytes < this.limits.session_queue_bytes_max;
  }

  /** Whether answers wait that the peer does not read (CON-QUE-006). */
  get isFlooded() {
    return this.#answerBytes > this.limits.session_reserve_bytes_max;
  }

  frameBytes(frame) {
    return writeFramed(writeFrame(frame), this.frameBytesMax);
  }

  message(frame) {
    const bytes = this.frameBytes(frame);
    this.#messageBytes += bytes.length;
    this.#push({ make: () => bytes, written: () => { this.#messageBytes -= bytes.length; } });
  }

  /** A signal is laid out when its turn comes: `void` it before, and it is never written. */
  signal(frame, written = () => {}) {
    const item = { make: () => this.frameBytes(frame), written, void: false, answer: false };
    this.#push(item);
    return item;
  }

  /** Another frame goes in the turn of a signal that waits, or none if it is null. */
  replace(item, frame) {
    item.make = () => (frame === null ? Buffer.alloc(0) : this.frameBytes(frame));
    item.bytes = null;
  }

  answer(frame, written = () => {}) {
    const item = { make: () => this.frameBytes(frame), written, void: false, answer: false };
    this.#count(item);
    this.#push(item);
  }

  /** The peer has made this signal void; until its turn comes it counts as an answer. */
  cancel(item) {
    item.void = true;
    this.#count(item);
  }

  pong(payload) {
    this.#begin();
    this.#pong = { tag: 'PONG', fields: { payload } };
    this.flush();
  }

  ping(payload) {
    this.#begin();
    this.#ping = { tag: 'PING', fields: { payload } };
    this.flush();
  }

  /** CLOSE, or null in version 1; then `onDrained`. */
  finish(close) {
    this.#begin();
    this.#close = { frame: close };
    this.flush();
  }

  /** Drops all that waits, but for what the transport has begun to take. */
  drop() {
    this.#waiting = [];
    this.#first = 0;
    this.#pong = this.#ping = null;
  }

  flush() {
    if (this.#busy || this.over || !this.transport.ready) return;
    const pings = this.#ping !== null;
    const batch = this.#gather();
    if (batch.length > 0) this.#write(batch, pings ? this.onPinged : () => {});
    else if (this.#close) this.#finish();
  }

  // Whatever waits from now on waits for the transport from now on.
  #begin() {
    if (this.idle) this.progress = performance.now();
  }

  #push(item) {
    this.#begin();
    this.#waiting.push(item);
    this.flush();
  }

  #count(item) {
    item.answer = true;
    this.#answerBytes += this.limits.answer_bytes_counted;
  }

  // Whole frames that fit one TLS record, or one frame that does not (V1-REC-001).
  #gather() {
    const batch = [];
    let length = 0;
    for (const slot of [this.#pong, this.#ping]) if (slot) batch.push(this.frameBytes(slot));
    this.#pong = this.#ping = null;
    for (const bytes of batch) length += bytes.length;
    for (; this.#first < this.#waiting.length; this.#first++) {
      const item = this.#waiting[this.#first];
      const bytes = item.void ? Buffer.alloc(0) : (item.bytes ??= item.make());
      if (length > 0 && length + bytes.length > LAYOUT.record_bytes_v1) return batch;
      length += bytes.length;
      if (bytes.length > 0) batch.push(bytes);
      this.#take(item);
    }
    this.#waiting = [];
    this.#first = 0;
    return batch;
  }

  #take(item) {
    if (item.answer) this.#answerBytes -= this.limits.answer_bytes_counted;
    if (!item.void) item.written();
  }

  #write(batch, taken) {
    this.#busy = true;
    const bytes = Buffer.concat(batch);
    let open = Math.ceil(bytes.length / PIECE_BYTES);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      this.transport.write(bytes.subarray(at, at + PIECE_BYTES), () => {
        this.progress = performance.now();
        open -= 1;
        if (open > 0) return;
        taken();
        this.#busy = false;
        this.flush();
      });
    }
  }

  #finish() {
    this.over = true;
    const { frame } = this.#close;
    if (frame) this.transport.write(this.frameBytes(frame), () => {});
    this.onDrained();
  }
}
