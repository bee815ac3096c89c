// How a session in steps of spec/vectors/sessions.json is told to the state machine alone. Stories in which time passes need
// a whole node, and are told by the conformance run.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { Refusal } from '../src/bytes.mjs';
import { CAPABILITIES, Lacking, sessionCapabilities } from '../src/capabilities.mjs';
import { ProtocolError } from '../src/dialects.mjs';
import { readFrame } from '../src/frames.mjs';
import { FrameReader } from '../src/framing.mjs';
import { OWN } from '../src/limits.mjs';
import { Globals } from '../src/lists.mjs';
import { NameTooLong } from '../src/monitors.mjs';
import { Outbound } from '../src/outbound.mjs';
import { Process } from '../src/process.mjs';
import { Session } from '../src/session.mjs';
import { toJson } from './json.mjs';

const FILE = new URL('../../../../spec/vectors/sessions.json', import.meta.url);
const SELF = { name: 'node@h:1', incarnation: 6n };
const PEER = { name: 'peer@h:1', incarnation: 17n };
// The incarnation of each is its creation less 1.
const startOf = ({ creation }) => ({ incarnation: BigInt(creation) - 1n });
const hex = text => Buffer.from(text, 'hex');
const join = segments => Buffer.concat(segments.map(each =>
  typeof each === 'string' ? hex(each) : Buffer.alloc((each.hex.length / 2) * each.times, hex(each.hex))));

// Eight bytes as they stand in a frame, in hexadecimal.
const wire64 = number => Buffer.from(BigInt.asUintN(64, BigInt(number)).toString(16).padStart(16, '0'), 'hex').reverse()
  .toString('hex');

const pidHere = ({ node, creation, local }) => ({
  of: node === SELF.name ? 'node' : node === PEER.name ? 'peer' : 'unknown', creation, local,
});

const reasonHere = reason => toJson(reason.kind === 'linked' ? { ...reason, hops: reason.hops.map(pidHere) } : reason);

const ENDS = { node: SELF, peer: PEER, unknown: { name: null, incarnation: null } };

const pidFrom = ({ of, creation, local, name, incarnation }) => {
  const node = of === 'third' ? { name, incarnation: BigInt(incarnation) } : ENDS[of];
  return { node: node.name, incarnation: node.incarnation, creation, local };
};

const reasonFrom = reason => {
  if (reason.kind !== 'linked') return reason.payload === undefined ? reason : { ...reason, payload: hex(reason.payload) };
  return { ...reason, hops: reason.hops.map(pidFrom) };
};

/** The node of a story: its processes, a transport that can be held up, and what has come of each step. */
class Teller {
  processes = new Map();
  names = new Map();
  written = [];
  seen = [];
  ended = [];
  blocked = false;
  state = 'up';
  stops = false;
  refs = new Map(); // the number of a monitor or call as the story has it, for its process -> this node's
  calls = new Map(); // caller and number -> the call of the peer
  globals = new Globals();

  constructor({ version, node_id: k, node, peer, processes, capabilities, global_names: globalNames = {} }) {
    this.version = version;
    this.outbound = new Outbound(this, {
      frameBytesMax: Math.min(peer.frame_bytes_max, 16_777_216), limits: OWN,
    });
    this.session = new Session({
      version, self: { ...SELF, ...node }, peer: { ...PEER, ...peer, ...(version === 2 && startOf(peer)) }, host: this,
      outbound: this.outbound, k, capabilities: new Set(capabilities),
    });
    this.frames = new FrameReader(Math.min(node.frame_bytes_max, 16_777_216));
    for (const { local, traps_exits: traps, names } of processes) {
      const process = new Process(this, local, event => this.#see(local, event));
      process.traps = traps;
      this.processes.set(local, process);
      for (const name of names) this.names.set(name, process);
    }
    for (const [name, local] of Object.entries(globalNames)) this.globals.register(name, this.find(local), []);
    this.globals.begin(this.session);
  }

  // The transport

  get ready() {
    return !this.blocked;
  }

  write(bytes, taken) {
    this.written.push(bytes);
    taken();
  }

  unblock() {
    this.blocked = false;
    this.outbound.flush();
  }

  // The host

  find(local) {
    return this.processes.get(local);
  }

  // The vectors' node lets nobody start anything.
  offered() {
    return undefined;
  }

  registered(name) {
    return this.names.get(name);
  }

  processEnded(process, reason) {
    this.processes.delete(process.local);
    for (const [name, holder] of this.names) if (holder === process) this.names.delete(name);
    this.ended.push({ process: process.local, reason: reasonHere(reason) });
    this.globals.processEnded(process, [this.session]);
    this.session.processEnded(process, reason);
  }

  learnGlobal(session, entry) {
    this.globals.learn(session, entry, [session]);
  }

  /** Of these global names those that are known, and who has each. */
  knownOf(names) {
    const here = found => pidHere(found instanceof Process
      ? { node: SELF.name, creation: this.session.self.creation, local: found.local }
      : found);
    const known = names.map(name => [name, this.globals.lookup(name)]).filter(([, found]) => found);
    return Object.fromEntries(known.map(([name, found]) => [name, here(found)]));
  }

  #see(process, event) {
    if (event.type === 'call') this.calls.set(`${event.call.from.local} ${event.call.ref}`, event.call);
    this.seen.push({ process, ...this.#shown(event) });
  }

  #shown({ type, ref, message, pids, ...event }) {
    const term = message && { message: message.toString('hex'), ...(pids && { pids: pids.map(pidHere) }) };
    const own = () => [...this.refs].find(([, number]) => number === ref)[0];
    const events = {
      message: () => term,
      exit: () => ({ exit: pidHere(event.from), reason: reasonHere(event.reason) }),
      down: () => ({ down: pidHere(event.process), ref: own(), reason: reasonHere(event.reason) }),
      call: () => ({ call: pidHere(event.call.from), ref: String(event.call.ref), ...term }),
      reply: () => ({ reply: term.message, ref: own(), pids: term.pids }),
      call_ended: () => ({ call_ended: reasonHere(event.reason), ref: own() }),
      named: () => ({ named: pidHere(event.process), ref: own() }),
    };
    return events[type]();
  }

  end(state) {
    if (this.state !== 'up') return;
    this.state = state;
    this.session.end();
    this.globals.end(this.session);
  }

  ask({ do: command, process: local, to, name, ref, message, pids, reason }) {
    const process = this.processes.get(local);
    const { session } = this;
    const term = () => ({ message: join(message), pids: pids.map(pidFrom) });
    const commands = {
      link: () => (session.links.link(process, to) ? undefined : this.#notMade),
      unlink: () => session.links.unlink(process, to),
      monitor: () => this.#numbered(ref, () => session.monitors.monitor(process, to)),
      monitor_named: () => this.#numbered(ref, () => session.monitors.monitorNamed(process, name)),
      call: () => this.#numbered(ref, () => session.calls.call(process, to, term())),
      call_named: () => this.#numbered(ref, () => session.calls.callNamed(process, name, term())),
      reply: () => this.#refused(() => this.calls.get(`${to} ${ref}`).reply(term())),
      unanswered: () => this.calls.get(`${to} ${ref}`).drop(),
      demonitor: () => session.monitors.demonitor(process, this.refs.get(ref)),
      send: () => this.#refused(() => session.send(to, join(message))),
      send_named: () => this.#refused(() => session.sendNamed(name, join(message))),
      send_named_term: () => this.#refused(() => session.sendNamedTerm(name, term())),
      global_register: () => {
        if (this.globals.lookup(name)) return 'taken';
        return this.globals.register(name, process, [session]);
      },
      end: () => process.exit(reasonFrom(reason)),
      close: () => {
        this.stops = true;
        this.outbound.finish(this.version === 2 ? { tag: 'CLOSE', fields: { code: 0, text: '' } } : null);
      },
      probe: () => this.outbound.ping(Buffer.alloc(8)),
    };
    return commands[command]();
  }

  get #notMade() {
    return this.session.canLink ? 'limit' : 'node_id';
  }

  // The number is of the node's choice: in version 2 it chooses here as the story does.
  #numbered(ref, action) {
    this.session.monitors.nextRef = BigInt(ref);
    return this.#refused(() => {
      const own = action();
      if (own === null) return this.#notMade;
      this.refs.set(ref, own);
      return undefined;
    });
  }

  #refused(action) {
    try {
      const said = action();
      return said === 'sent' ? undefined : said;
    } catch (error) {
      if (error instanceof Lacking) return 'capability';
      if (error instanceof NameTooLong) return 'too_long';
      if (error instanceof RangeError) return 'signal';
      assert.ok(error instanceof Refusal, error.stack);
      return error.kind;
    }
  }

  receive(bytes) {
    this.frames.push(bytes);
    try {
      for (let payload = this.frames.next(); payload !== null && this.state === 'up'; payload = this.frames.next()) {
        if (this.session.handle(readFrame(payload)) === 'closed') this.end('closed');
      }
    } catch (error) {
      assert.ok(error instanceof Refusal || error instanceof ProtocolError, error.stack);
      this.end('protocol_error');
    }
  }
}

const take = list => list.splice(0);

// What a process sees, with its bytes in one piece.
const plain = seen => Object.fromEntries(Object.entries(seen).map(([word, what]) =>
  (['message', 'reply'].includes(word) ? [word, join(what).toString('hex')] : [word, what])));

const framesOf = bytes => {
  const reader = new FrameReader(0xffff_ffff);
  reader.push(bytes);
  const frames = [];
  for (let payload = reader.next(); payload !== null; payload = reader.next()) frames.push(payload.toString('hex'));
  return frames;
};

// What a frame leaves to the node, and what only a node that writes CLOSE for errors does, is not compared.
const compared = ({ free = [], advised, value }) => !advised && !free.includes('text') && !(value.tag === 'PING');

/**
 * The numbers of monitors in version 1, which are random: what this node has chosen, for what the story has. In hexadecimal,
 * since a number of 64 random bits stands nowhere else in a story.
 */
class Chosen {
  #own = new Map();

  learn(expected, written) {
    for (const [index, { value }] of expected.entries()) {
      const bytes = written[index];
      if (value.tag !== 'MONITOR' || bytes === undefined) continue;
      const own = bytes.slice(-16);
      assert.ok(![...this.#own.values()].includes(own), 'each monitor has a number of its own');
      this.#own.set(wire64(value.fields.ref), own);
    }
  }

  put(frame) {
    return [...this.#own].reduce((text, [story, own]) => text.replace(story, own), frame);
  }
}

const byProcess = list => Object.groupBy?.(list, each => each.process) ?? list;

/** Tells one of `told`; throws where the node does otherwise. */
export async function tell(vector) {
  const teller = new Teller(vector.given);
  const chosen = new Chosen();
  const names = [...new Set(vector.steps.flatMap(step => Object.keys(step.global_names ?? {})))];
  const { version } = vector.given;
  // What a whole node adds to this one: PING, and in version 2 CLOSE. In version 1 there is none to be added.
  const added = version === 2 ? /^(84|f0)/ : /^f0/;
  for (const step of vector.steps) {
    teller.blocked = step.blocked === true;
    if (step.ask) assert.equal(teller.ask(step.ask), step.refused, step.comment);
    if (step.receive) {
      // What one piece brings about is written behind it, as these stories have it.
      teller.blocked = true;
      teller.receive(Buffer.concat(step.receive.map(each => hex(chosen.put(join(each.hex).toString('hex'))))));
      if (!step.blocked) teller.unblock();
    }
    if (step.lose) teller.end(teller.stops ? 'stopped' : 'lost');
    if (step.unblock) teller.unblock();
    await null; // mailboxes are emptied
    const written = framesOf(Buffer.concat(take(teller.written))).filter(each => !added.test(each));
    const writes = step.writes.filter(compared);
    if (version === 1) chosen.learn(writes, written);
    const expected = writes.map(each => chosen.put(framesOf(join(each.hex))[0]));
    const order = step.any_order ? list => [...list].sort() : list => list;
    assert.deepEqual(order(written), order(expected), step.comment);
    assert.deepEqual(take(teller.ended), step.ended, step.comment);
    // A signal that ends its process is not shown to it here: `ended` says it.
    const seen = step.sees.filter(each => !(each.exit && step.ended.some(end => end.process === each.process)))
      .map(plain);
    assert.deepEqual(byProcess(take(teller.seen)), byProcess(seen), step.comment);
    assert.equal(teller.state, step.session, step.comment);
    if (step.global_names) assert.deepEqual(teller.knownOf(names), step.global_names, step.comment);
  }
}

export const { vectors } = JSON.parse(readFileSync(FILE));
// A recommendation that this node does not follow: its queue has one order (CON-QUE-007).
const ONE_QUEUE = new Set(['session-order-of-signals', 'session-order-of-heartbeats']);
// This node lacks the other capabilities, can be asked for nothing that needs one, and has no mailbox that can be full. In this
// test it knows no third node that a reason can name.
const HAS = sessionCapabilities(CAPABILITIES);
const LACKS = new Set(['send_term', 'exit']);
const canBeTold = ({ given, steps }) => given.capabilities.every(each => HAS.has(each))
  && !given.processes.some(process => process.mailbox_is_full)
  && !steps.some(({ ask }) => ask && (LACKS.has(ask.do) || ask.reason?.hops?.some(({ of }) => of === 'third')));
export const told = vectors.filter(vector =>
  !ONE_QUEUE.has(vector.id) && canBeTold(vector) && !vector.steps.some(step => step.wait_ms));
