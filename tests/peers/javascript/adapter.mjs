// The adapter by which `snow-dist conform` judges this node: spec/conformance/README.md, "The adapter".
//
//   snow-dist conform -- tests/peers/javascript/adapter.sh
//
// With --version-1 the node allows version 1 in every case.

import { createInterface } from 'node:readline';

import { Node } from './src/node.mjs';
import { Process } from './src/process.mjs';
import { hopsOf, rootOf } from './src/reasons.mjs';
import { writeTerm } from './src/terms.mjs';

const UNSUPPORTED = { answer: 'unsupported' };
const OK = { answer: 'ok' };

// How long a flood waits before it looks for room again.
const FULL_MS = 5;

const VERSION_1 = process.argv.includes('--version-1');

let node = null;
let monitors = 0;
const processes = new Map(); // local id -> { process, seen }
const refs = new Map(); // the adapter's number -> what Node.monitor has given
const others = new Map(); // node and local id -> the process of another node that was named last
const numbers = new Map(); // ref -> the adapter's number of a monitor or an own call, while it runs
const calls = new Map(); // the adapter's number -> a call of a peer, and the local id of who has it
let called = 0;

class CannotNow extends Error {}

const place = ({ node: name, local }) => ({ node: name, process: local });

function shown(reason) {
  const hops = hopsOf(reason);
  const root = rootOf(reason);
  const plain = root.kind === 'unknown' ? { ...root, payload: root.payload.toString('hex') } : root;
  return hops.length === 0 ? plain : { kind: 'linked', hops: hops.map(place), root: plain };
}

function note(event, { local }) {
  switch (event.type) {
    case 'message':
      return event.pids ? { term: event.pids.map(place) } : { message: event.message.toString('hex') };
    case 'call':
      calls.set(++called, { call: event.call, has: local });
      return { called: place(event.call.from), call: called, term: event.pids.map(place) };
    case 'reply':
      return { reply: event.pids.map(place), call: numbers.get(event.ref) };
    case 'call_ended':
      return { call_ended: shown(event.reason), call: numbers.get(event.ref) };
    case 'named':
      return { named: place(event.process), monitor: numbers.get(event.ref) };
    case 'exit':
      return { exit: place(event.from), reason: shown(event.reason) };
    case 'down':
      return { down: place(event.process), monitor: numbers.get(event.ref), reason: shown(event.reason) };
    case 'spawned':
      return {
        spawned: event.process && place(event.process),
        request: numbers.get(event.request) ?? Number(event.request),
        status: event.status,
      };
    default:
      return { [event.type]: event.node };
  }
}

const processOf = local => {
  const known = processes.get(local);
  if (!known) throw new CannotNow(`there is no process ${local}`);
  return known;
};

const livingOf = local => {
  const known = processOf(local);
  if (!known.process.alive) throw new CannotNow(`process ${local} has ended`);
  return known;
};

function otherOf({ node: name, other, earlier = false }) {
  const key = `${name} ${other}`;
  const process = (earlier && others.get(key)) || node.processOn(name, other);
  others.set(key, process);
  if (!process) throw new CannotNow(`there has been no session with ${name}`);
  return process;
}

// A monitor or a call of the node, by a number.
function numbered(made, what) {
  if (made === null) throw new CannotNow(`there is no room for ${what}`);
  const number = ++monitors;
  refs.set(number, made);
  numbers.set(made.ref, number);
  return number;
}

// A call that the process has.
function callOf(process, number) {
  const known = calls.get(number);
  if (known?.has !== livingOf(process).process.local) throw new CannotNow(`process ${process} has no call ${number}`);
  return known;
}

// Whoever had a call and ends can reply no more. A callee's end is told by its node.
function letGo(local) {
  for (const { call, has } of calls.values()) if (has === local) call.drop();
}

// A tuple of pids, by their numbers; or a string of so many bytes.
function termOf({ pids = [], bytes }) {
  if (bytes !== undefined) return { message: writeTerm({ type: 'string', value: 'x'.repeat(bytes) }), pids: [] };
  const values = pids.map((_, number) => ({ type: 'pid', value: { node: 0, creation: 0, local: number } }));
  return { message: writeTerm({ type: 'tuple', values }), pids: pids.map(processAt) };
}

function processAt({ node: name, process: local }) {
  if (name !== node.name) return otherOf({ node: name, other: local });
  return { node: name, incarnation: node.incarnation, creation: node.self.creation, local };
}

// Sends one message behind the other, each as soon as there is room for it; each begins with its number.
function flood(from, to, { messages, bytes }) {
  while (from.sent < messages) {
    const message = Buffer.alloc(bytes);
    message.writeUInt32BE(from.sent);
    const result = node.send(to, message);
    if (result === 'dropped') return;
    if (result === 'full') {
      setTimeout(() => flood(from, to, { messages, bytes }), FULL_MS);
      return;
    }
    from.sent += 1;
  }
}

const COMMANDS = {
  async start({ name, cookie, accepted = [], version_1: version1 = VERSION_1, heartbeat, ...more }) {
    const { peer_lists: peerLists = false, tells_peers: tellsPeers = false, certificates, ...limits } = more;
    if (tellsPeers || certificates) return UNSUPPORTED;
    if (heartbeat) {
      limits.heartbeat_interval = heartbeat.interval_ms / 1000;
      limits.heartbeat_timeout = heartbeat.timeout_ms / 1000;
    }
    node = await Node.start({ name, cookies: [cookie, ...accepted], version1, peerLists, limits });
    return { ...OK, name: node.name, without: ['two_queues'] };
  },

  connect({ to }) {
    node.connect(to).catch(error => console.error(`no session with ${to}: ${error.message}`));
    return OK;
  },

  // The one thread of the node waits for nothing.
  hold_up({ time_ms: time }) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);
    return OK;
  },

  disconnect({ node: name }) {
    node.disconnect(name);
    return OK;
  },

  session({ node: name }) {
    return { ...OK, up: node.sessionWith(name) !== undefined };
  },

  // A mailbox of this node holds messages for a moment only: none is ever full.
  spawn({ mailbox_messages_max: bound }) {
    if (bound !== undefined) return UNSUPPORTED;
    const seen = [];
    const process = node.spawn((event, self) => seen.push(note(event, self)));
    processes.set(process.local, { process, seen, sent: 0 });
    return { ...OK, process: process.local };
  },

  global_register({ process, name }) {
    node.registerGlobal(name, livingOf(process).process);
    return OK;
  },

  global_lookup({ name }) {
    const found = node.lookupGlobal(name);
    const here = found instanceof Process ? { node: node.name, local: found.local } : found;
    return { ...OK, found: here ? place(here) : false };
  },

  offer({ function: name, ends, arguments: notes }) {
    node.offer(name, (event, process) => {
      if (event.type !== 'started') processOf(process.local).seen.push(note(event, process));
      else processes.set(process.local, { process, seen: notes ? [{ arguments: event.pids.map(place) }] : [], sent: 0 });
      if (event.type === 'started' && ends) process.exit(ends);
    });
    return OK;
  },

  request({ process, node: name, function: wanted, link, monitor, ...other }) {
    const term = other.pids === undefined ? null : termOf(other);
    const request = node.request(livingOf(process).process, name, wanted, { link, monitor, term });
    if (request === null) throw new CannotNow('there is no session, or no place');
    // One for a monitor is that of the monitor as well.
    const number = monitor ? numbered({ session: node.sessionWith(name), ref: request }, 'a monitor') : Number(request);
    return { ...OK, request: number };
  },

  register({ process, name }) {
    node.register(name, livingOf(process).process);
    return OK;
  },

  trap_exit({ process, on }) {
    livingOf(process).process.traps = on;
    return OK;
  },

  link({ process, ...other }) {
    if (!node.link(livingOf(process).process, otherOf(other))) throw new CannotNow('there is no room for a link');
    return OK;
  },

  unlink({ process, ...other }) {
    node.unlink(livingOf(process).process, otherOf(other));
    return OK;
  },

  monitor({ process, other_name: otherName, ...other }) {
    const own = livingOf(process).process;
    const monitor = otherName === undefined
      ? node.monitor(own, otherOf(other))
      : node.monitorNamed(own, other.node, otherName);
    return { ...OK, monitor: numbered(monitor, 'a monitor') };
  },

  call({ process, other_name: otherName, ...other }) {
    const own = livingOf(process).process;
    const call = otherName === undefined
      ? node.call(own, otherOf(other), termOf(other))
      : node.callNamed(own, other.node, otherName, termOf(other));
    if (call === 'full') throw new CannotNow('the queue is full');
    return { ...OK, call: numbered(call, 'a call') };
  },

  give_up({ process, call }) {
    const known = refs.get(call);
    if (!known) throw new CannotNow(`there is no call ${call}`);
    node.giveUp(livingOf(process).process, known);
    return OK;
  },

  reply({ process, call, ...term }) {
    if (callOf(process, call).call.reply(termOf(term)) === 'full') throw new CannotNow('the queue is full');
    return OK;
  },

  delegate({ process, call, deputy }) {
    callOf(process, call).has = livingOf(deputy).process.local;
    return OK;
  },

  let_go({ process, call }) {
    callOf(process, call).call.drop();
    return OK;
  },

  // To a process it can send no term: it lacks that capability.
  send_term({ process, node: name, other_name: otherName, pids }) {
    if (otherName === undefined) return UNSUPPORTED;
    livingOf(process);
    if (node.sendNamedTerm(name, otherName, termOf({ pids })) === 'full') throw new CannotNow('the queue is full');
    return OK;
  },

  demonitor({ process, monitor }) {
    node.demonitor(livingOf(process).process, refs.get(monitor));
    return OK;
  },

  send({ process, node: name, other_name: otherName, message, ...other }) {
    livingOf(process);
    const bytes = Buffer.from(message, 'hex');
    const result = otherName === undefined
      ? node.send(otherOf({ node: name, ...other }), bytes)
      : node.sendNamed(name, otherName, bytes);
    if (result === 'full') throw new CannotNow('the queue is full');
    return OK;
  },

  // The node takes part in groups from the first of these on.
  join_group({ process, group }) {
    return { ...OK, joined: node.startGroups().join(group, livingOf(process).process) };
  },

  leave_group({ process, group }) {
    return { ...OK, left: node.startGroups().leave(group, livingOf(process).process) };
  },

  group_members({ group }) {
    return { ...OK, members: node.startGroups().members(group).map(place) };
  },

  send_group({ group, message }) {
    node.startGroups().sendAll(group, Buffer.from(message, 'hex'));
    return OK;
  },

  watch({ process, node: name }) {
    node.watch(livingOf(process).process, name);
    return OK;
  },

  flood({ process, messages, bytes, ...other }) {
    flood(livingOf(process), otherOf(other), { messages, bytes });
    return OK;
  },

  exit({ process, reason }) {
    livingOf(process).process.exit(reason);
    letGo(process);
    return OK;
  },

  kill({ process }) {
    livingOf(process).process.kill();
    letGo(process);
    return OK;
  },

  report({ process }) {
    const { process: { alive }, seen, sent } = processOf(process);
    return { ...OK, alive, seen, sent };
  },

  async stop() {
    await node?.stop();
    return OK;
  },
};

async function answer(line) {
  try {
    const { do: command, ...options } = JSON.parse(line);
    if (!Object.hasOwn(COMMANDS, command)) return UNSUPPORTED;
    return await COMMANDS[command](options);
  } catch (error) {
    return { answer: 'error', text: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
process.exit(0);
