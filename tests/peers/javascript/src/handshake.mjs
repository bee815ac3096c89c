// The two courses of the handshake: handshake.md, "The initiator's course" and "The acceptor's course". Payloads come
// in through `receive`; no socket and no clock. A check that fails throws a HandshakeError, which says what to reject.

import { randomBytes } from 'node:crypto';

import { CAPABILITIES } from './capabilities.mjs';
import { MAGIC } from './extension.mjs';
import { LAYOUT } from './limits.mjs';
import { PROOF_BYTES, readMessage, writeMessage } from './messages.mjs';
import { completeName } from './names.mjs';
import {
  acceptorProof, digest, equal, hasSentinel, initiatorProof, proofKey, SENTINEL, transcriptHash, ZERO,
} from './proofs.mjs';

const VERSION = 2;
const RANDOM_BYTES = 24;
const REJECT = { version: 1, busy: 2, malformed: 3, refused: 4, duplicate: 5, name: 6, bounds: 7 };

// What holds without a block: version1.md, "A session without a block".
const DEFAULT_BOUNDS = {
  capabilities: 0n, frame_bytes_max: LAYOUT.frame_bytes_max, links_and_monitors_max: 1_000_000,
};

/** The handshake ends. `reject` is the name of a code, or null if none is sent. */
export class HandshakeError extends Error {
  constructor(message, reject = null) {
    super(message);
    this.reject = reject;
  }
}

function check(holds, message, reject = null) {
  if (!holds) throw new HandshakeError(message, reject);
}

/** 1 + (incarnation mod 255): HS-CRE-001. */
export const creationOf = incarnation => Number(incarnation % 255n) + 1;

/** REJECT with a code by its name. */
export const rejectMessage = name => writeMessage({ tag: 'REJECT', fields: { code: REJECT[name], text: name } });

/** What both courses need: `self` is { name, incarnation, frame_bytes_max, links_and_monitors_max }, and
 * `capabilities` if it is not all that this node can do. */
class Course {
  constructor({ self, cookies, tls13, exporter, version1 = false, random = () => randomBytes(RANDOM_BYTES) }) {
    Object.assign(this, { self, cookies, tls13, exporter, version1, random, version: VERSION });
  }

  read(payload, reject) {
    try {
      return readMessage(payload);
    } catch (error) {
      throw new HandshakeError(error.message, reject);
    }
  }

  block() {
    const { incarnation, frame_bytes_max, links_and_monitors_max } = this.self;
    return {
      versions: [VERSION],
      capabilities: this.self.capabilities ?? CAPABILITIES,
      incarnation,
      frame_bytes_max,
      reassembly_bytes_max: 134_217_728n,
      fragmented_messages_max: 64,
      node_table_entries_max: 4_096,
      links_and_monitors_max,
    };
  }

  /** NAME or CHALLENGE, with a block or without. */
  introduction(tag, fields, hasBlock) {
    const { name, incarnation } = this.self;
    const all = { name, creation: creationOf(incarnation), ...fields };
    return writeMessage({ tag, fields: hasBlock ? { ...all, extension: this.block() } : all });
  }

  /** The sentinel stands in every challenge, in version 1 too (HS-SEN-001). */
  newChallenge() {
    this.challenge = Buffer.concat([this.random(), SENTINEL]);
    return this.challenge;
  }

  /** REPLY or ACK of version 2: the proof covers all bytes before it. */
  proven(tag, fields, prove) {
    const draft = writeMessage({ tag, fields: { digest: ZERO, ...fields, extension: {}, proof: ZERO } });
    const bare = draft.subarray(0, -PROOF_BYTES);
    return Buffer.concat([bare, prove(bare)]);
  }

  peerOf({ name, creation, extension = {} }) {
    return { ...DEFAULT_BOUNDS, ...extension, name: completeName(name), creation, incarnation: extension.incarnation ?? null };
  }
}

const boundsSuffice = ({ extension }) =>
  (extension.frame_bytes_max ?? LAYOUT.frame_bytes_max) >= LAYOUT.frame_bytes_bound_min;

export class Initiator extends Course {
  constructor(options) {
    super(options);
    this.dialled = options.dialled;
    this.state = 'start';
    this.peer = null;
  }

  /** NAME. */
  start() {
    check(this.dialled !== this.self.name, 'the own name is not dialled');
    check(this.tls13 || this.version1, 'TLS 1.3 is needed');
    this.name = this.introduction('NAME', {}, this.tls13);
    this.state = 'awaits CHALLENGE';
    return this.name;
  }

  /** What to send, or null. After ACK `peer` is there. */
  receive(payload) {
    const message = this.read(payload, null);
    check(message.tag !== 'REJECT', `rejected with code ${message.fields.code}`);
    return this.state === 'awaits CHALLENGE' ? this.#onChallenge(message, payload) : this.#onAck(message, payload);
  }

  #onChallenge({ tag, fields }, payload) {
    check(tag === 'CHALLENGE', `${tag} in place of CHALLENGE`);
    if (fields.extension) this.#check2(fields);
    else this.#check1(fields);
    this.candidate = this.peerOf(fields);
    this.state = 'awaits ACK';
    return fields.extension ? this.#reply2(payload) : this.#reply1(fields);
  }

  #check2(fields) {
    const { versions, incarnation } = fields.extension;
    check(this.tls13, 'a block needs TLS 1.3');
    check(versions, 'the block says no versions');
    check(versions.includes(VERSION), 'no common version');
    check(incarnation, 'the block says no incarnation');
    check(fields.creation !== 0, 'the creation is 0');
    check(hasSentinel(fields.challenge), 'a block without the sentinel');
    check(completeName(fields.name) === this.dialled, 'another name answers');
    check(boundsSuffice(fields), 'the bounds are too small');
  }

  #check1(fields) {
    check(!hasSentinel(fields.challenge), 'the sentinel without a block');
    check(this.version1, 'version 1 is not allowed');
    check(completeName(fields.name) === this.dialled, 'another name answers');
    this.version = 1;
  }

  // The first cookie signs (HS-CKY-002).
  #reply2(challenge) {
    this.key = proofKey(this.cookies[0]);
    this.th = transcriptHash(this.name, challenge);
    this.reply = this.proven('REPLY', { challenge: this.newChallenge() }, bare =>
      initiatorProof(this.key, this.exporter, this.th, bare));
    return this.reply;
  }

  #reply1({ challenge }) {
    const fields = { digest: digest(this.cookies[0], challenge), challenge: this.newChallenge() };
    return writeMessage({ tag: 'REPLY', fields });
  }

  #onAck({ tag, fields }, payload) {
    check(tag === 'ACK', `${tag} in place of ACK`);
    check((fields.extension !== undefined) === (this.version === VERSION), 'a block from end to end, or none');
    if (this.version === 1) check(equal(fields.digest, digest(this.cookies[0], this.challenge)), 'the digest is wrong');
    else this.#checkProof(fields, payload);
    this.peer = this.candidate;
    this.state = 'session';
    return null;
  }

  #checkProof(fields, payload) {
    check(equal(fields.digest, ZERO), 'the digest is not zero');
    const bare = payload.subarray(0, -PROOF_BYTES);
    const proof = acceptorProof(this.key, this.exporter, this.th, this.reply, bare);
    check(equal(fields.proof, proof), 'the proof is wrong');
  }
}

export class Acceptor extends Course {
  constructor(options) {
    super(options);
    this.state = 'awaits NAME';
    this.peer = null;
  }

  /** What to send, or null. After REPLY `peer` is there, and `accept` or a REJECT has to follow. */
  receive(payload) {
    return this.state === 'awaits NAME' ? this.#onName(payload) : this.#onReply(payload);
  }

  #onName(payload) {
    // Whoever has sent the magic is told what was wrong with it.
    this.reject = payload.includes(MAGIC) ? 'malformed' : null;
    const { tag, fields } = this.read(payload, this.reject);
    check(tag === 'NAME', `${tag} in place of NAME`, this.reject);
    if (fields.extension) this.#check2(fields);
    else {
      check(this.version1, 'version 1 is not allowed', this.reject && 'refused');
      this.version = 1;
      this.reject = null;
    }
    this.name = payload;
    this.candidate = fields;
    this.state = 'awaits REPLY';
    this.sent = this.introduction('CHALLENGE', { challenge: this.newChallenge() }, fields.extension !== undefined);
    return this.sent;
  }

  #check2({ creation, extension: { versions, incarnation } }) {
    check(this.tls13, 'a block needs TLS 1.3', 'refused');
    check(versions, 'the block says no versions', 'malformed');
    check(versions.includes(VERSION), 'no common version', 'version');
    check(incarnation, 'the block says no incarnation', 'malformed');
    check(creation !== 0, 'the creation is 0', 'malformed');
  }

  #onReply(payload) {
    const { tag, fields } = this.read(payload, this.reject);
    const hasBlock = fields.extension !== undefined;
    check(tag === 'REPLY' && hasBlock === (this.version === VERSION), 'REPLY is not as it was due', this.reject);
    this.answer = this.version === 1 ? this.#ack1(fields) : this.#ack2(fields, payload);
    const name = completeName(this.candidate.name);
    check(name !== null && name !== this.self.name, 'a name that no peer can have', this.reject && 'name');
    check(this.version === 1 || boundsSuffice(this.candidate), 'the bounds are too small', 'bounds');
    this.peer = this.peerOf(this.candidate);
    this.state = 'decides';
    return null;
  }

  #ack1({ digest: proven, challenge }) {
    check(!hasSentinel(challenge), 'the sentinel without a block');
    const cookie = this.cookies.find(each => equal(proven, digest(each, this.challenge)));
    check(cookie, 'the digest is wrong');
    return writeMessage({ tag: 'ACK', fields: { digest: digest(cookie, challenge) } });
  }

  // The cookie of REPLY is that of ACK (HS-CKY-004).
  #ack2(fields, reply) {
    check(equal(fields.digest, ZERO), 'the digest is not zero', 'malformed');
    check(hasSentinel(fields.challenge), 'a block without the sentinel', 'malformed');
    const th = transcriptHash(this.name, this.sent);
    const bare = reply.subarray(0, -PROOF_BYTES);
    const key = this.cookies.map(proofKey).find(each => equal(fields.proof, initiatorProof(each, this.exporter, th, bare)));
    check(key, 'the proof is wrong', 'refused');
    return this.proven('ACK', {}, ack => acceptorProof(key, this.exporter, th, reply, ack));
  }

  /** ACK: the session begins. */
  accept() {
    this.state = 'session';
    return this.answer;
  }
}
