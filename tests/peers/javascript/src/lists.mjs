// Peer lists and global names: session.md, "Peer lists, global names, rooms". A node that is told names of nodes dials
// them only if its operator says so.

import { writeFrame } from './frames.mjs';
import { LAYOUT } from './limits.mjs';
import { completeName, isDialName } from './names.mjs';

const MINUTE_MS = 60_000;

/** Dials that peer lists bring about, of all peers together. */
export class PeerLists {
  #dials = []; // when each of the last minute was begun

  /** `dial(name)` does nothing for the own name and for one with which there is a session or a dial. */
  constructor({ peer_list_names_max: namesMax, peer_list_dials_max: dialsMax }, { isKnown, dial }) {
    Object.assign(this, { namesMax, dialsMax, isKnown, dial });
  }

  receive(names, now = Date.now()) {
    this.#dials = this.#dials.filter(begun => now - begun < MINUTE_MS);
    for (const text of names.slice(0, this.namesMax)) {
      const name = completeName(text);
      if (name === null || !isDialName(name) || this.isKnown(name)) continue;
      if (this.#dials.length >= this.dialsMax) return;
      this.#dials.push(now);
      this.dial(name);
    }
  }
}

/** Names that hold for all nodes. Each is told by its owner alone, and goes with the session in which it came. */
export class Globals {
  #own = new Map(); // name -> process
  #learned = new Map(); // name -> { session, process }

  register(name, process, sessions) {
    this.#own.set(name, process);
    for (const session of sessions) session.tell('GLOBAL_REGISTER', this.#entry(session, name, process));
  }

  processEnded(process, sessions) {
    for (const [name, holder] of this.#own) {
      if (holder !== process) continue;
      this.#own.delete(name);
      for (const session of sessions) session.tell('GLOBAL_UNREGISTER', { name });
    }
  }

  lookup(name) {
    return this.#own.get(name) ?? this.#learned.get(name)?.process;
  }

  #entry(session, name, process) {
    return { name, pid: session.dialect.requester(process.local), node: session.self.name };
  }

  /** Tells a new session all own names, in frames that every peer reads (SES-LST-007). */
  begin(session) {
    let entries = [];
    for (const [name, process] of this.#own) {
      const more = [...entries, this.#entry(session, name, process)];
      const fits = writeFrame({ tag: 'GLOBAL_SYNC', fields: { entries: more } }).length <= LAYOUT.frame_bytes_bound_min;
      if (!fits) session.tell('GLOBAL_SYNC', { entries });
      entries = fits ? more : more.slice(-1);
    }
    if (entries.length > 0) session.tell('GLOBAL_SYNC', { entries });
  }

  /** The name of another node than the peer is nothing that the peer can tell (SES-GLB-001). */
  learn(session, { name, pid, node }) {
    if (completeName(node) !== session.peer.name) session.ignore();
    else this.#learned.set(name, { session, process: session.dialect.readHop(pid) });
  }

  forget(session, { name }) {
    if (this.#learned.get(name)?.session === session) this.#learned.delete(name);
    else session.ignore();
  }

  end(session) {
    for (const [name, learned] of this.#learned) if (learned.session === session) this.#learned.delete(name);
  }
}
