// Processes that one node asks another one for: session.md, "Asking for a process".

import { LOCAL_MAX } from './pids.mjs';

const RUNS = 0;
const NOT_OFFERED = 1;
const NO_ROOM = 2;

export class Spawns {
  #asked = new Map(); // request -> the process that has asked
  #nextRequest = 1n;

  constructor(session) {
    this.session = session;
  }

  /** The own process asks the peer for one. The number of the request, or null if the session ends. */
  request(process, name, { link, args }) {
    const { session } = this;
    if (session.over || session.closing) return null;
    const request = this.#nextRequest++;
    this.#asked.set(request, process);
    const requester = session.dialect.requester(process.local);
    const fields = { request, requester, link: link ? 1 : 0, function: name, arguments: args };
    session.outbound.signal({ tag: 'SPAWN', fields });
    return request;
  }

  onSpawn({ request, requester, link, function: name, arguments: args }) {
    const theirs = this.session.dialect.readSender(requester);
    if (theirs === null) {
      this.session.ignore();
      return;
    }
    const program = this.session.host.offered(name);
    const isLinked = link === 1;
    if (!program) this.#answer(request, NOT_OFFERED);
    else if (isLinked && !this.session.hasPlace) this.#answer(request, NO_ROOM);
    else {
      // The process is linked before it is told that it runs (SES-SPN-005).
      const process = this.session.host.spawn(program);
      if (isLinked) this.session.links.link(process, theirs);
      this.#answer(request, RUNS, process.local);
      process.deliver({ type: 'started', arguments: args });
    }
  }

  #answer(request, status, local = 0) {
    this.session.outbound.answer({ tag: 'SPAWN_REPLY', fields: { request, status, local: BigInt(local) } });
  }

  onReply({ request, status, local }) {
    const asker = this.#asked.get(request);
    if (asker === undefined) {
      this.session.ignore();
      return;
    }
    this.#asked.delete(request);
    const runs = status === RUNS && local <= LOCAL_MAX;
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
