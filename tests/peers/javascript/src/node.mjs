// A node: it listens, dials, keeps one session for each peer, and runs processes.

import { randomBytes } from 'node:crypto';
import net from 'node:net';

import { Dial } from './dial.mjs';
import { Elections } from './election.mjs';
import { Groups } from './groups.mjs';
import { creationOf } from './handshake.mjs';
import { Incoming } from './incoming.mjs';
import { LAYOUT, OWN } from './limits.mjs';
import { Globals, PeerLists } from './lists.mjs';
import { LiveSession } from './live.mjs';
import { addressOf, completeName, formatName, isDialName, parseName } from './names.mjs';
import { Places, placeOf } from './places.mjs';
import { Process } from './process.mjs';
import { acceptorContext } from './tls.mjs';

const NOCONNECTION = { kind: 'noconnection' };

function newIncarnation() {
  const incarnation = randomBytes(8).readBigUInt64LE();
  return incarnation === 0n ? newIncarnation() : incarnation;
}

function checkCookie(cookie) {
  const bytes = Buffer.from(cookie);
  if (bytes.length === 0 || bytes.includes(0)) throw new RangeError('a cookie is not empty and holds no zero byte');
  return bytes;
}

export class Node {
  #processes = new Map();
  #names = new Map();
  #offers = new Map(); // function -> program
  #watchers = new Map(); // node name -> processes
  #peers = new Elections(this);
  #wanted = new Map(); // node name -> who waits for a session
  #lastPeers = new Map(); // node name -> its end of the last session
  #nextLocal = 1;
  #begun = 0;
  #stopped = false;
  clock = {
    now: () => performance.now(),
    after: (milliseconds, act) => setTimeout(act, milliseconds + 1).unref(),
    cancel: timer => clearTimeout(timer),
  };
  cleanUps = new Map(); // node name -> when a version 1 peer of it has forgotten its last session

  /**
   * Starts a node and listens. `name` is its node name; port 0 is one of the system's choice. `cookies`: the first one
   * signs, the others are accepted in REPLY. `version1` allows version 1; `k` is the node id by which a version 1 peer
   * knows this node, where the operator knows it. `peerLists`: every name in a peer list of version 2 may be dialled.
   * `limits` as in limits.mjs.
   */
  static async start({ name, cookies, version1 = false, k = null, peerLists = false, limits = {}, key, cert }) {
    const node = new Node();
    node.limits = { ...OWN, ...limits };
    Object.assign(node, { cookies: cookies.map(checkCookie), version1, k });
    node.globals = new Globals();
    node.peerLists = peerLists ? new PeerLists(node.limits, node.#dials) : null;
    node.incarnation = newIncarnation();
    node.started = node.clock.now();
    node.places = new Places(node.limits);
    node.secureContext = acceptorContext({ version1, key, cert });
    node.server = net.createServer(socket => node.#accept(socket));
    const { host, port } = addressOf(name);
    await new Promise((resolve, reject) => node.server.once('error', reject).listen({ host, port }, resolve));
    node.name = formatName({ ...parseName(name), port: node.server.address().port });
    node.self = {
      name: node.name,
      incarnation: node.incarnation,
      creation: creationOf(node.incarnation),
      frame_bytes_max: LAYOUT.frame_bytes_max,
      links_and_monitors_max: node.limits.links_and_monitors_max,
    };
    return node;
  }

  get cleanup() {
    return this.limits.version_1_cleanup * 1000;
  }

  get #course() {
    return { self: this.self, cookies: this.cookies, version1: this.version1 };
  }

  // Processes

  /** A process whose program is called with each event: see process.mjs. */
  spawn(program) {
    const process = new Process(this, this.#nextLocal++, program);
    this.#processes.set(process.local, process);
    return process;
  }

  register(name, process) {
    const holder = this.registered(name);
    if (holder && holder !== process) throw new Error(`the name ${name} is taken`);
    this.#names.set(name, process);
  }

  /** Peers may have processes started with this program, under a function's name. Its first event is 'started'. */
  offer(name, program) {
    this.#offers.set(name, program);
  }

  offered(name) {
    return this.#offers.get(name);
  }

  find(local) {
    return this.#processes.get(local);
  }

  registered(name) {
    return this.#names.get(name);
  }

  processEnded(process, reason) {
    this.#processes.delete(process.local);
    for (const [name, holder] of this.#names) if (holder === process) this.#names.delete(name);
    for (const watchers of this.#watchers.values()) watchers.delete(process);
    // Whoever learns of the end finds the name free (SES-GLB-014).
    this.globals.processEnded(process, this.#sessions);
    for (const session of this.#sessions) session.processEnded(process, reason);
    this.groups?.processEnded(process);
  }

  /** Takes part in groups from now on: groups.mjs. */
  startGroups() {
    this.groups ??= new Groups(this);
    for (const name of this.connected) this.groups.nodeUp(name);
    return this.groups;
  }

  /** The process is known on all nodes by that name. */
  registerGlobal(name, process) {
    this.globals.register(name, process, this.#sessions);
  }

  /** A peer tells of a global name of its own. */
  learnGlobal(session, entry) {
    this.globals.learn(session, entry, this.#sessions);
  }

  /** The process that has a global name: one of this node, or { node, incarnation, creation, local }. */
  lookupGlobal(name) {
    return this.globals.lookup(name);
  }

  // Leave to dial whom lists name does not extend to lists of version 1 nodes (V1-LST-001).
  peerList(session, names) {
    if (!this.peerLists || session.version === 1) return null;
    this.peerLists.receive(names);
    return names;
  }

  get #dials() {
    return {
      isKnown: name => name === this.name || !(this.#peers.get(name)?.isEmpty ?? true),
      dial: name => this.connect(name).catch(() => {}),
    };
  }

  /** The process is given NODEUP and NODEDOWN of that node. */
  watch(process, node) {
    const name = completeName(node);
    if (!this.#watchers.has(name)) this.#watchers.set(name, new Set());
    this.#watchers.get(name).add(process);
  }

  #tell(name, type) {
    for (const process of this.#watchers.get(name) ?? []) process.deliver({ type, node: name });
    if (type === 'nodeup') this.groups?.nodeUp(name);
    else this.groups?.nodeDown(name);
  }

  // What processes do to those of other nodes. Such a process is { node, incarnation, creation, local }.

  /** A process of the present start of a node by its local id, or of the last start that this node has met. */
  processOn(node, local) {
    const peer = this.#lastPeers.get(completeName(node));
    if (!peer) return null;
    const { name, incarnation, creation } = peer;
    return { node: name, incarnation, creation, local };
  }

  #sessionFor(pid) {
    const session = this.sessionWith(pid.node);
    return session?.peer.incarnation === pid.incarnation ? session : undefined;
  }

  /** 'sent', 'full', or 'dropped' if there is no session. */
  send(to, message) {
    return this.#sessionFor(to)?.send(to.local, message) ?? 'dropped';
  }

  sendNamed(node, name, message) {
    return this.sessionWith(node)?.sendNamed(name, message) ?? 'dropped';
  }

  /** A term to a name: `message` are its bytes, in which each pid is its number in `pids`. As `sendNamed`; throws a term with
   * pids if the session has nothing to send it by. */
  sendNamedTerm(node, name, { message, pids = [] }) {
    return this.sessionWith(node)?.sendNamedTerm(name, { message, pids }) ?? 'dropped';
  }

  /**
   * Calls a process of another node with a term. { session, ref } of the call; 'full' if the process has to try again, null if
   * the peer has no place. The process is given one event, 'reply' or 'call_ended', unless `giveUp` comes before.
   */
  call(process, other, { message, pids = [] }) {
    return this.#called(process, this.#sessionFor(other), session => session.calls.call(process, other.local, { message, pids }));
  }

  /** The same, of whoever has a name on that node. */
  callNamed(process, node, name, { message, pids = [] }) {
    return this.#called(process, this.sessionWith(node), session => session.calls.callNamed(process, name, { message, pids }));
  }

  #called(process, session, call) {
    if (session) {
      const ref = call(session);
      return typeof ref === 'bigint' ? { session, ref } : ref;
    }
    process.deliver({ type: 'call_ended', ref: null, reason: NOCONNECTION });
    return { session: null, ref: null };
  }

  giveUp(process, { session, ref }) {
    session?.monitors.demonitor(process, ref);
  }

  /** As `monitor`, of whoever has a name on that node; the process is given an event 'named' when it is known who that is. */
  monitorNamed(process, node, name) {
    const session = this.sessionWith(node);
    if (session) {
      const ref = session.monitors.monitorNamed(process, name);
      return ref === null ? null : { session, ref };
    }
    process.deliver({ type: 'down', ref: null, process: this.#nobodyOn(node), reason: NOCONNECTION });
    return { session: null, ref: null };
  }

  #nobodyOn(node) {
    return this.processOn(node, 0) ?? { node: completeName(node), incarnation: null, creation: 0, local: 0 };
  }

  /** False if the peer has no room, or the session does not allow a link yet. */
  link(process, other) {
    const session = this.#sessionFor(other);
    if (session) return session.links.link(process, other.local);
    process.exitSignal(other, NOCONNECTION);
    return true;
  }

  unlink(process, other) {
    this.#sessionFor(other)?.links.unlink(process, other.local);
  }

  /** { session, ref } of the monitor, or null as with `link`. */
  monitor(process, other) {
    const session = this.#sessionFor(other);
    if (session) {
      const ref = session.monitors.monitor(process, other.local);
      return ref === null ? null : { session, ref };
    }
    process.deliver({ type: 'down', ref: null, process: other, reason: NOCONNECTION });
    return { session: null, ref: null };
  }

  /**
   * Asks a node for a process. The number of the request; the process is given an event 'spawned' with that number. Null
   * if there is no session, or no place at the peer. `how` says whether the process is linked or monitored, and what it is given.
   */
  request(process, node, name, how = {}) {
    return this.sessionWith(node)?.spawns.request(process, name, how) ?? null;
  }

  demonitor(process, { session, ref }) {
    session?.monitors.demonitor(process, ref);
  }

  // Sessions

  get #sessions() {
    return this.#peers.all.flatMap(({ session }) => (session ? [session.session] : []));
  }

  /** The names of all nodes with which there is a session. */
  get connected() {
    return this.#sessions.filter(({ over }) => !over).map(({ peer }) => peer.name);
  }

  sessionWith(node) {
    const session = this.#peers.get(completeName(node))?.session?.session;
    return session?.over ? undefined : session;
  }

  /** A session with that node, by a dial if there is none: a promise that fails with the dial. */
  async connect(node) {
    const name = completeName(node);
    if (name === null || !isDialName(name)) throw new Error(`${node} cannot be dialled`);
    if (name === this.name) throw new Error('the own name is not dialled');
    if (this.#stopped) throw new Error('the node has stopped');
    const election = this.#peers.of(name);
    if (election.answer === 'up') return election.session.session;
    const session = new Promise((resolve, reject) => {
      if (!this.#wanted.has(name)) this.#wanted.set(name, []);
      this.#wanted.get(name).push({ resolve, reject });
    });
    if (election.answer === 'dials') election.dial = this.#dial(name, election);
    return session;
  }

  #dial(name, election) {
    return new Dial({
      to: name,
      begun: this.#begun++,
      limits: this.limits,
      version1: this.version1,
      course: this.#course,
      connectIn: election.dialIn,
      replyIn: version => election.replyIn(version),
      onAck: dial => election.acked(dial),
      onEnd: (dial, why) => {
        election.dialEnded(dial);
        if (!election.session && !election.waiting && !election.dial) this.#settle(name, new Error(why));
        this.#peers.forgetEmpty(name);
      },
    });
  }

  #settle(name, error, session) {
    const waiting = this.#wanted.get(name) ?? [];
    this.#wanted.delete(name);
    for (const { resolve, reject } of waiting) if (error) reject(error); else resolve(session);
  }

  #accept(socket) {
    const address = socket.remoteAddress;
    if (this.#stopped || address === undefined) {
      socket.destroy();
      return;
    }
    this.places.make(address);
    const incoming = new Incoming(socket, {
      place: placeOf(address),
      begun: this.#begun++,
      limits: this.limits,
      secureContext: this.secureContext,
      course: this.#course,
      leave: () => incoming.leavePlace(),
      onVerified: connection => this.#verified(connection),
      onGone: connection => this.#peers.withdrawn(connection),
    });
    incoming.leavePlace = this.places.take(address, incoming);
  }

  #verified(connection) {
    if (this.#stopped) connection.refuse('busy');
    else this.#peers.verified(connection);
  }

  // What an Election decides

  refuse(connection, code) {
    connection.refuse(code);
  }

  accept(connection) {
    connection.accept();
    this.#begin(connection);
  }

  adopt(dial) {
    this.#begin(dial);
  }

  #begin({ connection, version, peer: announced, begun, place }) {
    const { name } = announced;
    // In version 1 every session is another start of the peer (V1-ELC-002).
    const peer = version === 1 ? { ...announced, incarnation: Symbol(name) } : announced;
    const election = this.#peers.of(name);
    const live = new LiveSession({
      connection, version, peer, begun, begunBefore: this.#begun, self: this.self, host: this, limits: this.limits, k: this.k,
      onEnd: () => this.#ended(name, election, live.session),
    });
    // Of a dial there is none.
    live.place = place;
    election.session = live;
    this.#lastPeers.set(name, peer);
    this.#tell(name, 'nodeup');
    this.#settle(name, null, live.session);
    this.globals.begin(live.session);
    live.begin();
  }

  #ended(name, election, session) {
    this.globals.end(session);
    this.#tell(name, 'nodedown');
    election.sessionEnded();
    // Who asked while the session was being closed has waited for its end.
    const isWanted = this.#wanted.has(name) && !this.#stopped;
    if (isWanted && election.answer === 'dials') election.dial = this.#dial(name, election);
    this.#peers.forgetEmpty(name);
    if (this.#peers.isEmpty) this.onQuiet?.();
  }

  /** Ends the session with a node in order. */
  disconnect(node) {
    this.#peers.get(completeName(node))?.session?.close('the program ends the session');
  }

  /** Ends all sessions in order, closes everything else, and listens no more. */
  async stop() {
    this.#stopped = true;
    this.groups?.stop();
    this.server.close();
    this.places.abandonAll();
    for (const election of this.#peers.all) {
      election.dial?.abandon('the node stops');
      election.waiting?.refuse(null);
      election.waiting = null;
      election.session?.close('the node stops');
    }
    for (const { name } of this.#peers.all) this.#peers.forgetEmpty(name);
    if (!this.#peers.isEmpty) await new Promise(resolve => { this.onQuiet = resolve; });
  }
}
