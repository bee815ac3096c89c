// How long a peer is waited for: connection.md, "Time". Times are in milliseconds.

const PARTS = 8;
const HOLD_UPS_MAX = 8;

/** A time for which a peer is waited for. What this node does not run through does not count (CON-TIM-001). */
export class Patience {
  #holdUps = 0;

  constructor(time, now) {
    Object.assign(this, { left: time, part: time / PARTS, looked: now });
  }

  /** Looks at the clock: whether the patience is over. What has arrived must have been handled before. */
  isOver(now) {
    const passed = now - this.looked;
    this.looked = now;
    if (passed > 2 * this.part && this.#holdUps < HOLD_UPS_MAX) this.#holdUps += 1;
    else this.left -= Math.min(passed, this.part);
    return this.left <= 0;
  }

  /** When to look next. */
  get lookAt() {
    return this.looked + Math.min(this.left, this.part);
  }
}

/**
 * Calls `tooLate` unless it is cleared before `time` has passed. The event loop runs its timers before it reads what has
 * arrived, so each look is made behind that.
 */
export function patiently(time, tooLate) {
  const patience = new Patience(time, performance.now());
  const wait = { timer: null };
  const look = () => {
    if (wait.timer === null) return;
    if (patience.isOver(performance.now())) tooLate();
    else set();
  };
  const set = () => {
    wait.timer = setTimeout(() => setImmediate(look), patience.lookAt - performance.now() + 1);
  };
  set();
  return wait;
}

export function stopWaiting(wait) {
  if (!wait) return;
  clearTimeout(wait.timer);
  wait.timer = null;
}
