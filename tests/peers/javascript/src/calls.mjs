// Requests and their replies: capabilities.md, "Calls". What is open stands in the tables of monitors.mjs.

import { WHOEVER } from './monitors.mjs';
import { error } from './reasons.mjs';

const UNANSWERED = error('unanswered');

export class Calls {
  constructor(session) {
    this.session = session;
  }

  // What processes of this node do. A term is { message, pids }: see Session.writeTerm.

  /** The ref of a new call; 'full' if the process has to try again, null if the peer has no place. Throws what can never be sent. */
  call(process, theirs, term) {
    return this.#call(process, theirs, (ref, { from, to }, message) => ({ tag: 'CALL', fields: { from, to, ref, message } }), term);
  }

  /** The same, of whoever has a name. */
  callNamed(process, name, term) {
    return this.#call(process, WHOEVER, (ref, { from }, message) => ({ tag: 'CALL_NAME', fields: { from, ref, name, message } }), term);
  }

  #call(process, theirs, frame, term) {
    this.session.need('calls');
    if (!this.session.outbound.hasRoom) return 'full';
    const message = this.session.writeTerm(term);
    return this.session.monitors.call(process, theirs, (ref, pids) => frame(ref, pids, message));
  }

  // What the peer's frames do

  onCall(fields, own, theirs) {
    this.#called(fields, { process: this.session.find(own), own, theirs });
  }

  onCallName({ from, ref, name, message }, theirs) {
    const fields = { from, to: this.session.dialect.own(WHOEVER), ref, message };
    this.#called(fields, { process: this.session.host.registered(name), own: WHOEVER, theirs });
  }

  #called(fields, ends) {
    const held = this.session.monitors.hold('call', fields, ends);
    if (held === null) return;
    const call = new Call(this.session, fields.ref, held);
    ends.process.deliver({ type: 'call', call, ...this.session.readTerm(fields.message) });
  }

  onReply({ ref, message }, own, theirs) {
    const caller = this.session.monitors.replied(ref, own, theirs);
    if (caller === null) this.session.ignore();
    else caller.deliver({ type: 'reply', ref, ...this.session.readTerm(message) });
  }
}

/** A call of the peer. Whichever process of this node has it can reply: it replies as the callee. */
export class Call {
  #session;
  #held;

  constructor(session, ref, held) {
    this.#session = session;
    this.#held = held;
    this.ref = ref;
    this.from = session.processOfPeer(held.theirs);
  }

  /** Whether somebody waits for the reply. */
  get isOpen() {
    return !this.#session.closing && this.#session.monitors.holds(this.ref, this.#held);
  }

  /** 'sent', 'full' if the process has to try again, 'over'. Throws a reply that can never be sent: the call stays open. */
  reply(term) {
    if (!this.isOpen) return 'over';
    const { outbound, monitors } = this.#session;
    if (!outbound.hasRoom) return 'full';
    const { from, to } = this.#held.pids;
    outbound.message({ tag: 'CALL_REPLY', fields: { from: to, to: from, ref: this.ref, message: this.#session.writeTerm(term) } });
    monitors.forget(this.ref);
    return 'sent';
  }

  /** Nobody has the call any more. */
  drop() {
    if (this.isOpen) this.#session.monitors.end(this.ref, this.#held, UNANSWERED);
  }
}
