// Processes that one node asks another one for: session.md, "Asking for a process". A request for a monitored process stands
// among the monitors: monitors.mjs.

import { LAYOUT } from './limits.mjs';
import { LOCAL_MAX } from './pids.mjs';

const RUNS = 0;
const NOT_OFFERED = 1;
const NO_ROOM = 2;

const FREE = 0;
const LINKED = 1;
const MONITORED = 2;

/** A program asks for a process with arguments that are too long for that. */
export class RequestTooLong extends Error {}

export class Spawns {
  #asked = new Map(); // request -> the process that has asked; not for a monitored one

  constructor(session) {
    this.session = session;
  }

  get #hasCalls() {
    return this.session.capabilities.has('calls');
  }

  /**
   * The own process asks the peer for one. `term` is { message, pids }, as for a call. The number of the request, or null if the
   * session ends or the peer has no place for the monitor. Throws what can never be asked.
   */
  request(process, name, { link = false, monitor = false, term = null } = {}) {
    const { session } = this;
    if (session.over || session.closing) return null;
    if (monitor || term?.pids.length > 0) session.need('calls');
    const args = term === null ? Buffer.alloc(0) : session.writeTerm(term);
    const requester = session.dialect.requester(process.local);
    const flag = link ? LINKED : monitor ? MONITORED : FREE;
    const frame = request => ({ tag: 'SPAWN', fields: { request, requester, link: flag, function: name, arguments: args } });
    if (20 + Buffer.byteLength(name) + args.length > LAYOUT.frame_bytes_bound_min) throw new RequestTooLong();
    if (monitor) return session.monitors.spawn(process, frame);
    const request = session.monitors.nextRef++;
    this.#asked.set(request, process);
    session.outbound.signal(frame(request));
    return request;
  }

  onSpawn({ request, requester, link, function: name, arguments: args }) {
    const theirs = this.session.dialect.readSender(requester);
    if (theirs === null) {
      this.session.ignore();
      return;
    }
    const isMonitored = link === MONITORED && this.#hasCalls;
    if (isMonitored) this.session.monitors.mustBeFree(request);
    const program = this.session.host.offered(name);
    const isLinked = link === LINKED;
    if (!program) this.#answer(request, NOT_OFFERED);
    else if (isLinked && !this.session.hasPlace) this.#answer(request, NO_ROOM);
    else if (isMonitored && this.session.isFull) this.#answer(request, NO_ROOM);
    else {
      // The process is linked or monitored before it is told that it runs (SES-SPN-005, SES-SPN-020).
      const process = this.session.host.spawn(program);
      if (isLinked) this.session.links.link(process, theirs);
      if (isMonitored) this.session.monitors.watch(request, process, requester, theirs);
      this.#answer(request, RUNS, process.local);
      process.deliver({ type: 'started', ...this.#arguments(args) });
    }
  }

  #arguments(args) {
    return this.#hasCalls ? this.session.readTerm(args) : { message: args, pids: [] };
  }

  #answer(request, status, local = 0) {
    this.session.outbound.answer({ tag: 'SPAWN_REPLY', fields: { request, status, local: BigInt(local) } });
  }

  onReply({ request, status, local }) {
    const runs = status === RUNS && local > 0n && local <= LOCAL_MAX;
    const asker = this.#asked.get(request) ?? this.session.monitors.spawned(request, runs ? Number(local) : null);
    if (asker === undefined) {
      this.session.ignore();
      return;
    }
    this.#asked.delete(request);
    const process = runs ? this.session.processOfPeer(Number(local)) : null;
    asker.deliver({ type: 'spawned', request, process, status });
  }

  /** Tells those who wait for an answer that the session is over (SES-END-005). */
  drain() {
    for (const [request, asker] of this.#asked) {
      asker.deliver({ type: 'spawned', request, process: null, status: 'noconnection' });
    }
    this.#asked.clear();
  }
}
