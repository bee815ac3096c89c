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

const NAME_CONFLICT = { kind: 'custom', text: 'name conflict' };

const less = (one, other) =>
  one.incarnation === other.incarnation ? Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)) < 0 : one.incarnation < other.incarnation;

/**
 * Names that hold for all nodes. Each is told by its owner alone, and goes with the session in which it came. Of two that
 * claim a name, the node with the smaller incarnation keeps it. Version 1 has no part in this.
 */
export class Globals {
  #own = new Map(); // name -> process
  #claims = new Map(); // name -> Map of session -> process

  register(name, process, sessions) {
    if (Buffer.byteLength(name) > LAYOUT.global_name_bytes_max) throw new Error('the global name is too long');
    if (this.lookup(name)) throw new Error(`the global name ${name} is taken`);
    this.#own.set(name, process);
    for (const session of told(sessions)) session.tellRegistered(this.#entry(session, name, process));
  }

  processEnded(process, sessions) {
    for (const [name, holder] of this.#own) if (holder === process) this.#takeBack(name, sessions);
  }

  #takeBack(name, sessions) {
    this.#own.delete(name);
    for (const session of told(sessions)) session.tellTakenBack(name);
  }

  lookup(name) {
    const own = this.#own.get(name);
    if (own) return own;
    const claims = [...(this.#claims.get(name) ?? [])];
    return claims.reduce((first, next) => (!first || less(next[0].peer, first[0].peer) ? next : first), null)?.[1];
  }

  #entry(session, name, process) {
    return { name, pid: session.dialect.requester(process.local), node: session.self.name };
  }

  /** Tells a new session all own names, in frames that every peer reads (SES-LST-007). */
  begin(session) {
    if (session.version === 1) return;
    let entries = [];
    for (const [name, process] of this.#own) {
      const more = [...entries, this.#entry(session, name, process)];
      const fits = writeFrame({ tag: 'GLOBAL_SYNC', fields: { entries: more } }).length <= LAYOUT.frame_bytes_bound_min;
      if (!fits) session.tellNames(entries);
      entries = fits ? more : more.slice(-1);
    }
    if (entries.length > 0) session.tellNames(entries);
  }

  /** The name of another node than the peer is nothing that the peer can tell (SES-GLB-001, SES-GLB-006). */
  learn(session, { name, pid, node }, sessions) {
    const { peer, dialect, version } = session;
    if (version === 1 || completeName(node) !== peer.name || dialect.readSender(pid) === null) return session.ignore();
    const process = dialect.readHop(pid);
    if (!this.#claims.has(name)) this.#claims.set(name, new Map());
    this.#claims.get(name).set(session, process);
    const own = this.#own.get(name);
    // SES-GLB-011
    if (!own || !less(peer, session.self)) return;
    this.#takeBack(name, sessions);
    own.exitSignal(process, NAME_CONFLICT);
  }

  forget(session, { name }) {
    const claims = this.#claims.get(name);
    if (!claims?.delete(session)) session.ignore();
    else if (claims.size === 0) this.#claims.delete(name);
  }

  end(session) {
    for (const [name, claims] of this.#claims) if (claims.delete(session) && claims.size === 0) this.#claims.delete(name);
  }
}

const told = sessions => [...sessions].filter(({ version }) => version !== 1);
