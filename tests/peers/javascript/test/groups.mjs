// Groups: the servers of spec/vectors/groups.json, event by event, and nodes that agree.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { Server } from '../src/groups.mjs';
import { Node } from '../src/node.mjs';
import { NODE_READER } from '../src/pids.mjs';
import { pidsIn, putPids } from '../src/terms.mjs';

const FILE = new URL('../../../../spec/vectors/groups.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(FILE, 'utf8'));

const NODE = { node: 'node', incarnation: 1n };
const PEER = { node: 'peer', incarnation: 2n };

function tell({ given, steps }) {
  const own = local => ({ ...NODE, creation: given.creation, local });
  const theirs = local => ({ ...PEER, creation: given.peer.creation, local });
  const server = new Server(own(given.server));
  const ends = new Map([[0, PEER], [NODE_READER, NODE]]);
  const whose = ({ node, creation, local }) => ({ ...(ends.get(node) ?? { node: null, incarnation: null }), creation, local });
  const wire = ({ node, creation, local }) => ({ node: node === 'node' ? 0 : NODE_READER, creation, local });
  const message = hex => {
    const bytes = Buffer.from(hex, 'hex');
    server.message({ message: bytes, pids: pidsIn(bytes).map(whose) });
  };
  const events = {
    up: () => server.up('peer'),
    down: () => server.down('peer'),
    named: local => server.named('peer', theirs(local)),
    nobody: () => server.nobody('peer'),
    interval: () => server.interval('peer'),
    server_ended: () => server.serverEnded('peer'),
    join: ({ group, local }) => server.join(group, own(local)),
    leave: ({ group, local }) => server.leave(group, own(local)),
    ended: local => server.processEnded(own(local)),
    message,
  };
  for (const step of steps) {
    const [word, value] = Object.entries(step).find(([each]) => each in events);
    if (step.refused) assert.throws(() => events[word](value), step.comment);
    else events[word](value);
    const does = [];
    for (let todo = server.todo('peer'); todo !== null; todo = server.todo('peer')) {
      const { send } = todo;
      does.push(send ? { send: putPids(send.message, number => wire(send.pids[number])).toString('hex') } : todo);
    }
    assert.deepEqual(does, step.does, step.comment);
    const shown = ({ node, creation, local }) => ({ of: node, creation, local });
    const members = Object.fromEntries(server.names.map(name => [name, server.members(name).map(shown)]));
    assert.deepEqual(members, step.members, step.comment);
  }
}

test(`groups.json: ${vectors.length} vectors`, async context => {
  assert.notEqual(vectors.length, 0);
  for (const vector of vectors) await context.test(vector.id, () => tell(vector));
});

const start = name => Node.start({ name: `${name}@127.0.0.1:0`, cookies: ['a cookie for tests'] });

async function knows(node, group, count) {
  const until = performance.now() + 20_000;
  while (node.groups.members(group).length !== count) {
    assert.ok(performance.now() < until, `${count} members of ${group}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

test('a last message that is lost is noticed when nothing follows it', async context => {
  const nodes = [await start('a'), await start('b')];
  const [a, b] = nodes;
  await a.connect(b.name);
  context.mock.timers.enable({ apis: ['setInterval'] });
  nodes.forEach(node => node.startGroups());
  const members = [a.spawn(() => {}), a.spawn(() => {})];
  a.groups.join('chat', members[0]);
  await knows(b, 'chat', 1);
  const { server } = b.groups;
  const lost = new Promise(resolve => {
    server.message = () => {
      delete server.message;
      resolve();
    };
  });
  a.groups.join('chat', members[1]);
  await lost;
  context.mock.timers.tick(60_000);
  await knows(b, 'chat', 2);
  await Promise.all(nodes.map(node => node.stop()));
});

test('three nodes agree, through a cut and its end', async () => {
  const nodes = [await start('a'), await start('b'), await start('c')];
  const [a, b, c] = nodes;
  a.startGroups();
  b.startGroups();
  await Promise.all([a.connect(b.name), b.connect(c.name), c.connect(a.name)]);
  // When the others have found nobody.
  c.startGroups();
  const got = [];
  const processes = nodes.map(node => node.spawn(event => got.push(event.type)));
  nodes.forEach((node, index) => assert.ok(node.groups.join('chat', processes[index])));
  for (const node of nodes) await knows(node, 'chat', 3);
  assert.equal(a.groups.sendAll('chat', Buffer.from('hello')), 3);
  a.disconnect(b.name);
  await knows(a, 'chat', 2);
  await knows(b, 'chat', 2);
  await knows(c, 'chat', 3);
  assert.ok(a.groups.leave('chat', processes[0]));
  processes[2].kill();
  await a.connect(b.name);
  for (const node of nodes) await knows(node, 'chat', 1);
  assert.deepEqual(got, ['message', 'message', 'message']);
  await Promise.all(nodes.map(node => node.stop()));
});
