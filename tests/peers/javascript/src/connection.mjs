// A connection: a TLS socket that gives payloads. Who owns it sets `onPayload`, `onFault` and `onGone`.

import { FrameReader, writeFramed } from './framing.mjs';
import { LAYOUT } from './limits.mjs';

// What a connection that waits for its ACK may send ahead (CON-ELC-016).
const AHEAD_BYTES_MAX = 65_536;
// After its last bytes a connection still reads, so that no reset makes the peer lose them (CON-CLS-008).
const LINGER_MS = 1_000;

export class Connection {
  #gone = false;

  constructor(socket) {
    this.socket = socket;
    this.reader = new FrameReader(LAYOUT.handshake_bytes_max);
    Object.assign(this, { onPayload: null, onFault: () => {}, onGone: () => {}, onBytes: () => {} });
    socket.setNoDelay(true);
    socket.on('data', bytes => this.#read(bytes));
    socket.on('error', error => this.#go(error.message));
    socket.on('end', () => this.#go('the stream has ended'));
    socket.on('close', () => this.#go('the connection is closed'));
  }

  #read(bytes) {
    if (this.#gone) return;
    this.onBytes();
    this.reader.push(bytes);
    if (this.onPayload) this.pump();
    else if (this.reader.held > AHEAD_BYTES_MAX) this.socket.pause();
  }

  /** Gives the payloads that are there, until nobody wants more. */
  pump() {
    try {
      while (this.onPayload && !this.#gone) {
        const payload = this.reader.next();
        if (payload === null) return;
        this.onPayload(payload);
      }
    } catch (error) {
      this.onFault(error);
    }
  }

  resume(frameBytesMax) {
    this.reader.max = Math.min(frameBytesMax, LAYOUT.frame_bytes_max);
    this.socket.resume();
  }

  /** A message of the handshake. */
  send(payload) {
    this.socket.write(writeFramed(payload, LAYOUT.handshake_bytes_max));
  }

  get ready() {
    return !this.socket.writableNeedDrain;
  }

  write(bytes, taken) {
    this.socket.write(bytes, error => { if (!error) taken(); });
  }

  /** close_notify behind what was written; the peer has `patience` to read it. */
  finish(patience = LINGER_MS) {
    this.leave();
    this.socket.end();
    this.socket.resume();
    const timer = setTimeout(() => this.socket.destroy(), patience);
    this.socket.once('close', () => clearTimeout(timer));
  }

  destroy() {
    this.leave();
    this.socket.destroy();
  }

  /** Nothing is given any more. */
  leave() {
    this.#gone = true;
  }

  #go(why) {
    if (this.#gone) return;
    this.#gone = true;
    this.socket.end();
    setTimeout(() => this.socket.destroy(), LINGER_MS).unref();
    this.onGone(why);
  }
}
