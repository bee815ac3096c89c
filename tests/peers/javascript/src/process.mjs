// A process: a pid, a mailbox, and one end (session.md, "Words" and "Exit signals and reasons").
//
// Its program is a function that is called with each event, one after the other, and never from within a call that
// brings the event:
//   { type: 'message', message }            { type: 'down', ref, process, reason }
//   { type: 'call', call, message, pids }   { type: 'reply', ref, message, pids }
//   { type: 'call_ended', ref, reason }     { type: 'named', ref, process }
//   { type: 'exit', from, reason }          { type: 'nodeup' | 'nodedown', node }
//   { type: 'started', message, pids }      { type: 'spawned', request, process, status }
// A message that was marked as a term has `pids`: whose its pids are. `call.reply(term)` replies: see calls.mjs.

import { fitReason, hopsOf, rootOf, withHops } from './reasons.mjs';

export class Process {
  #mailbox = [];
  #scheduled = false;

  constructor(node, local, program) {
    Object.assign(this, { node, local, program, traps: false, reason: null });
  }

  get alive() {
    return this.reason === null;
  }

  deliver(event) {
    if (!this.alive) return;
    this.#mailbox.push(event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#run());
  }

  #run() {
    this.#scheduled = false;
    const events = this.#mailbox;
    this.#mailbox = [];
    for (const event of events) if (this.alive) this.#call(event);
  }

  // A program that throws ends its process, and nothing else.
  #call(event) {
    try {
      this.program(event, this);
    } catch (error) {
      this.exit({ kind: 'error', text: String(error?.message ?? error) });
    }
  }

  /** An exit signal: it ends the process, or is given to it. */
  exitSignal(from, reason) {
    const harmless = hopsOf(reason).length === 0 && ['normal', 'shutdown'].includes(rootOf(reason).kind);
    if (this.traps || harmless) this.deliver({ type: 'exit', from, reason });
    // A reason of a peer is kept as it can be passed on (SES-RSN-002).
    else this.exit(fitReason(withHops([from, ...hopsOf(reason)], rootOf(reason)), 2));
  }

  /** The process ends. The first end counts (SES-EXI-007). */
  exit(reason) {
    if (!this.alive) return;
    this.reason = reason;
    // What has come before and was not taken is taken now, so that nothing comes behind the end.
    const events = this.#mailbox;
    this.#mailbox = [];
    for (const event of events) this.#call(event);
    this.node.processEnded(this, reason);
  }

  kill() {
    this.exit({ kind: 'killed' });
  }
}
