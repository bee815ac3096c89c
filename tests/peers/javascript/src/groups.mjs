// Groups of processes that all nodes know: groups.md. `Server` is what a server knows and says, without a node around it;
// `Groups` is the groups of a node, with their server. A process is { node, incarnation, creation, local }.

import { LAYOUT } from './limits.mjs';
import { readTerm, writeTerm } from './terms.mjs';

const NAME = 'groups';
const VERSION = 1n;
/** How long the server waits for room in a queue that is full. */
const FULL_MS = 20;

const keyOf = ({ node, incarnation, creation, local }) => `${node} ${incarnation} ${creation} ${local}`;
const isSame = (one, other) => one !== null && other !== null && keyOf(one) === keyOf(other);
const isBeside = (pid, server) => isSame({ ...pid, local: server.local }, server) && pid.local !== 0;
const isName = name => name.length > 0 && Buffer.byteLength(name) <= LAYOUT.group_name_bytes_max;
const byBytes = (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** Memberships, by name and then by process. */
class Memberships {
  #groups = new Map(); // name -> Map of processes by their keys
  count = 0;

  has(name, pid) {
    return this.#groups.get(name)?.has(keyOf(pid)) ?? false;
  }

  add(name, pid) {
    if (this.has(name, pid)) return false;
    if (!this.#groups.has(name)) this.#groups.set(name, new Map());
    this.#groups.get(name).set(keyOf(pid), pid);
    this.count += 1;
    return true;
  }

  remove(name, pid) {
    const members = this.#groups.get(name);
    if (!members?.delete(keyOf(pid))) return false;
    if (members.size === 0) this.#groups.delete(name);
    this.count -= 1;
    return true;
  }

  of(name) {
    return [...(this.#groups.get(name)?.values() ?? [])].sort((one, other) => one.local - other.local);
  }

  get names() {
    return [...this.#groups.keys()].sort(byBytes);
  }

  get all() {
    return this.names.flatMap(name => this.of(name).map(pid => ({ name, pid })));
  }
}

/** Another node: its server, what that has told, and what it is told. */
class Peer {
  server = null;
  isSought = true;
  toSeek = true;
  hasMissed = false;
  hasMissedAsk = false;
  heard = null;
  ask = null; // the stream for which another one is asked for
  told = new Memberships(); // what it has told
  reads = { stream: 0n, next: 0n, complete: false, named: new Memberships(), strays: 0 };
  writes = null; // the stream to it: { stream, next, named, isDue }
}

/** What a server knows, and what it has to do: `todo(node)` gives that, one thing after the other. */
export class Server {
  #here = new Memberships();
  #peers = new Map(); // node name -> Peer
  #lastStream = 0n;
  ignored = 0;

  constructor(own) {
    this.own = own;
  }

  // What processes of this node do

  /** False if it is a member already. Throws what can be no member. */
  join(name, pid) {
    if (!isName(name)) throw new RangeError('a group has a name of 1 to 255 bytes');
    if (this.#here.has(name, pid)) return false;
    if (this.#here.count >= LAYOUT.group_memberships_max) throw new RangeError('too many memberships');
    return this.#here.add(name, pid);
  }

  leave(name, pid) {
    return this.#here.remove(name, pid);
  }

  processEnded(pid) {
    for (const name of this.#here.names) this.#here.remove(name, pid);
  }

  // What is known

  get names() {
    return [...new Set([this.#here, ...this.#told].flatMap(memberships => memberships.names))].sort(byBytes);
  }

  members(name) {
    return [this.#here, ...this.#told].flatMap(memberships => memberships.of(name));
  }

  get #told() {
    return [...this.#peers.values()].map(({ told }) => told);
  }

  // Finding each other

  up(node) {
    if (!this.#peers.has(node)) this.#peers.set(node, new Peer());
  }

  down(node) {
    this.#peers.delete(node);
  }

  named(node, server) {
    const peer = this.#peers.get(node);
    if (!peer?.isSought) return;
    peer.isSought = false;
    if (!isSame(peer.server, server)) {
      this.#forget(peer);
      peer.server = server;
      this.#begin(peer);
    }
    this.#seekHeard(peer, server);
    if (peer.isSought) return;
    if (peer.hasMissed) peer.ask = 0n;
    if (peer.hasMissedAsk) this.#begin(peer);
    Object.assign(peer, { hasMissed: false, hasMissedAsk: false });
  }

  nobody(node) {
    const peer = this.#peers.get(node);
    if (!peer?.isSought) return;
    peer.isSought = false;
    this.#forget(peer);
    this.#seekHeard(peer, null);
  }

  serverEnded(node) {
    const peer = this.#peers.get(node);
    if (!peer || peer.isSought) return;
    this.#forget(peer);
    this.#seek(peer);
  }

  #seek(peer) {
    Object.assign(peer, { isSought: true, toSeek: true, heard: null });
  }

  // Who was heard and is not the one may have been registered since (GRP-SRV-007).
  #seekHeard(peer, answer) {
    if (peer.heard !== null && !isSame(peer.heard, answer)) this.#seek(peer);
    peer.heard = null;
  }

  #forget(peer) {
    const { told, reads } = new Peer();
    Object.assign(peer, { server: null, told, reads, writes: null, ask: null, hasMissedAsk: false });
  }

  #begin(peer) {
    peer.writes = { stream: ++this.#lastStream, next: 0n, named: new Memberships() };
  }

  /** `groups_interval_max` has passed: the server of a node is sent a message even if there is nothing to tell. */
  interval(node) {
    const writes = this.#peers.get(node)?.writes;
    if (writes) writes.isDue = true;
  }

  // What other servers say

  /** A message: the bytes of a term, and whose the pids in it are, in their order. */
  message({ message, pids = [] }) {
    const read = readMessage(message, pids);
    const peer = read && isSame(read.to, this.own) ? this.#peers.get(read.from.node) : undefined;
    if (!peer || !this.#hear(peer, read) || !this.#take(peer, read)) this.ignored += 1;
  }

  #hear(peer, { kind, from }) {
    if (!peer.isSought && isSame(peer.server, from)) return true;
    peer.hasMissed = true;
    peer.hasMissedAsk ||= kind === 'ask' && isSame(peer.server, from);
    if (peer.isSought) peer.heard = from;
    else this.#seek(peer);
    return false;
  }

  #take(peer, { kind, stream, ...members }) {
    if (kind === 'ask') {
      if (stream === 0n || stream === peer.writes.stream) this.#begin(peer);
      return true;
    }
    if (!this.#follow(peer, stream, members.number)) return false;
    const { told, reads } = peer;
    for (const { name, pid } of this.#possible(peer, members.left)) {
      told.remove(name, pid);
      reads.named.remove(name, pid);
    }
    for (const { name, pid } of this.#possible(peer, members.joined)) {
      if (reads.named.count >= LAYOUT.group_memberships_max) continue;
      told.add(name, pid);
      reads.named.add(name, pid);
    }
    if (members.complete && !reads.complete) {
      reads.complete = true;
      this.#sweep(peer);
    }
    return true;
  }

  // Forgets what the stream has not named.
  #sweep({ told, reads }) {
    for (const { name, pid } of told.all) if (!reads.named.has(name, pid)) told.remove(name, pid);
  }

  #possible(peer, entries) {
    return entries.filter(({ name, pid }) => isName(name) && isBeside(pid, peer.server));
  }

  // Whether it is the next message of the stream that is read, or the first of a later one.
  #follow(peer, stream, number) {
    const { reads } = peer;
    if (number === 0n && stream > reads.stream) {
      if (peer.told.count > LAYOUT.group_memberships_max) this.#sweep(peer);
      peer.reads = { ...new Peer().reads, stream, next: 1n };
      return true;
    }
    if (stream === reads.stream && number === reads.next) {
      reads.next += 1n;
      return true;
    }
    const isOld = stream < reads.stream || (stream === reads.stream && number < reads.next);
    // The first that does not fit, the second, the fourth, and so on.
    if (!isOld && (++reads.strays & (reads.strays - 1)) === 0) peer.ask = stream;
    return false;
  }

  // What is to be done

  /** { monitor: true }, { send: { message, pids } }, or null. */
  todo(node) {
    const peer = this.#peers.get(node);
    if (peer?.toSeek) {
      peer.toSeek = false;
      return { monitor: true };
    }
    if (!peer || peer.isSought || peer.server === null) return null;
    if (peer.ask !== null) {
      const stream = peer.ask;
      peer.ask = null;
      return { send: write(['ask', this.own, peer.server, stream]) };
    }
    return this.#tell(peer);
  }

  // What the stream has not named, as much as fits.
  #tell({ server, writes }) {
    const { named } = writes;
    const left = named.all.filter(({ name, pid }) => !this.#here.has(name, pid));
    const joined = this.#here.all.filter(({ name, pid }) => !named.has(name, pid));
    if (writes.next > 0n && !writes.isDue && left.length + joined.length === 0) return null;
    writes.isDue = false;
    const batch = new Batch();
    const nowLeft = left.filter(({ name, pid }) => batch.add('left', name, pid));
    const nowJoined = joined.filter(({ name, pid }) => batch.add('joined', name, pid));
    for (const { name, pid } of nowLeft) named.remove(name, pid);
    for (const { name, pid } of nowJoined) named.add(name, pid);
    writes.complete ||= nowJoined.length === joined.length;
    const number = writes.next++;
    const { stream, complete } = writes;
    return { send: write(['members', this.own, server, stream, number, complete, batch.joined, batch.left]) };
  }
}

const HEAD_BYTES = 96;
const ENTRY_BYTES = 12;
const PID_BYTES = 9;

/** Entries that fit into one message. */
class Batch {
  #bytes = HEAD_BYTES;
  #isFull = false;
  joined = [];
  left = [];

  add(list, name, pid) {
    const entry = this[list].find(each => each.name === name);
    const bytes = PID_BYTES + (entry ? 0 : ENTRY_BYTES + Buffer.byteLength(name));
    // What comes behind it stays behind it.
    this.#isFull ||= this.#bytes + bytes > LAYOUT.groups_message_bytes_max;
    if (this.#isFull) return false;
    this.#bytes += bytes;
    if (entry) entry.pids.push(pid);
    else this[list].push({ name, pids: [pid] });
    return true;
  }
}

// Messages as terms

const int = value => ({ type: 'int', value });
const string = value => ({ type: 'string', value });
const tuple = values => ({ type: 'tuple', values });
const list = values => ({ type: 'list', values });

// In the bytes each pid is its number among those that go with them.
function write([kind, from, to, stream, number, complete, joined, left]) {
  const pids = [];
  const pid = of => ({ type: 'pid', value: { node: 0, creation: 0, local: pids.push(of) - 1 } });
  const entries = groups => list(groups.map(group => tuple([string(group.name), list(group.pids.map(pid))])));
  const head = [string(kind), int(VERSION), pid(from), pid(to), int(stream)];
  const rest = number === undefined
    ? []
    : [int(number), { type: complete ? 'true' : 'false' }, entries(joined), entries(left)];
  return { message: writeTerm(tuple([...head, ...rest])), pids };
}

/** A message, or null of what is none. */
function readMessage(bytes, pids) {
  const value = readValue(bytes);
  if (value?.type !== 'tuple') return null;
  let place = 0;
  // Pids stand in the order in which they are read.
  const mark = term => {
    if (term.type === 'pid') return { ...term, value: pids[place++] ?? { node: null } };
    return term.values ? { ...term, values: term.values.map(mark) } : term;
  };
  const [kind, version, from, to, stream, number, complete, joined, left] = mark(value).values;
  const isNumber = term => term?.type === 'int' && term.value >= 0n;
  if (kind?.type !== 'string' || !isNumber(version) || version.value !== VERSION) return null;
  if (from?.type !== 'pid' || to?.type !== 'pid' || !isNumber(stream)) return null;
  const head = { kind: kind.value, from: from.value, to: to.value, stream: stream.value };
  if (head.kind === 'ask') return head;
  const isWhole = head.kind === 'members' && isNumber(number) && ['true', 'false'].includes(complete?.type)
    && joined?.type === 'list' && left?.type === 'list';
  if (!isWhole) return null;
  return { ...head, number: number.value, complete: complete.type === 'true', joined: entriesOf(joined), left: entriesOf(left) };
}

function readValue(bytes) {
  try {
    return readTerm(bytes).value;
  } catch {
    return null;
  }
}

// What is no entry, or no pid in one, is passed over.
function entriesOf({ values }) {
  return values.flatMap(entry => {
    const [name, members] = entry.type === 'tuple' ? entry.values : [];
    if (name?.type !== 'string' || members?.type !== 'list') return [];
    return members.values.filter(each => each.type === 'pid').map(each => ({ name: name.value, pid: each.value }));
  });
}

/** The groups of a node. */
export class Groups {
  #monitors = new Map(); // node name -> { monitor, named }
  #waiting = null;
  #intervals;

  constructor(node) {
    this.node = node;
    this.process = node.spawn(event => this.#event(event));
    // Nobody ends it by a signal.
    this.process.traps = true;
    node.register(NAME, this.process);
    this.server = new Server(this.#pid(this.process));
    this.#intervals = setInterval(() => this.#interval(), LAYOUT.groups_interval_max * 1_000).unref();
  }

  /** False if it is a member already. */
  join(name, process) {
    return this.#act(() => this.server.join(name, this.#pid(process)));
  }

  leave(name, process) {
    return this.#act(() => this.server.leave(name, this.#pid(process)));
  }

  members(name) {
    return this.server.members(name);
  }

  get names() {
    return this.server.names;
  }

  /** To how many members the message goes. */
  sendAll(name, message) {
    return this.members(name).filter(pid => {
      if (pid.node !== this.node.name) return this.node.send(pid, message) === 'sent';
      this.node.find(pid.local)?.deliver({ type: 'message', message });
      return true;
    }).length;
  }

  // What the node tells

  nodeUp(name) {
    this.#act(() => this.server.up(name));
  }

  nodeDown(name) {
    this.#monitors.delete(name);
    this.server.down(name);
  }

  /** The node stops. */
  stop() {
    clearInterval(this.#intervals);
  }

  processEnded(process) {
    this.#act(() => this.server.processEnded(this.#pid(process)));
  }

  #pid({ local }) {
    return { node: this.node.name, incarnation: this.node.incarnation, creation: this.node.self.creation, local };
  }

  #event(event) {
    this.#act(() => {
      if (event.type === 'message') this.server.message(event);
      else this.#monitorEvent(event);
    });
  }

  #monitorEvent({ type, ref, process }) {
    const known = this.#monitors.get(process?.node);
    if (!known || known.monitor.ref !== ref) return;
    if (type === 'named') {
      known.named = true;
      this.server.named(process.node, process);
    } else if (type === 'down') {
      this.#monitors.delete(process.node);
      if (known.named) this.server.serverEnded(process.node);
      else this.server.nobody(process.node);
    }
  }

  #act(act) {
    const done = act();
    for (const name of this.node.connected) this.#serve(name);
    return done;
  }

  // While there is no room for a message, what is to be told is gathered.
  #serve(name) {
    const session = this.node.sessionWith(name);
    while (session && !session.over) {
      if (!session.outbound.hasRoom) return this.#later();
      const todo = this.server.todo(name);
      if (todo === null) return undefined;
      if (todo.monitor) this.#monitor(name, session);
      else this.node.sendNamedTerm(name, NAME, todo.send);
    }
    return undefined;
  }

  #monitor(name, session) {
    const before = this.#monitors.get(name);
    if (before) this.node.demonitor(this.process, before.monitor);
    this.#monitors.delete(name);
    const monitor = session.capabilities.has('names') ? this.node.monitorNamed(this.process, name, NAME) : null;
    if (monitor === null) this.server.nobody(name);
    else this.#monitors.set(name, { monitor, named: false });
  }

  #interval() {
    this.#act(() => this.node.connected.forEach(name => this.server.interval(name)));
  }

  #later() {
    this.#waiting ??= setTimeout(() => {
      this.#waiting = null;
      this.#act(() => {});
    }, FULL_MS).unref();
  }
}
