// Who is silent for too long is asked, and then given up: connection.md, "Heartbeat". Times are in milliseconds.

export class Heartbeat {
  constructor({ heartbeat_interval: interval, heartbeat_timeout: timeout }, now) {
    Object.assign(this, { interval: interval * 1000, timeout: timeout * 1000, heard: now, asked: false });
  }

  /** A byte has arrived. */
  hear(now) {
    this.heard = now;
    this.asked = false;
  }

  /** 'ping', 'silent' or null; each silence is asked once. */
  check(now) {
    const silence = now - this.heard;
    if (silence >= this.interval + this.timeout) return 'silent';
    if (silence < this.interval || this.asked) return null;
    this.asked = true;
    return 'ping';
  }

  /** When there is something to check again. */
  get due() {
    return this.heard + this.interval + (this.asked ? this.timeout : 0);
  }
}
