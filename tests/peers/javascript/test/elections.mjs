// Connections, event by event: spec/vectors/elections.json, against this node's places, dials and sessions. Their sockets
// and the time are the test's.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import test, { mock } from 'node:test';

import { Connection } from '../src/connection.mjs';
import { Elections } from '../src/election.mjs';
import { FrameReader, writeFramed } from '../src/framing.mjs';
import { rejectMessage } from '../src/handshake.mjs';
import { LAYOUT, OWN } from '../src/limits.mjs';
import { LiveSession } from '../src/live.mjs';

const FILE = new URL('../../../../spec/vectors/elections.json', import.meta.url);
const TIMERS_LATE_MS = 20;
const hex = text => Buffer.from(text, 'hex');
const framed = payload => writeFramed(payload, LAYOUT.frame_bytes_max);
const BOUNDS = { frame_bytes_max: LAYOUT.frame_bytes_max, links_and_monitors_max: OWN.links_and_monitors_max };

/** A socket that keeps what is written, unless it is full. */
class Socket extends EventEmitter {
  writableNeedDrain = false;
  frames = [];

  write(bytes, taken) {
    if (this.writableNeedDrain) return;
    const reader = new FrameReader(LAYOUT.frame_bytes_max);
    reader.push(bytes);
    for (let payload = reader.next(); payload !== null; payload = reader.next()) this.frames.push(payload);
    taken();
  }

  setNoDelay() {}
  pause() {}
  resume() {}
  end() {}
  destroy() {}
}

/** The node of a vector, and what it has done in the present step. */
class Teller {
  did = [];
  cleanUps = new Map();
  started = 0;
  #connections = new Map();
  #begun = 0;
  // Whether an event ends the session, and not the node.
  #isOver = false;

  constructor(given) {
    Object.assign(this, { name: given.name, peer: given.peer, time: given.up_ms, cleanup: given.version_1_cleanup_ms });
    this.limits = { ...OWN, sessions_max: given.sessions_max, probe_timeout: given.probe_timeout_ms / 1000 };
    this.clock = { now: () => this.time, after: (milliseconds, act) => setTimeout(act, milliseconds), cancel: clearTimeout };
    this.self = { name: given.name, incarnation: 1n, creation: 2, ...BOUNDS };
    this.peers = new Elections(this);
  }

  // No process lives here.
  find() {}

  get session() {
    const live = this.peers.get(this.peer)?.session;
    return live && !live.session.closing ? live.number : null;
  }

  // What the elections decide

  refuse({ number, version }, code) {
    this.did.push({ refuses: number, code: version === 2 ? rejectMessage(code).readUInt16LE(1) : null });
  }

  accept(connection) {
    this.did.push({ acks: connection.number });
    this.#begin(connection);
  }

  adopt(dial) {
    this.did.push({ begins: dial.number });
    this.#begin(dial);
  }

  #begin({ number, connection, version, peer: announced, begun }) {
    const { name } = announced;
    const peer = version === 1 ? { ...announced, incarnation: Symbol(name) } : announced;
    const election = this.peers.of(name);
    const live = new LiveSession({
      connection, version, peer, begun, begunBefore: this.#begun, self: this.self, host: this, limits: this.limits, k: null,
      onEnd: () => this.#ended(number, election),
    });
    live.number = number;
    election.session = live;
    const ahead = connection.reader.remaining();
    live.begin();
    if (ahead.length > 0 && connection.reader.held === 0) this.did.push({ reads: number, hex: ahead.toString('hex') });
  }

  #ended(number, election) {
    const close = this.#written(number).find(([tag]) => tag === 0x84);
    if (!this.#isOver) this.did.push({ ends: number, code: close?.readUInt16LE(1) ?? null });
    election.sessionEnded();
    this.peers.forgetEmpty(election.name);
  }

  #written(number) {
    return this.#connections.get(number).connection.socket.frames.splice(0);
  }

  // Events. Nobody is told what a connection claims by NAME, and all of a session's end is told at once here.

  #events = {
    dial: event => this.#dial(event),
    accept: ({ connection }) => this.#add(connection),
    name: () => undefined,
    reply: (event, it) => this.#verified(event, it),
    challenge: (event, dial) => this.#challenged(event, dial),
    ack: (event, dial) => this.#acked(event, dial),
    receive: ({ hex: bytes }, it) => it.connection.socket.emit('data', hex(bytes)),
    pong: (_, it) => it.connection.socket.emit('data', framed(Buffer.concat([Buffer.of(0xf1), it.asked]))),
    block: (_, it) => this.#block(it),
    close: (_, { number }) => this.#live(number).close('the node ends the session'),
    gone: (_, it) => this.#gone(it),
    told: () => undefined,
    wait_ms: milliseconds => this.#wait(milliseconds),
  };

  /** An event; of a dial, what its program is told. */
  take({ comment, does, session, answer, ...event }) {
    const [[word, what]] = Object.entries(event);
    this.#isOver = word === 'gone' || word === 'receive';
    const told = this.#events[word](what, this.#connections.get(what.connection));
    for (const [number, it] of this.#connections) this.#pings(number, it);
    return event.dial && told;
  }

  #pings(number, it) {
    for (const frame of this.#written(number)) {
      if (frame[0] !== 0xf0) continue;
      it.asked = frame.subarray(1);
      this.did.push({ pings: number });
    }
  }

  #add(number) {
    const it = { number, begun: this.#begun++, connection: new Connection(new Socket()) };
    this.#connections.set(number, it);
    return it;
  }

  #dial({ connection: number, to }) {
    if (to === this.name) return 'own_name';
    const election = this.peers.of(to);
    const { answer } = election;
    if (answer !== 'dials') return answer;
    this.did.push({ dials: number });
    const dial = Object.assign(this.#add(number), { election, state: 'connecting' });
    dial.fail = () => {
      election.dialEnded(dial);
      this.peers.forgetEmpty(to);
    };
    dial.abandon = () => {
      this.did.push({ closes: number });
      dial.fail();
    };
    election.dial = dial;
    return answer;
  }

  #announced(it, name, incarnation) {
    it.version = incarnation === null ? 1 : 2;
    it.peer = { name, incarnation: incarnation && BigInt(incarnation), creation: 1, ...BOUNDS };
  }

  #verified({ name, incarnation, behind = '' }, it) {
    this.#announced(it, name, incarnation);
    it.connection.onPayload = () => {
      it.connection.onPayload = null;
      this.peers.verified(it);
    };
    it.connection.socket.emit('data', Buffer.concat([framed(Buffer.of(3)), hex(behind)]));
  }

  #challenged({ incarnation }, dial) {
    this.#announced(dial, dial.election.name, incarnation);
    this.#replies(dial);
  }

  #replies(dial) {
    const wait = dial.election.replyIn(dial.version);
    if (wait === null) return dial.abandon();
    if (wait > 0) return void setTimeout(() => this.#replies(dial), wait);
    dial.state = 'replied';
    this.did.push({ replies: dial.number });
    return undefined;
  }

  #acked({ incarnation }, dial) {
    this.#announced(dial, dial.election.name, incarnation);
    dial.state = 'acked';
    dial.election.acked(dial);
  }

  #block({ number, connection }) {
    connection.socket.writableNeedDrain = true;
    this.#live(number).session.send(9, Buffer.from('queued'));
  }

  #live(number) {
    return this.peers.all.map(({ session }) => session).find(live => live?.number === number);
  }

  #gone(it) {
    if (this.#live(it.number)) it.connection.socket.emit('end');
    else if (it.fail) it.fail();
    else if (it.peer) this.peers.withdrawn(it);
  }

  #wait(milliseconds) {
    for (let passed = 0; passed < milliseconds; passed++) this.#tick();
  }

  /** A time for which a peer is waited for has parts, each of which takes a millisecond more than it should. */
  waitForTimers() {
    for (let passed = 0; passed < TIMERS_LATE_MS && this.did.length === 0; passed++) this.#tick();
  }

  #tick() {
    this.time += 1;
    mock.timers.tick(1);
  }
}

/** Whether a step ends the session on this connection, and that of the next step is told. */
const endsIn = ({ does, gone, receive }, on) =>
  does.some(({ ends }) => ends === on) || gone?.connection === on || receive?.connection === on;

/** The steps, each that ends a session joined with the one in which all is told of it; null if others come between. */
function joined(steps) {
  const sessions = new Set();
  const all = [];
  for (const [index, step] of steps.entries()) {
    for (const { acks, begins } of step.does) sessions.add(acks ?? begins);
    const next = steps[index + 1]?.told?.connection;
    const over = step.gone?.connection ?? step.does.find(({ ends }) => ends)?.ends;
    if (sessions.has(over) && next !== over) return null;
    if (step.told && !endsIn(steps[index - 1], step.told.connection)) return null;
    if (step.told) all.at(-1).push(step);
    else all.push([step]);
  }
  return all;
}

const inOrder = list => list.map(each => JSON.stringify(each, Object.keys(each).sort())).sort();

function tell({ given, steps }) {
  const teller = new Teller(given);
  mock.method(performance, 'now', () => teller.time);
  for (const parts of joined(steps)) {
    const answer = parts.map(step => teller.take(step))[0];
    const { comment, session } = parts.at(-1);
    if (parts[0].wait_ms && parts[0].does.length > 0) teller.waitForTimers();
    assert.equal(answer, parts[0].answer, comment);
    assert.deepEqual(inOrder(teller.did.splice(0)), inOrder(parts.flatMap(({ does }) => does)), comment);
    assert.equal(teller.session, session, comment);
  }
}

const { vectors } = JSON.parse(readFileSync(FILE));
const told = vectors.filter(({ steps }) => joined(steps));
test(`elections.json: ${told.length} of ${vectors.length} vectors`, async context => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  // The time of the test stands still while something happens, so that nothing comes between.
  mock.method(globalThis, 'setImmediate', act => act());
  for (const vector of told) await context.test(vector.id, () => tell(vector));
  mock.reset();
  const rules = list => new Set(list.flatMap(({ requirements }) => requirements));
  assert.deepEqual(rules(told), rules(vectors), 'each rule is shown by what is told here');
});
