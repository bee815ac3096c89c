// Who is silent for too long is asked, and then given up: connection.md, "Heartbeat". Times are in milliseconds.

import { Patience } from './patience.mjs';

export class Heartbeat {
  #patience = null;

  constructor({ heartbeat_interval: interval, heartbeat_timeout: timeout }, now) {
    Object.assign(this, { interval: interval * 1000, timeout: timeout * 1000, heard: now, asked: false });
  }

  /** A byte has arrived. */
  hear(now) {
    this.heard = now;
    this.asked = false;
    this.#patience = null;
  }

  /** The transport has taken the PING, or there can be none: the peer has its time to answer from now on (CON-HBT-010). */
  taken(now) {
    if (this.asked) this.#patience ??= new Patience(this.timeout, now);
  }

  /** 'ping', 'silent' or null; each silence is asked once. */
  check(now) {
    if (this.#patience?.isOver(now)) return 'silent';
    if (this.asked || now - this.heard < this.interval) return null;
    this.asked = true;
    return 'ping';
  }

  /** When there is something to check again. */
  get due() {
    if (this.#patience) return this.#patience.lookAt;
    return this.asked ? Infinity : this.heard + this.interval;
  }
}
