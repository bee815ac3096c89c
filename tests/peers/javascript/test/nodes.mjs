// Two nodes of this folder with each other, over TLS.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Node } from '../src/node.mjs';

const COOKIE = 'a cookie for tests only';

const start = (options = {}) => Node.start({ name: 'js@127.0.0.1:0', cookies: [COOKIE], ...options });

/** A process that keeps its events; `next()` waits for one. */
function listener(node) {
  const events = [];
  const waiting = [];
  const process = node.spawn(event => (waiting.length > 0 ? waiting.shift()(event) : events.push(event)));
  const next = () => (events.length > 0 ? Promise.resolve(events.shift()) : new Promise(resolve => waiting.push(resolve)));
  return { process, events, next };
}

async function pair(options) {
  const a = await start(options);
  const b = await start(options);
  await a.connect(b.name);
  return { a, b };
}

async function greet(a, b, one, other) {
  b.register('greeter', other.process);
  a.sendNamed(b.name, 'greeter', Buffer.from('hello'));
  assert.equal(String((await other.next()).message), 'hello');
  return { there: a.processOn(b.name, other.process.local), here: b.processOn(a.name, one.process.local) };
}

test('a named send, a send, a link and its exit', async () => {
  const { a, b } = await pair();
  const [one, other] = [listener(a), listener(b)];
  const { there } = await greet(a, b, one, other);
  assert.equal(a.send(there, Buffer.from('again')), 'sent');
  assert.equal(String((await other.next()).message), 'again');
  one.process.traps = true;
  assert.ok(a.link(one.process, there));
  a.send(there, Buffer.from('linked'));
  await other.next();
  other.process.exit({ kind: 'error', text: 'boom' });
  assert.deepEqual(await one.next(), { type: 'exit', from: there, reason: { kind: 'error', text: 'boom' } });
  await Promise.all([a.stop(), b.stop()]);
});

test('an unlink is acknowledged, and no exit signal comes', async () => {
  const { a, b } = await pair();
  const [one, other] = [listener(a), listener(b)];
  const { there } = await greet(a, b, one, other);
  a.link(one.process, there);
  a.unlink(one.process, there);
  const monitor = a.monitor(one.process, there);
  a.send(there, Buffer.from('go'));
  await other.next();
  other.process.kill();
  assert.deepEqual(await one.next(), { type: 'down', ref: monitor.ref, process: there, reason: { kind: 'killed' } });
  assert.ok(one.process.alive);
  await Promise.all([a.stop(), b.stop()]);
});

test('a lost node: exit signal, DOWN, NODEDOWN, in this order', async () => {
  const { a, b } = await pair();
  const [one, other] = [listener(a), listener(b)];
  const { there } = await greet(a, b, one, other);
  one.process.traps = true;
  a.watch(one.process, b.name);
  a.monitor(one.process, there);
  a.link(one.process, there);
  await b.stop();
  const kinds = [await one.next(), await one.next(), await one.next()].map(event => event.type);
  assert.deepEqual(kinds, ['exit', 'down', 'nodedown']);
  await a.stop();
});

test('dials that cross leave one session', async () => {
  const [a, b] = [await start(), await start()];
  await Promise.all([a.connect(b.name), b.connect(a.name)]);
  const [one, other] = [listener(a), listener(b)];
  await greet(a, b, one, other);
  assert.ok(a.sessionWith(b.name) && b.sessionWith(a.name));
  await Promise.all([a.stop(), b.stop()]);
});

test('another cookie is refused', async () => {
  const [a, b] = [await start(), await start({ cookies: ['another cookie for tests'] })];
  await assert.rejects(a.connect(b.name), /rejected with code 4/);
  await Promise.all([a.stop(), b.stop()]);
});

test('a process that is dead is noproc', async () => {
  const { a, b } = await pair();
  const one = listener(a);
  one.process.traps = true;
  const nobody = a.processOn(b.name, 4711);
  a.link(one.process, nobody);
  a.monitor(one.process, nobody);
  assert.deepEqual((await one.next()).reason, { kind: 'error', text: 'noproc' });
  assert.deepEqual((await one.next()).reason, { kind: 'error', text: 'noproc' });
  await Promise.all([a.stop(), b.stop()]);
});

const unit = { message: Buffer.from([1, 6]) };

test('a call and its reply, by pid and by name, and delegated', async () => {
  const { a, b } = await pair();
  const [one, other, deputy] = [listener(a), listener(b), listener(b)];
  const { there } = await greet(a, b, one, other);
  const own = { node: a.name, incarnation: a.incarnation, creation: a.self.creation, local: one.process.local };
  const pidZero = { message: Buffer.from([1, 30, 0, 0, 0, 0, 0, 0, 0, 0]), pids: [own] };
  const { ref } = a.call(one.process, there, pidZero);
  const { call, pids } = await other.next();
  assert.deepEqual(pids, [own]);
  assert.deepEqual(call.from, own);
  assert.equal(call.reply({ ...unit, pids: [] }), 'sent');
  assert.equal(call.reply({ ...unit, pids: [] }), 'over');
  assert.deepEqual(await one.next(), { type: 'reply', ref, message: unit.message, pids: [] });
  const byName = a.callNamed(one.process, b.name, 'greeter', unit);
  const delegated = (await other.next()).call;
  deputy.process.program = () => delegated.reply({ ...unit, pids: [] });
  deputy.process.deliver({ type: 'message', message: unit.message });
  assert.deepEqual(await one.next(), { type: 'reply', ref: byName.ref, message: unit.message, pids: [] });
  await Promise.all([a.stop(), b.stop()]);
});

test('calls that end without a reply', async () => {
  const { a, b } = await pair();
  const [one, other] = [listener(a), listener(b)];
  const { there } = await greet(a, b, one, other);
  const ended = async text => assert.equal((await one.next()).reason.text, text);
  a.callNamed(one.process, b.name, 'nobody', unit);
  await ended('noproc');
  a.call(one.process, there, unit);
  (await other.next()).call.drop();
  await ended('unanswered');
  const given = a.call(one.process, there, unit);
  const { call } = await other.next();
  a.giveUp(one.process, given);
  a.call(one.process, there, unit);
  await other.next();
  assert.equal(call.reply({ ...unit, pids: [] }), 'over');
  other.process.exit({ kind: 'error', text: 'boom' });
  await ended('boom');
  await b.stop();
  a.call(one.process, there, unit);
  assert.deepEqual(await one.next(), { type: 'call_ended', ref: null, reason: { kind: 'noconnection' } });
  await a.stop();
});

test('terms to a name, and who has it', async () => {
  const { a, b } = await pair();
  const [one, other] = [listener(a), listener(b)];
  const { there } = await greet(a, b, one, other);
  const { ref } = a.monitorNamed(one.process, b.name, 'greeter');
  assert.deepEqual(await one.next(), { type: 'named', ref, process: there });
  assert.equal(a.sendNamedTerm(b.name, 'greeter', unit), 'sent');
  assert.deepEqual(await other.next(), { type: 'message', message: unit.message, pids: [] });
  other.process.kill();
  assert.deepEqual(await one.next(), { type: 'down', ref, process: there, reason: { kind: 'killed' } });
  await Promise.all([a.stop(), b.stop()]);
});
