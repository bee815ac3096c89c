// Links: session.md, "Links", the table of states and events. In version 1, UNLINK stands for UNLINK_ID, nothing is
// acknowledged, and a MONITOR stands beside each LINK (version1.md, "Links and monitors").
//
// A link is { process, theirs, state, id, by, pids, place, beside, exit }. A link in state none is not kept.

import { error } from './reasons.mjs';

const NOPROC = error('noproc');
const LIMIT = error('limit');

const pair = (own, theirs) => `${own} ${theirs}`;

export class Links {
  #links = new Map(); // own local id -> (local id of the peer -> link)
  #outstanding = new Map(); // "own theirs" -> id of the last UNLINK_ID, until it is acknowledged
  #kept = new Map(); // "own theirs" -> the place of a link that is over and that the last LINK may make again
  #nextId = 1n;

  constructor(session) {
    this.session = session;
    this.held = 0; // made by the peer
  }

  #get(own, theirs) {
    return own === null ? undefined : this.#links.get(own)?.get(theirs);
  }

  #add(link) {
    const { local } = link.process;
    if (!this.#links.has(local)) this.#links.set(local, new Map());
    this.#links.get(local).set(link.theirs, link);
    if (link.by === 'peer') this.held += 1;
    return link;
  }

  #remove(link) {
    const links = this.#links.get(link.process.local);
    if (links?.get(link.theirs) !== link) return;
    links.delete(link.theirs);
    if (links.size === 0) this.#links.delete(link.process.local);
    this.#free(link);
  }

  /** A link of the peer's is over there: its place can be taken again (session.md, "Bounds of links and monitors"). */
  #free(link) {
    if (link.by !== 'peer') return;
    this.held -= 1;
    link.by = 'nobody';
  }

  /** The own process links. False if there is no room at the peer, or, in version 1, no k. */
  link(process, theirs) {
    const { session } = this;
    const before = this.#get(process.local, theirs);
    if (before?.state === 'active') return true;
    if (!session.canLink) return false;
    const kept = this.#takeKept(pair(process.local, theirs));
    const place = kept ?? (before?.place?.stays ? before.place : session.places.take(session.version === 1 ? 2 : 1));
    if (place === null) return false;
    if (before) this.#remove(before);
    const pids = session.pidsOf(process.local, theirs);
    const link = this.#add({ process, theirs, state: 'active', by: 'own', pids, place });
    session.outbound.signal({ tag: 'LINK', fields: pids });
    if (session.version === 1) link.beside = session.monitors.beside(link);
    return true;
  }

  unlink(process, theirs) {
    const link = this.#get(process.local, theirs);
    if (link?.state !== 'active') return;
    if (this.session.version === 1) {
      this.#remove(link);
      this.session.outbound.signal({ tag: 'UNLINK', fields: link.pids }, () => link.place?.free());
      this.session.monitors.endBeside(link);
      return;
    }
    link.state = 'unlinking';
    link.id = this.#nextId++;
    this.#outstanding.set(pair(process.local, theirs), link.id);
    this.session.outbound.signal({ tag: 'UNLINK_ID', fields: { ...link.pids, id: link.id } });
  }

  processEnded(process, reason) {
    for (const link of [...(this.#links.get(process.local)?.values() ?? [])]) {
      if (link.state !== 'active') continue;
      link.state = 'ending';
      link.exit = this.session.outbound.signal(
        { tag: 'EXIT', fields: { ...link.pids, reason: this.session.writeReason(reason) } },
        () => {
          this.#remove(link);
          link.place?.free();
        },
      );
      this.session.monitors.endBeside(link);
    }
  }

  onLink({ from, to }, own, theirs) {
    if (this.#get(own, theirs)) return;
    const process = this.session.find(own);
    const crosses = this.#kept.has(pair(own, theirs)) && this.#outstanding.has(pair(own, theirs));
    const refusal = !process ? NOPROC : this.session.isFull && !crosses ? LIMIT : null;
    if (refusal === null) {
      const pids = this.session.version === 1 ? { from: to, to: from } : this.session.pidsOf(own, theirs);
      // Before the acknowledgement it has crossed the own LINK: each node counts the link for its own.
      const kept = this.#takeKept(pair(own, theirs));
      const place = crosses ? kept : null;
      if (!crosses) kept?.free();
      this.#add({ process, theirs, state: 'active', by: place ? 'own' : 'peer', pids, place });
    } else {
      this.#answer(own, theirs, { tag: 'EXIT', fields: { from: to, to: from, reason: refusal } });
    }
  }

  onExit(reason, own, theirs) {
    const link = this.#get(own, theirs);
    // Before the acknowledgement of the last unlink it is of the link before, also when that was made again.
    if (link === undefined) return;
    if (this.#outstanding.has(pair(own, theirs))) {
      this.#free(link);
      return;
    }
    this.#end(link);
    if (link.state === 'active') this.#signal(link, reason);
  }

  onUnlink(own, theirs) {
    const link = this.#unlinked(own, theirs);
    if (link?.state !== 'unlinking' && !this.#kept.has(pair(own, theirs))) link?.place?.free();
  }

  // The place at the peer, if there is one, is that of the caller, unless it is kept.
  #unlinked(own, theirs) {
    const link = this.#get(own, theirs);
    if (link === undefined || link.state === 'unlinking') return link;
    this.#end(link, true);
    this.session.monitors.endBeside(link);
    if (link.place && this.#outstanding.has(pair(own, theirs))) {
      this.#kept.set(pair(own, theirs), { place: link.place, answers: 0 });
    }
    return link;
  }

  onUnlinkId({ from, to, id }, own, theirs) {
    const link = this.#unlinked(own, theirs);
    const ack = { tag: 'UNLINK_ACK', fields: { from: to, to: from, id } };
    if (this.#kept.has(pair(own, theirs))) {
      this.#answer(own, theirs, ack);
      return;
    }
    // The place comes free with the acknowledgement; whoever links again before that needs another one.
    if (link?.place) link.place.stays = false;
    this.session.outbound.answer(ack, () => link?.place?.free());
  }

  onUnlinkAck(id, own, theirs) {
    if (this.#outstanding.get(pair(own, theirs)) === id) {
      this.#outstanding.delete(pair(own, theirs));
      this.#settle(pair(own, theirs), this.#kept.get(pair(own, theirs)));
    }
    const link = this.#get(own, theirs);
    if (link?.state !== 'unlinking' || link.id !== id) return;
    this.#end(link);
  }

  /** MONITOR_EXIT of the monitor beside a link, in version 1. */
  onBeside(link, reason) {
    if (this.#get(link.process.local, link.theirs) !== link || link.state !== 'active') return;
    this.#end(link);
    this.#signal(link, reason);
  }

  /** All links whose process is owed an exit signal when the session ends. Nothing is kept. */
  drain() {
    const active = [...this.#links.values()].flatMap(links => [...links.values()]).filter(link => link.state === 'active');
    this.#links.clear();
    return active;
  }

  /** An answer about these two. A place that is kept for them waits until it is written. */
  #answer(own, theirs, frame) {
    const kept = this.#kept.get(pair(own, theirs));
    if (kept) kept.answers += 1;
    this.session.outbound.answer(frame, () => {
      if (!kept) return;
      kept.answers -= 1;
      this.#settle(pair(own, theirs), kept);
    });
  }

  /** A place that is kept comes free when nothing is outstanding and all answers are written. */
  #settle(key, kept) {
    if (!kept || kept.answers > 0 || this.#outstanding.has(key) || this.#kept.get(key) !== kept) return;
    this.#kept.delete(key);
    kept.place.free();
  }

  /** The place that is kept for these two goes to the link that is made again. */
  #takeKept(key) {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    return kept?.place ?? null;
  }

  #end(link, placeStays = false) {
    if (link.state === 'ending') this.session.outbound.cancel(link.exit);
    this.#remove(link);
    if (!placeStays) link.place?.free();
  }

  #signal(link, reason) {
    this.session.monitors.forgetBeside(link);
    link.process.exitSignal(this.session.processOfPeer(link.theirs), reason);
  }
}
