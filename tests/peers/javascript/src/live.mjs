// A session on its connection: reading, writing, the heartbeat, and all the ways to end (connection.md, "Heartbeat",
// "The outbound queue", "Closing").

import { randomBytes } from 'node:crypto';

import { Refusal } from './bytes.mjs';
import { sessionCapabilities } from './capabilities.mjs';
import { ProtocolError } from './dialects.mjs';
import { readFrame, writeFrame } from './frames.mjs';
import { writeFramed } from './framing.mjs';
import { Heartbeat } from './heartbeat.mjs';
import { LAYOUT } from './limits.mjs';
import { Outbound } from './outbound.mjs';
import { Patience, patiently, stopWaiting } from './patience.mjs';
import { cutText } from './reasons.mjs';
import { Session } from './session.mjs';

// How often a queue is looked at that was empty when the timer was set.
const LOOK_MS = 1_000;
const SHOWS_USE = new Set([
  'SEND', 'REG_SEND', 'UNLINK', 'EXIT', 'MONITOR', 'DEMONITOR', 'SPAWN',
  'GLOBAL_REGISTER', 'GLOBAL_UNREGISTER', 'ROOM_BROADCAST',
]);
const CLOSE = { shutdown: 0, protocol_error: 1, limit: 2, replaced: 3, policy: 4 };

export class LiveSession {
  #timer = null;
  #patience = null;
  #drain = null;

  /** `onEnd` is called once, when all is told of the end but NODEDOWN. */
  constructor({ connection, version, self, peer, host, limits, k, begun, begunBefore, onEnd }) {
    Object.assign(this, { connection, peer, limits, begun, begunBefore, onEnd, state: 'up', needsUse: false, probe: null, why: null });
    this.outbound = new Outbound(connection, {
      frameBytesMax: Math.min(peer.frame_bytes_max, LAYOUT.frame_bytes_max),
      limits,
      onDrained: () => this.#closed(),
      onPinged: () => this.#pinged(),
    });
    const capabilities = sessionCapabilities(peer.capabilities);
    this.session = new Session({ version, self, peer, host, outbound: this.outbound, k, capabilities });
    this.heartbeat = new Heartbeat(limits, performance.now());
    this.#watch();
  }

  /** Reads from now on, first what has come already. */
  begin() {
    const { connection } = this;
    connection.onBytes = () => this.#heard();
    connection.onPayload = payload => this.#handle(payload);
    connection.onFault = error => this.#fault(error);
    connection.onGone = why => this.#over(why);
    connection.resume(this.session.self.frame_bytes_max);
    connection.pump();
  }

  // The time to answer begins now, and is looked at before the timer that runs would do so.
  #pinged() {
    if (this.state === 'over') return;
    this.heartbeat.taken(performance.now());
    this.#watch();
  }

  #heard() {
    this.heartbeat.hear(performance.now());
    if (!this.needsUse) this.#alive();
  }

  #alive() {
    if (this.state !== 'probed') return;
    this.state = 'up';
    stopWaiting(this.probe);
    this.onAlive();
  }

  // Who dials again may still read a connection that it has forgotten (V1-ELC-005).
  #lookForUse({ tag, fields }) {
    if (this.state !== 'probed') return;
    if (tag === 'PONG') this.answered ||= fields.payload.equals(this.asked);
    else if (this.answered && SHOWS_USE.has(tag)) this.#alive();
  }

  #handle(payload) {
    const frame = readFrame(payload);
    if (this.needsUse) this.#lookForUse(frame);
    const result = this.session.handle(frame);
    if (result === 'closed') this.end('the peer has closed the session', null);
    else if (this.outbound.isFlooded) this.end('the peer does not read its answers', 'limit');
  }

  #fault(error) {
    if (!(error instanceof Refusal) && !(error instanceof ProtocolError)) throw error;
    this.end(error.message, 'protocol_error');
  }

  /**
   * Whether the peer lives, or uses the session: PING, and a sign within `probe_timeout` (CON-ELC-004 to 006, V1-ELC-004).
   */
  ask(needsUse, onAlive) {
    this.state = 'probed';
    this.needsUse = needsUse;
    this.onAlive = onAlive;
    this.answered = false;
    stopWaiting(this.probe);
    this.asked = randomBytes(8);
    // After its own CLOSE a node writes nothing (CON-CLS-001).
    if (!this.outbound.over) this.outbound.ping(this.asked);
    this.probe = patiently(this.limits.probe_timeout * 1000, () => this.#lost('the peer does not answer'));
  }

  /** Ends the session at once; CLOSE is written if the transport takes it now. `code` is null for none. */
  end(text, code) {
    if (this.state === 'over') return;
    if (code !== null && this.session.version === 2 && !this.outbound.over) {
      const fields = { code: CLOSE[code], text: cutText(text, LAYOUT.close_text_bytes_max) };
      this.connection.write(writeFramed(writeFrame({ tag: 'CLOSE', fields }), LAYOUT.frame_bytes_max), () => {});
    }
    this.#over(text);
    this.connection.finish();
  }

  /** An orderly end: what is queued, CLOSE, and then what the peer still has to say (CON-CLS-005 to 008). */
  close(text) {
    if (this.session.closing || this.state === 'over') return;
    this.session.closing = true;
    this.#patience = patiently(this.limits.shutdown_patience * 1000, () => this.#lost('the peer takes too long'));
    const frame = { tag: 'CLOSE', fields: { code: CLOSE.shutdown, text } };
    this.outbound.finish(this.session.version === 2 ? frame : null);
  }

  #closed() {
    this.connection.socket.end();
  }

  // No CLOSE: nobody would read it.
  #lost(why) {
    this.#over(why);
    this.connection.destroy();
  }

  #over(why) {
    if (this.state === 'over') return;
    this.state = 'over';
    this.why = why;
    this.outbound.over = true;
    this.outbound.drop();
    this.connection.leave();
    clearTimeout(this.#timer);
    stopWaiting(this.#patience);
    stopWaiting(this.probe);
    this.session.end();
    this.onEnd(this);
  }

  // One timer for the heartbeat and for a transport that takes nothing.
  #watch() {
    clearTimeout(this.#timer);
    const now = performance.now();
    const due = Math.min(this.heartbeat.due, now + LOOK_MS);
    // What has arrived is read before anything is judged by the clock (CON-HBT-008): the poll phase comes between.
    this.#timer = setTimeout(() => setImmediate(() => this.#check()), Math.max(due - now, 0) + 1);
  }

  #check() {
    if (this.state === 'over') return;
    const now = performance.now();
    const verdict = this.heartbeat.check(now);
    const stuck = this.#isStuck(now);
    if (verdict === 'silent' || stuck) {
      this.#lost(stuck ? 'the transport takes nothing' : 'the peer is silent');
      return;
    }
    if (verdict === 'ping' && this.outbound.over) this.heartbeat.taken(now);
    else if (verdict === 'ping') this.outbound.ping(randomBytes(8));
    this.#watch();
  }

  // Whether the transport has taken nothing for `drain_deadline` since it last took something (CON-QUE-010).
  #isStuck(now) {
    const { idle, progress } = this.outbound;
    if (idle) return false;
    if (this.#drain?.progress !== progress) {
      this.#drain = { progress, patience: new Patience(this.limits.drain_deadline * 1000, progress) };
    }
    return this.#drain.patience.isOver(now);
  }
}
