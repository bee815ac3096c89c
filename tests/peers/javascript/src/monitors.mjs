// Monitors: session.md, "Monitors"; monitors by name: capabilities.md, "Names". Calls are kept here too, since a call is a
// monitor that carries a message: calls.mjs says what is different. The refs of the two directions are kept apart.

import { randomBytes } from 'node:crypto';

import { ProtocolError } from './dialects.mjs';
import { LAYOUT } from './limits.mjs';
import { error } from './reasons.mjs';

const NOPROC = error('noproc');
const LIMIT = error('limit');
/** Stands for whoever has a name. */
export const WHOEVER = 0;

/** A program monitors a name that is too long for that. */
export class NameTooLong extends Error {}

/** Whether it is a request for a process that is not answered. */
const isAsked = ({ kind, named }) => kind === 'spawn' && named === undefined;

export class Monitors {
  #own = new Map(); // ref -> { kind, process, theirs, pids, place, link, named }
  #peers = new Map(); // ref -> { kind, process, own, theirs, pids, exit }
  nextRef = 1n;

  constructor(session) {
    this.session = session;
  }

  get held() {
    return this.#peers.size;
  }

  // What processes of this node do

  /** The ref of a new monitor, or null if there is no room at the peer. */
  monitor(process, theirs) {
    return this.session.canLink ? this.#begin(this.#take({ kind: 'monitor', process, theirs })) : null;
  }

  /** The same, of whoever has a name. Throws what can never be monitored. */
  monitorNamed(process, name) {
    this.session.need('names');
    if (Buffer.byteLength(name) > LAYOUT.monitored_name_bytes_max) throw new NameTooLong();
    const opened = this.#take({ kind: 'name', process, theirs: WHOEVER });
    if (opened === null) return null;
    const { ref, pids: { from } } = opened;
    this.session.outbound.signal({ tag: 'MONITOR_NAME', fields: { from, ref, name } });
    return ref;
  }

  /** The ref of a new call, whose frame `frame` makes; null if there is no room at the peer. Throws what can never be sent. */
  call(process, theirs, frame) {
    const opened = this.#take({ kind: 'call', process, theirs });
    if (opened === null) return null;
    const { ref, pids } = opened;
    try {
      this.session.outbound.message(frame(ref, pids));
    } catch (refusal) {
      this.#own.get(ref).place.free();
      this.#own.delete(ref);
      throw refusal;
    }
    return ref;
  }

  /** The number of a request for a process that is monitored, whose frame `frame` makes; null if there is no room at the peer. */
  spawn(process, frame) {
    const opened = this.#take({ kind: 'spawn', process, theirs: WHOEVER });
    if (opened === null) return null;
    this.session.outbound.signal(frame(opened.ref));
    return opened.ref;
  }

  /** The monitor beside a link of version 1, which shares the link's places. */
  beside(link) {
    return this.#begin(this.#open({ kind: 'monitor', process: link.process, theirs: link.theirs, place: link.place, link }));
  }

  #begin(opened) {
    if (opened === null) return null;
    const { ref, pids } = opened;
    this.session.outbound.signal({ tag: 'MONITOR', fields: { ...pids, ref } });
    return ref;
  }

  // What has a place of its own.
  #take(monitor) {
    const place = this.session.places.take(1);
    return place === null ? null : this.#open({ ...monitor, place, link: null });
  }

  #open(monitor) {
    const ref = this.session.version === 1 ? randomBytes(8).readBigUInt64LE() : this.nextRef++;
    const pids = this.session.pidsOf(monitor.process.local, monitor.theirs);
    this.#own.set(ref, { ...monitor, pids });
    return { ref, pids };
  }

  /** Ends a monitor, or gives a call up. */
  demonitor(process, ref) {
    const monitor = this.#own.get(ref);
    if (monitor?.process !== process) return;
    this.#own.delete(ref);
    this.session.outbound.signal({ tag: 'DEMONITOR', fields: { ...monitor.pids, ref } }, () => monitor.place.free());
  }

  endBeside(link) {
    if (link.beside !== undefined) this.demonitor(link.process, link.beside);
    link.beside = undefined;
  }

  forgetBeside(link) {
    if (link.beside !== undefined) this.#own.delete(link.beside);
    link.beside = undefined;
  }

  processEnded(process, reason) {
    for (const [ref, monitor] of [...this.#own]) if (monitor.process === process) this.demonitor(process, ref);
    for (const [ref, monitor] of this.#peers) {
      if (monitor.process === process && !monitor.exit) this.end(ref, monitor, this.session.writeReason(reason));
    }
  }

  /** The end of what the peer holds here is written; until then it takes its place. */
  end(ref, monitor, reason) {
    const { from, to } = monitor.pids;
    const fields = { monitored: to, monitoring: from, ref, reason };
    monitor.exit = this.session.outbound.signal({ tag: 'MONITOR_EXIT', fields }, () => this.#peers.delete(ref));
  }

  // What the peer's frames do

  onMonitor(fields, own, theirs) {
    this.hold('monitor', fields, { process: this.session.find(own), own, theirs });
  }

  onMonitorName({ from, ref, name }, theirs) {
    const process = this.session.host.registered(name);
    if (!this.hold('name', { from, to: this.session.dialect.own(WHOEVER), ref }, { process, own: WHOEVER, theirs })) return;
    this.session.outbound.answer({ tag: 'NAMED', fields: { ref, pid: this.session.dialect.own(process.local) } });
  }

  /** What is held of the peer from now on; null, and answered, if it is not. */
  hold(kind, { from, to, ref }, { process, own, theirs }) {
    this.mustBeFree(ref);
    const refusal = !process ? NOPROC : this.session.isFull ? LIMIT : null;
    const held = { kind, process, own, theirs, pids: { from, to } };
    if (refusal === null) this.#peers.set(ref, held);
    else {
      const fields = { monitored: to, monitoring: from, ref, reason: refusal };
      this.session.outbound.answer({ tag: 'MONITOR_EXIT', fields });
    }
    return refusal === null ? held : null;
  }

  /** A number that the peer has chosen must not be in use. */
  mustBeFree(ref) {
    if (this.#peers.has(ref)) throw new ProtocolError(`the ref ${ref} is in use`);
  }

  /** A process that the peer has had started is monitored from now on. */
  watch(ref, process, from, theirs) {
    this.#peers.set(ref, { kind: 'spawn', process, own: WHOEVER, theirs, pids: { from, to: this.session.dialect.own(WHOEVER) } });
  }

  holds(ref, held) {
    return this.#peers.get(ref) === held && !held.exit;
  }

  forget(ref) {
    this.#peers.delete(ref);
  }

  onDemonitor(ref, own, theirs) {
    const monitor = this.#peers.get(ref);
    if (monitor === undefined || monitor.own !== own || monitor.theirs !== theirs) return;
    if (monitor.exit) this.session.outbound.cancel(monitor.exit);
    this.#peers.delete(ref);
  }

  onMonitorExit({ ref, reason }, own, theirs) {
    const monitor = this.#own.get(ref);
    // The answer to a request comes first (SES-SPN-019).
    if (monitor !== undefined && isAsked(monitor)) return;
    if (monitor === undefined || monitor.process.local !== own || monitor.theirs !== theirs) return;
    this.#own.delete(ref);
    monitor.place.free();
    const native = this.session.readReason(reason);
    if (monitor.link) this.session.links.onBeside(monitor.link, native);
    else this.#tellEnd(ref, monitor, native);
  }

  onNamed(ref, theirs) {
    const monitor = this.#own.get(ref);
    if (monitor?.kind !== 'name' || monitor.named !== undefined) return this.session.ignore();
    monitor.named = theirs;
    return monitor.process.deliver({ type: 'named', ref, process: this.session.processOfPeer(theirs) });
  }

  /** A request for a monitored process is answered; with null none runs. Who has asked, if there is such a request. */
  spawned(ref, theirs) {
    const monitor = this.#own.get(ref);
    if (monitor === undefined || !isAsked(monitor)) return undefined;
    monitor.named = theirs ?? undefined;
    if (theirs === null) {
      this.#own.delete(ref);
      monitor.place.free();
    }
    return monitor.process;
  }

  /** The process whose call a reply ends, or null if it ends none. */
  replied(ref, own, theirs) {
    const call = this.#own.get(ref);
    if (call?.kind !== 'call' || call.process.local !== own || call.theirs !== theirs) return null;
    this.#own.delete(ref);
    call.place.free();
    return call.process;
  }

  /** Tells each process the end of its monitors and calls when the session ends. Nothing is kept. */
  drain(reason) {
    const monitors = [...this.#own];
    this.#own.clear();
    this.#peers.clear();
    for (const [ref, monitor] of monitors) if (!monitor.link) this.#tellEnd(ref, monitor, reason);
  }

  #tellEnd(ref, { kind, process, theirs, named = theirs }, reason) {
    if (kind === 'spawn' && named === WHOEVER) {
      process.deliver({ type: 'spawned', request: ref, process: null, status: 'noconnection' });
      return;
    }
    if (kind === 'call') process.deliver({ type: 'call_ended', ref, reason });
    else process.deliver({ type: 'down', ref, process: this.session.processOfPeer(named), reason });
  }
}
