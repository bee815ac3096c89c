// A session: what the frames do to the processes of this node, and what the processes do to those of the peer
// (session.md). No socket and no clock: frames come in through `handle`, and go out through an Outbound.

import { Calls } from './calls.mjs';
import { capabilityOf, Lacking } from './capabilities.mjs';
import { ProtocolError, Version1, Version2 } from './dialects.mjs';
import { isVersion2 } from './frames.mjs';
import { Links } from './links.mjs';
import { Monitors } from './monitors.mjs';
import { fitReason, mapHops } from './reasons.mjs';
import { passesForSignal } from './signals.mjs';
import { Spawns } from './spawns.mjs';
import { pidsIn, putPids } from './terms.mjs';

const NOCONNECTION = { kind: 'noconnection' };

/** The links and monitors that the peer holds for this node (session.md, "Bounds of links and monitors"). */
class Places {
  constructor(max) {
    Object.assign(this, { max, used: 0 });
  }

  /** Places that are given back together, or null if there is no room. */
  take(count) {
    if (this.used + count > this.max) return null;
    this.used += count;
    const place = {
      stays: true,
      free: () => {
        this.used -= count;
        place.free = () => {};
      },
    };
    return place;
  }
}

export class Session {
  #changes = new Map(); // of own global names, by name: { frame, item }, while their turn has not come
  #told = new Set(); // own global names that the peer was told of

  /**
   * `self` and `peer` are the two ends: { name, incarnation, creation, frame_bytes_max, links_and_monitors_max }.
   * `host` finds processes, `find(local)` and `registered(name)`, and starts them, `offered(name)` and `spawn(program)`.
   * `capabilities` are those of the session, by their names.
   */
  constructor({ version, self, peer, host, outbound, k, capabilities = new Set() }) {
    Object.assign(this, { version, self, peer, host, outbound, capabilities, over: false, closing: false, ignored: 0 });
    this.dialect = version === 1 ? new Version1(self, peer, k) : new Version2(self, peer);
    this.places = new Places(peer.links_and_monitors_max);
    this.links = new Links(this);
    this.monitors = new Monitors(this);
    this.calls = new Calls(this);
    this.spawns = new Spawns(this);
  }

  // What processes of this node do. A term is { message, pids }: its bytes, in which each pid is its number in `pids`.

  send(to, message) {
    return this.#message({ tag: 'SEND', fields: { to: this.dialect.theirs(to), message } });
  }

  sendNamed(name, message) {
    return this.#message({ tag: 'REG_SEND', fields: { name, message } });
  }

  /** A term to a name. Without `names` it is a message like any other, if it has no pids. */
  sendNamedTerm(name, term) {
    if (term.pids.length > 0) this.need('names');
    const tag = this.capabilities.has('names') ? 'SEND_NAME_TERM' : 'REG_SEND';
    return this.#message({ tag, fields: { name, message: this.writeTerm(term) } });
  }

  // 'sent', 'full' if the sender has to try again, 'dropped' if the session ends. Throws what can never be sent.
  #message(frame) {
    if (this.over || this.closing) return 'dropped';
    if (!this.outbound.hasRoom) return 'full';
    if (this.version === 1 && passesForSignal(frame.fields.message)) {
      throw new RangeError('a version 1 node would take this message for a signal');
    }
    this.outbound.message(frame);
    return 'sent';
  }

  processEnded(process, reason) {
    if (this.over) return;
    this.links.processEnded(process, reason);
    this.monitors.processEnded(process, reason);
  }

  // What the peer's frames do

  /** Handles one frame. Throws a ProtocolError if the session has to end; gives 'closed' for a CLOSE. */
  handle(frame) {
    const { tag, fields } = frame;
    if (this.version === 1 && isVersion2(tag)) return this.ignore();
    if (tag === 'CLOSE') return 'closed';
    const needed = capabilityOf(tag);
    if (needed && !this.capabilities.has(needed)) throw new ProtocolError(`${tag} needs ${needed}, which this session does not have`);
    if (!this.dialect.isHere(frame)) return this.ignore();
    const handler = HANDLERS[tag];
    return handler ? handler(this, fields) : this.ignore();
  }

  /** A frame about names: it keeps its place among all others. */
  tell(tag, fields) {
    if (!this.over && !this.closing) this.outbound.signal({ tag, fields });
  }

  /** The own global names when the session begins. They cannot be withdrawn, so the peer counts as told from here on. */
  tellNames(entries) {
    for (const { name } of entries) this.#told.add(name);
    this.tell('GLOBAL_SYNC', { entries });
  }

  /** An own global name is registered. A session that is being closed is told of no name that it does not know. */
  tellRegistered(entry) {
    const isNews = !this.#changes.get(entry.name)?.frame;
    if (!(this.closing && isNews)) this.#tellChange(entry.name, { tag: 'GLOBAL_REGISTER', fields: entry });
  }

  /** An own global name is taken back, which only a peer that was told of it is told (SES-GLB-014). */
  tellTakenBack(name) {
    this.#tellChange(name, this.#told.has(name) ? { tag: 'GLOBAL_UNREGISTER', fields: { name } } : null);
  }

  // At most one change of each name waits: a later one takes its place. Without a frame nothing is written in its turn.
  #tellChange(name, frame) {
    const waiting = this.#changes.get(name);
    if (waiting) {
      waiting.frame = frame;
      return this.outbound.replace(waiting.item, frame);
    }
    if (this.over || frame === null) return;
    const change = { frame, item: null };
    this.#changes.set(name, change);
    change.item = this.outbound.signal(frame, () => {
      this.#changes.delete(name);
      if (change.frame?.tag === 'GLOBAL_REGISTER') this.#told.add(name);
      else this.#told.delete(name);
    });
  }

  ignore() {
    this.ignored += 1;
  }

  /** Both ends of a frame, the receiver judged first (SES-PID-007). Calls `act(own, theirs)` if it is not ignored. */
  between(receiver, sender, act) {
    const own = this.dialect.readReceiver(receiver);
    const theirs = this.dialect.readSender(sender);
    if (theirs === null) this.ignore();
    else act(own, theirs);
  }

  /** The sender of a frame that has no receiver. Calls `act(theirs)` if it is not ignored. */
  fromPeer(sender, act) {
    const theirs = this.dialect.readSender(sender);
    if (theirs === null) this.ignore();
    else act(theirs);
  }

  // For links, monitors and calls

  need(capability) {
    if (!this.capabilities.has(capability)) throw new Lacking(capability, this.peer.name);
  }

  /** The bytes of a term as they are written. In `message` each pid is its number in `pids`, from 0 on, as a u64. */
  writeTerm({ message, pids }) {
    return putPids(message, number => this.dialect.writeHop(pids[number]));
  }

  /** A term that was read: the bytes as they came, and whose its pids are. What is no term has none. */
  readTerm(message) {
    return { message, pids: pidsIn(message).map(pid => this.dialect.readHop(pid)) };
  }

  get isFull() {
    return this.links.held + this.monitors.held >= this.self.links_and_monitors_max;
  }

  /** In version 1 nothing can be linked before k is known (V1-LRN-004). */
  get canLink() {
    return !this.over && (this.version === 2 || this.dialect.k !== null);
  }

  /** Whether the peer has room for a link (SES-SPN-006). */
  get hasPlace() {
    return this.canLink && this.places.used + (this.version === 1 ? 2 : 1) <= this.places.max;
  }

  find(local) {
    return local === null ? undefined : this.host.find(local);
  }

  pidsOf(own, theirs) {
    return { from: this.dialect.own(own), to: this.dialect.theirs(theirs) };
  }

  processOfPeer(local) {
    const { name, incarnation, creation } = this.peer;
    return { node: name, incarnation, creation, local };
  }

  readReason(reason) {
    return mapHops(reason, hop => this.dialect.readHop(hop));
  }

  writeReason(reason) {
    return mapHops(fitReason(reason, this.version), process => this.dialect.writeHop(process));
  }

  /** The session is over: first all exit signals, then all DOWNs (session.md, "The end of a session"). */
  end() {
    if (this.over) return;
    this.over = true;
    for (const link of this.links.drain()) {
      link.process.exitSignal(this.processOfPeer(link.theirs), NOCONNECTION);
    }
    this.monitors.drain(NOCONNECTION);
    this.spawns.drain();
  }
}

const HANDLERS = {
  SEND: (session, { to, message }) =>
    session.find(session.dialect.readReceiver(to))?.deliver({ type: 'message', message }),
  REG_SEND: (session, { name, message }) => session.host.registered(name)?.deliver({ type: 'message', message }),
  LINK: (session, fields) =>
    session.between(fields.to, fields.from, (own, theirs) => session.links.onLink(fields, own, theirs)),
  UNLINK: (session, { from, to }) =>
    session.between(to, from, (own, theirs) => session.links.onUnlink(own, theirs)),
  UNLINK_ID: (session, fields) =>
    session.between(fields.to, fields.from, (own, theirs) => session.links.onUnlinkId(fields, own, theirs)),
  UNLINK_ACK: (session, { from, to, id }) =>
    session.between(to, from, (own, theirs) => session.links.onUnlinkAck(id, own, theirs)),
  EXIT: (session, { from, to, reason }) =>
    session.between(to, from, (own, theirs) => session.links.onExit(session.readReason(reason), own, theirs)),
  MONITOR: (session, fields) =>
    session.between(fields.to, fields.from, (own, theirs) => session.monitors.onMonitor(fields, own, theirs)),
  DEMONITOR: (session, { from, to, ref }) =>
    session.between(to, from, (own, theirs) => session.monitors.onDemonitor(ref, own, theirs)),
  MONITOR_EXIT: (session, fields) =>
    session.between(fields.monitoring, fields.monitored, (own, theirs) =>
      session.monitors.onMonitorExit(fields, own, theirs)),
  CALL: (session, fields) =>
    session.between(fields.to, fields.from, (own, theirs) => session.calls.onCall(fields, own, theirs)),
  CALL_NAME: (session, fields) => session.fromPeer(fields.from, theirs => session.calls.onCallName(fields, theirs)),
  CALL_REPLY: (session, fields) =>
    session.between(fields.to, fields.from, (own, theirs) => session.calls.onReply(fields, own, theirs)),
  SEND_NAME_TERM: (session, { name, message }) =>
    session.host.registered(name)?.deliver({ type: 'message', ...session.readTerm(message) }),
  MONITOR_NAME: (session, fields) => session.fromPeer(fields.from, theirs => session.monitors.onMonitorName(fields, theirs)),
  NAMED: (session, { ref, pid }) => session.fromPeer(pid, theirs => session.monitors.onNamed(ref, theirs)),
  PEER_LIST: (session, { names }) => session.host.peerList?.(session, names) ?? session.ignore(),
  GLOBAL_REGISTER: (session, fields) => session.host.learnGlobal?.(session, fields),
  GLOBAL_UNREGISTER: (session, fields) => session.host.globals?.forget(session, fields),
  GLOBAL_SYNC: (session, { entries }) => entries.forEach(entry => session.host.learnGlobal?.(session, entry)),
  SPAWN: (session, fields) => session.spawns.onSpawn(fields),
  SPAWN_REPLY: (session, fields) => session.spawns.onReply(fields),
  PING: (session, { payload }) => session.outbound.pong(payload),
};
