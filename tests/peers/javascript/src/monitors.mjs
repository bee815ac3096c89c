// Monitors: session.md, "Monitors". The refs of the two directions are kept apart.

import { randomBytes } from 'node:crypto';

import { ProtocolError } from './dialects.mjs';
import { error } from './reasons.mjs';

const NOPROC = error('noproc');
const LIMIT = error('limit');

export class Monitors {
  #own = new Map(); // ref -> { process, theirs, pids, place, link }
  #peers = new Map(); // ref -> { process, own, theirs, exit }
  nextRef = 1n;

  constructor(session) {
    this.session = session;
  }

  get held() {
    return this.#peers.size;
  }

  /** The ref of a new monitor, or null if there is no room at the peer. */
  monitor(process, theirs) {
    if (!this.session.canLink) return null;
    const place = this.session.places.take(1);
    return place === null ? null : this.#begin(process, theirs, place, null);
  }

  /** The monitor beside a link of version 1, which shares the link's places. */
  beside(link) {
    return this.#begin(link.process, link.theirs, link.place, link);
  }

  #begin(process, theirs, place, link) {
    const ref = this.session.version === 1 ? randomBytes(8).readBigUInt64LE() : this.nextRef++;
    const pids = this.session.pidsOf(process.local, theirs);
    this.#own.set(ref, { process, theirs, pids, place, link });
    this.session.outbound.signal({ tag: 'MONITOR', fields: { ...pids, ref } });
    return ref;
  }

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
      if (monitor.process !== process) continue;
      const { from, to } = monitor.pids;
      const fields = { monitored: to, monitoring: from, ref, reason: this.session.writeReason(reason) };
      monitor.exit = this.session.outbound.signal({ tag: 'MONITOR_EXIT', fields }, () => this.#peers.delete(ref));
    }
  }

  onMonitor(pids, own, theirs) {
    const { from, to, ref } = pids;
    if (this.#peers.has(ref)) throw new ProtocolError(`the monitor ${ref} is in use`);
    const process = this.session.find(own);
    const refusal = !process ? NOPROC : this.session.isFull ? LIMIT : null;
    if (refusal === null) this.#peers.set(ref, { process, own, theirs, pids: { from, to } });
    else {
      const fields = { monitored: to, monitoring: from, ref, reason: refusal };
      this.session.outbound.answer({ tag: 'MONITOR_EXIT', fields });
    }
  }

  onDemonitor(ref, own, theirs) {
    const monitor = this.#peers.get(ref);
    if (monitor === undefined || monitor.own !== own || monitor.theirs !== theirs) return;
    if (monitor.exit) this.session.outbound.cancel(monitor.exit);
    this.#peers.delete(ref);
  }

  onMonitorExit({ ref, reason }, own, theirs) {
    const monitor = this.#own.get(ref);
    if (monitor === undefined || monitor.process.local !== own || monitor.theirs !== theirs) return;
    this.#own.delete(ref);
    monitor.place.free();
    const native = this.session.readReason(reason);
    if (monitor.link) this.session.links.onBeside(monitor.link, native);
    else this.#down(ref, monitor, native);
  }

  /** Gives each monitoring process its DOWN when the session ends. Nothing is kept. */
  drain(reason) {
    const monitors = [...this.#own];
    this.#own.clear();
    this.#peers.clear();
    for (const [ref, monitor] of monitors) if (!monitor.link) this.#down(ref, monitor, reason);
  }

  #down(ref, { process, theirs }, reason) {
    process.deliver({ type: 'down', ref, process: this.session.processOfPeer(theirs), reason });
  }
}
