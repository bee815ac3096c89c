// A connection that TCP has accepted: TLS and the acceptor's course, until it is verified (CON-DLN-001).

import { Connection } from './connection.mjs';
import { Acceptor, HandshakeError, rejectMessage } from './handshake.mjs';
import { ACCEPTED, NAMED, SECURED } from './places.mjs';
import { patiently, stopWaiting } from './patience.mjs';
import { acceptTls, exporterOf, isTls13 } from './tls.mjs';

export class Incoming {
  #deadline;
  #over = false;

  /** `onVerified` is called once at most; `onGone` when the peer closes it after that. */
  constructor(socket, { place, begun, limits, secureContext, course, leave, onVerified, onGone }) {
    Object.assign(this, { place, begun, leave, onVerified, onGone, waits: false, progress: ACCEPTED });
    this.#deadline = patiently(limits.handshake_deadline * 1000, () => this.abandon());
    const secure = acceptTls(socket, secureContext);
    socket.on('error', () => this.abandon());
    this.connection = new Connection(secure);
    this.connection.onGone = () => this.#gone();
    this.connection.onFault = error => this.#fault(error);
    secure.once('secure', () => {
      this.progress = SECURED;
      this.course = new Acceptor({ ...course, tls13: isTls13(secure), exporter: exporterOf(secure) });
      this.connection.onPayload = payload => this.#receive(payload);
      this.connection.pump();
    });
  }

  #receive(payload) {
    const answer = this.course.receive(payload);
    if (answer === null) return this.#verified();
    this.progress = NAMED;
    return this.connection.send(answer);
  }

  #verified() {
    this.#leave();
    this.peer = this.course.peer;
    this.version = this.course.version;
    this.waits = true;
    // What comes behind REPLY waits with the connection (CON-ELC-016).
    this.connection.onPayload = null;
    this.onVerified(this);
  }

  /** ACK: the session begins. */
  accept() {
    this.waits = false;
    this.connection.send(this.course.accept());
  }

  /** REJECT, to a peer that knows it, and the end. */
  refuse(code) {
    this.waits = false;
    this.#end(this.version === 2 ? code : null);
  }

  #fault(error) {
    this.#end(error instanceof HandshakeError ? error.reject : null);
  }

  #end(code) {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    if (code) this.connection.send(rejectMessage(code));
    this.connection.finish();
  }

  #gone() {
    if (this.waits) this.onGone(this);
    this.abandon();
  }

  /** Closes without a word. */
  abandon() {
    if (this.#over || this.#left) return;
    this.#over = true;
    this.#leave();
    this.connection.destroy();
  }

  #left = false;

  #leave() {
    this.#left = true;
    stopWaiting(this.#deadline);
    this.leave();
  }
}
