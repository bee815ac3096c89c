// One connection for two nodes: connection.md, "One connection for two nodes". Of each peer there are three places, and
// `judge` is run after each event. The end of a session is told at once here, so no session is ever seen ending.

import { compareNames } from './names.mjs';

export class Election {
  session = null;
  dial = null;
  waiting = null;

  /** `node` does what is decided: `accept(waiting)`, `refuse(waiting, code)`, `adopt(dial)`. */
  constructor(name, node) {
    Object.assign(this, { name, node });
  }

  get isEmpty() {
    return !this.session && !this.dial && !this.waiting;
  }

  /** A connection of the peer is verified. */
  verified(connection) {
    const before = this.waiting;
    if (before && before.begun > connection.begun) {
      this.node.refuse(connection, 'duplicate');
      return;
    }
    this.waiting = connection;
    if (before) this.node.refuse(before, 'duplicate');
    this.judge();
  }

  /** The connection that waits is closed by its peer. */
  withdrawn(connection) {
    if (this.waiting === connection) this.waiting = null;
  }

  /** The own dial has received an ACK that is verified. */
  acked(dial) {
    this.#refuseWaiting();
    this.session?.end('another connection takes over', 'replaced');
    this.dial = null;
    this.node.adopt(dial);
  }

  /** The own dial has ended without a session. */
  dialEnded(dial) {
    if (this.dial !== dial) return;
    this.dial = null;
    this.judge();
  }

  sessionEnded() {
    this.session = null;
    this.judge();
  }

  judge() {
    const { waiting, session, dial } = this;
    if (!waiting) return;
    if (session) this.#judgeBeside(session, waiting);
    else if (dial?.state === 'replied' && this.#isSmaller(waiting)) return;
    else {
      this.waiting = null;
      if (dial?.state === 'connecting') dial.abandon('another connection has become the session');
      this.node.accept(waiting);
    }
  }

  #judgeBeside(session, waiting) {
    const [one, other] = [session.peer.incarnation, waiting.peer.incarnation];
    const known = session.session.version === 2 && waiting.version === 2;
    if (known && one !== other) {
      if (session.begun > waiting.begun) this.#refuseWaiting();
      else session.end('the peer has been started again', 'replaced');
    } else if (session.state === 'up') session.ask(() => this.#refuseWaiting());
  }

  #isSmaller(waiting) {
    return waiting.version === 1 || compareNames(this.node.name, this.name) < 0;
  }

  #refuseWaiting() {
    const { waiting } = this;
    this.waiting = null;
    if (waiting) this.node.refuse(waiting, 'duplicate');
  }
}
