// Changes of global names that wait: SES-GLB-014.

import assert from 'node:assert/strict';
import test from 'node:test';

import { readFrame } from '../src/frames.mjs';
import { Globals } from '../src/lists.mjs';
import { LAYOUT, OWN } from '../src/limits.mjs';
import { Outbound } from '../src/outbound.mjs';
import { Session } from '../src/session.mjs';

/** A session whose transport takes nothing until `open`, and the tags of what it has taken. */
class Stalled {
  ready = false;
  tags = [];
  globals = new Globals();

  constructor() {
    this.outbound = new Outbound(this, { frameBytesMax: 16_777_216, limits: OWN });
    const end = name => ({ name, incarnation: 1n, creation: 1, frame_bytes_max: 16_777_216, links_and_monitors_max: 10 });
    const ends = { self: end('a@127.0.0.1:1'), peer: end('b@127.0.0.1:2') };
    this.session = new Session({ version: 2, ...ends, host: this, outbound: this.outbound });
  }

  write(bytes, taken) {
    for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) {
      this.tags.push(readFrame(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at))).tag);
    }
    taken();
  }

  register(name, local) {
    const process = { local };
    this.globals.register(name, process, [this.session]);
    return process;
  }

  end(process) {
    this.globals.processEnded(process, [this.session]);
    // In the place of its EXIT.
    this.outbound.signal({ tag: 'CLOSE', fields: { code: 0, text: '' } });
  }

  open() {
    this.ready = true;
    this.outbound.flush();
    return this.tags;
  }
}

test('a name that is registered anew is told once, ahead of the end of its old process', () => {
  const stalled = new Stalled();
  const old = stalled.register('n', 1);
  stalled.end(old);
  stalled.register('n', 2);
  assert.deepEqual(stalled.open(), ['GLOBAL_REGISTER', 'CLOSE']);
  stalled.register('n2', 3);
  assert.deepEqual(stalled.tags, ['GLOBAL_REGISTER', 'CLOSE', 'GLOBAL_REGISTER'], 'a change that was written waits no more');
});

test('a name is taken back in a session that is being closed', () => {
  const stalled = new Stalled();
  const process = stalled.register('n', 1);
  stalled.open();
  stalled.ready = false;
  stalled.session.closing = true;
  stalled.end(process);
  assert.deepEqual(stalled.open(), ['GLOBAL_REGISTER', 'GLOBAL_UNREGISTER', 'CLOSE']);
});

test('a name that the peer was never told of is not taken back', () => {
  const stalled = new Stalled();
  stalled.end(stalled.register('early', 1));
  stalled.session.closing = true;
  stalled.end(stalled.register('late', 2));
  assert.deepEqual(stalled.open(), ['CLOSE', 'CLOSE']);
  stalled.end(stalled.register('later', 3));
  assert.deepEqual(stalled.tags, ['CLOSE', 'CLOSE', 'CLOSE']);
});

test('a name that the peer was told of when the session began is taken back', () => {
  const stalled = new Stalled();
  const process = { local: 1 };
  stalled.globals.register('n', process, []);
  stalled.globals.begin(stalled.session);
  stalled.session.closing = true;
  stalled.end(process);
  assert.deepEqual(stalled.open(), ['GLOBAL_SYNC', 'GLOBAL_UNREGISTER', 'CLOSE']);
});
