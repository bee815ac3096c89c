// An own dial: TCP, TLS and the initiator's course, within its deadlines (CON-DLN-002, CON-DLN-003).

import { Connection } from './connection.mjs';
import { Initiator } from './handshake.mjs';
import { addressOf } from './names.mjs';
import { patiently, stopWaiting } from './patience.mjs';
import { dialTls, exporterOf, isTls13 } from './tls.mjs';

export class Dial {
  #timer;
  #deadline;
  #over = false;

  /**
   * `onAck` and `onEnd` are called once, one or the other. `connectIn` says for how many milliseconds to wait before, for
   * a version 1 peer (V1-ELC-006); `replyIn` does so for REPLY, or says null if the dial is not needed any more
   * (V1-ELC-003, CON-ELC-008).
   */
  constructor({ to, begun, limits, version1, course, onAck, onEnd, connectIn, replyIn }) {
    Object.assign(this, { to, begun, limits, onAck, onEnd, replyIn, state: 'connecting' });
    if (connectIn > 0) this.#timer = setTimeout(() => this.#connect(version1, course), connectIn);
    else this.#connect(version1, course);
  }

  #connect(version1, course) {
    const { to, limits } = this;
    this.#arm(limits.handshake_deadline);
    const socket = dialTls(addressOf(to), { version1 });
    this.connection = new Connection(socket);
    this.connection.onGone = why => this.abandon(why);
    this.connection.onFault = error => this.abandon(error.message);
    socket.once('secureConnect', () => this.#begin(socket, { ...course, version1, dialled: to }));
  }

  #begin(socket, options) {
    this.course = new Initiator({ ...options, tls13: isTls13(socket), exporter: exporterOf(socket) });
    this.connection.onPayload = payload => this.#receive(payload);
    try {
      this.connection.send(this.course.start());
      this.connection.pump();
    } catch (error) {
      this.abandon(error.message);
    }
  }

  #receive(payload) {
    const answer = this.course.receive(payload);
    if (answer === null) return this.#acked();
    return this.#reply(answer);
  }

  #reply(answer) {
    if (this.#over) return;
    this.version = this.course.version;
    const wait = this.replyIn(this.version);
    if (wait === null) return void this.abandon('there is a session by now');
    if (wait > 0) return void setTimeout(() => this.#reply(answer), wait + 1);
    this.state = 'replied';
    this.#arm(this.limits.ack_deadline);
    this.connection.send(answer);
  }

  #acked() {
    if (this.#over) return;
    this.#over = true;
    this.state = 'acked';
    stopWaiting(this.#deadline);
    this.peer = this.course.peer;
    this.connection.onPayload = null;
    this.onAck(this);
  }

  #arm(seconds) {
    stopWaiting(this.#deadline);
    this.#deadline = patiently(seconds * 1000, () => this.abandon('the deadline has passed'));
  }

  abandon(why) {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    stopWaiting(this.#deadline);
    this.connection?.destroy();
    this.onEnd(this, why);
  }
}
