// Handshakes in steps: spec/vectors/courses.json.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { writeFramed } from '../src/framing.mjs';
import { Acceptor, HandshakeError, Initiator, rejectMessage } from '../src/handshake.mjs';
import { LAYOUT } from '../src/limits.mjs';

const FILE = new URL('../../../../spec/vectors/courses.json', import.meta.url);
const hex = text => Buffer.from(text, 'hex');
const join = segments => Buffer.concat(segments.map(each =>
  typeof each === 'string' ? hex(each) : Buffer.alloc((each.hex.length / 2) * each.times, hex(each.hex))));

function courseOf({ role, given }) {
  const { name, incarnation, cookies, tls, exporter, version_1_allowed: version1, dialled, random } = given;
  const Course = role === 'acceptor' ? Acceptor : Initiator;
  return new Course({
    self: {
      name, incarnation: BigInt(incarnation), capabilities: 0n, frame_bytes_max: 16_777_216, links_and_monitors_max: 1_000_000,
    },
    cookies: cookies.map(hex),
    tls13: tls === '1.3',
    exporter: exporter && hex(exporter),
    version1,
    dialled,
    random: () => hex(random),
  });
}

function take(course, { start, receive }) {
  try {
    const written = start ? course.start() : course.receive(join(receive.hex).subarray(4));
    if (course.state === 'decides') return { written: [course.accept()], state: course.state };
    return { written: written ? [written] : [], state: course.state };
  } catch (error) {
    assert.ok(error instanceof HandshakeError, error.stack);
    return { written: error.reject ? [rejectMessage(error.reject)] : [], state: 'ended', rejects: true };
  }
}

const { vectors } = JSON.parse(readFileSync(FILE));
test(`courses.json: ${vectors.length} vectors`, async context => {
  for (const vector of vectors) {
    await context.test(vector.id, () => {
      const course = courseOf(vector);
      for (const step of vector.steps) {
        const { written, rejects } = take(course, step);
        const expected = [step.writes ?? []].flat().map(each => join(each.hex));
        // The text of a REJECT is free: tag and code are compared.
        const shown = bytes => bytes.subarray(0, rejects ? 7 : undefined).subarray(rejects ? 4 : 0).toString('hex');
        assert.deepEqual(written.map(each => shown(writeFramed(each, LAYOUT.handshake_bytes_max))), expected.map(shown));
        if (step.state) assert.equal(course.state === 'session', step.state === 'session', step.comment);
      }
      assert.equal(course.peer?.name ?? null, vector.peer?.name ?? null);
    });
  }
});
