// One connection for two nodes: connection.md, "One connection for two nodes". Of each peer there are three places, and
// `judge` is run after each event. The end of a session is told at once here, so no session is ever seen ending.

import { compareNames } from './names.mjs';

export class Election {
  session = null;
  dial = null;
  waiting = null;

  #timer = null;

  /**
   * `node` does what is decided: `accept(waiting)`, `refuse(waiting, code)`, `adopt(dial)`. Its `clock` says the time,
   * `now()`, and calls back, `after(milliseconds, act)` and `cancel`. Its `cleanUps` say when a version 1 peer has forgotten
   * its last session, by name; `cleanup` is how long that takes, in milliseconds, `started` when the node was started.
   */
  constructor(name, node) {
    Object.assign(this, { name, node });
  }

  get isEmpty() {
    return !this.session && !this.dial && !this.waiting;
  }

  /** How long a dial to this peer had better wait before it connects (V1-ELC-006). */
  get dialIn() {
    return Math.max((this.node.cleanUps.get(this.name) ?? 0) - this.node.clock.now(), 0);
  }

  /** What a program that wants a session is told: 'dials', 'up', or 'waits' for what is under way. */
  get answer() {
    const closing = this.session?.session.closing;
    if (this.session && !closing) return 'up';
    return closing || this.dial || this.waiting ? 'waits' : 'dials';
  }

  /** In how many milliseconds an own dial may send REPLY to a peer of this version; null if it is not needed any more. */
  replyIn(version) {
    if (this.session) return null;
    return version === 1 ? this.answerIn : 0;
  }

  /** How long ACK and REPLY to this peer wait if it is of version 1. */
  get answerIn() {
    if (this.session) return this.node.cleanup;
    return Math.max(this.dialIn, this.node.started + this.node.cleanup - this.node.clock.now());
  }

  #cleansUp() {
    const { cleanUps, clock, cleanup } = this.node;
    for (const [name, done] of cleanUps) if (done <= clock.now()) cleanUps.delete(name);
    cleanUps.set(this.name, clock.now() + cleanup);
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
    if (this.waiting !== connection) return;
    this.waiting = null;
    // Nobody needs the session to be used any more (V1-ELC-007).
    if (this.session?.state === 'probed' && this.session.needsUse) this.session.ask(false, () => {});
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
    if (dial.state === 'replied' && dial.version === 1) this.#cleansUp();
    this.judge();
  }

  sessionEnded() {
    if (this.session?.session.version === 1) this.#cleansUp();
    this.session = null;
    this.judge();
  }

  judge() {
    const { waiting, session, dial } = this;
    if (!waiting) return;
    if (session) this.#judgeBeside(session, waiting);
    else if (dial?.state === 'replied' && this.#isSmaller(waiting)) return;
    else if (waiting.version === 1 && this.answerIn > 0) {
      this.node.clock.cancel(this.#timer);
      this.#timer = this.node.clock.after(this.answerIn, () => this.judge());
    } else {
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
      return;
    }
    // Who dialled before the session began has not lost it (V1-ELC-004).
    const needsUse = session.session.version === 1 && waiting.begun >= session.begunBefore;
    const isAsked = session.state === 'probed' && session.needsUse === needsUse;
    if (!isAsked) session.ask(needsUse, () => this.#refuseWaiting());
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

/** All peers of a node by their names, as many as there may be. */
export class Elections {
  #all = new Map();

  /** `node` is what an Election is given; its `limits` say how many peers there may be. */
  constructor(node) {
    Object.assign(this, { node });
  }

  get all() {
    return [...this.#all.values()];
  }

  get isEmpty() {
    return this.#all.size === 0;
  }

  get(name) {
    return this.#all.get(name);
  }

  of(name) {
    if (!this.#all.has(name)) this.#all.set(name, new Election(name, this.node));
    return this.#all.get(name);
  }

  /** A peer of which nothing is left counts no more. */
  forgetEmpty(name) {
    if (this.get(name)?.isEmpty) this.#all.delete(name);
  }

  /** Whether a peer that is not there yet would be one too many (CON-ELC-014, CON-PLC-010). */
  #isFullFor(place) {
    const { sessions_max: max, sessions_per_address_max: perAddress } = this.node.limits;
    const there = this.all.flatMap(({ session, waiting }) => [session, waiting]).filter(held => held?.place === place);
    return this.#all.size >= max || there.length >= perAddress;
  }

  /** A connection is verified. */
  verified(connection) {
    const { name } = connection.peer;
    if (!this.#all.has(name) && this.#isFullFor(connection.place)) this.node.refuse(connection, 'busy');
    else this.of(name).verified(connection);
  }

  /** A connection that is verified is closed by its peer. */
  withdrawn(connection) {
    const { name } = connection.peer;
    this.get(name)?.withdrawn(connection);
    this.forgetEmpty(name);
  }
}
