// Digests and proofs: handshake.md, "Digest and proofs". Messages are payloads as they were sent, from the tag on.

import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const INFO = 'snow-dist v2 authentication';
const LABEL_INITIATOR = Buffer.from('DIST2 initiator\0');
const LABEL_ACCEPTOR = Buffer.from('DIST2 acceptor\0\0');

export const SENTINEL = Buffer.from('D1444953542D5632', 'hex');
export const ZERO = Buffer.alloc(32);

export const hasSentinel = challenge => challenge.subarray(-SENTINEL.length).equals(SENTINEL);

/** In a time that does not depend on where the two differ (HS-PRF-005). */
export const equal = (a, b) => a.length === b.length && timingSafeEqual(a, b);

const hmac = (key, ...parts) => parts.reduce((mac, part) => mac.update(part), createHmac('sha256', key)).digest();
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** What answers a challenge in version 1. */
export const digest = (cookie, challenge) => hmac(cookie, challenge);

/** k2, the key of the proofs. */
export const proofKey = cookie => Buffer.from(hkdfSync('sha256', cookie, ZERO, INFO, 32));

/** th, the hash of what both ends have said of themselves. */
export function transcriptHash(name, challenge) {
  const length = payload => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(payload.length);
    return bytes;
  };
  return sha256(length(name), name, length(challenge), challenge);
}

/** proofI; `reply` is REPLY without its proof. */
export const initiatorProof = (key, exporter, th, reply) => hmac(key, LABEL_INITIATOR, exporter, th, reply);

/** proofA; `reply` is the whole of REPLY, `ack` is ACK without its proof. */
export const acceptorProof = (key, exporter, th, reply, ack) =>
  hmac(key, LABEL_ACCEPTOR, exporter, th, sha256(reply), ack);
