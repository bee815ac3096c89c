// Which pids stand on the wire: session.md, "Pids", and for version 1 version1.md, "Pids".
//
// A process is known to programs as { node, incarnation, creation, local }: the name and the start of its node. A
// process of a node that cannot be named has null for both.

import { NODE_READER, NODE_UNKNOWN } from './pids.mjs';

/** The peer broke a rule: the session ends with CLOSE and code 1. */
export class ProtocolError extends Error {}

const isOf = (process, end) => process.node === end.name && process.incarnation === end.incarnation;

const processOf = (end, local) => ({ node: end.name, incarnation: end.incarnation, creation: end.creation, local });

const unknown = ({ creation, local }) => ({ node: null, incarnation: null, creation, local });

/** Pids in a session of version 2. `self` and `peer` are the two ends: { name, incarnation, creation }. */
export class Version2 {
  constructor(self, peer) {
    Object.assign(this, { self, peer });
  }

  /** Node ids of a frame teach nothing in version 2, and `readReceiver` judges them. */
  isHere() {
    return true;
  }

  own(local) {
    return { node: 0, creation: this.self.creation, local };
  }

  requester(local) {
    return this.own(local);
  }

  theirs(local) {
    return { node: 0, creation: this.peer.creation, local };
  }

  /** The own local id that a receiver's pid names; null for one of another start. */
  readReceiver(pid) {
    if (pid.node !== 0) throw new ProtocolError(`a receiver of node id ${pid.node}`);
    return pid.creation === this.self.creation ? pid.local : null;
  }

  /** The peer's local id that a sender's pid names; null for what cannot be one. */
  readSender(pid) {
    return pid.node === 0 && pid.creation === this.peer.creation ? pid.local : null;
  }

  readHop(pid) {
    if (pid.node === 0 && pid.creation === this.peer.creation) return processOf(this.peer, pid.local);
    if (pid.node === NODE_READER && pid.creation === this.self.creation) return processOf(this.self, pid.local);
    return unknown(pid);
  }

  writeHop(process) {
    const { creation, local } = process;
    if (isOf(process, this.self)) return { node: 0, creation, local };
    if (isOf(process, this.peer)) return { node: NODE_READER, creation, local };
    return { node: NODE_UNKNOWN, creation, local };
  }
}

const LEARNED_FROM = new Set(['SEND', 'LINK', 'UNLINK', 'MONITOR', 'DEMONITOR']);
const receiverOf = ({ tag, fields }) => {
  if (LEARNED_FROM.has(tag) || tag === 'EXIT') return fields.to;
  return tag === 'MONITOR_EXIT' ? fields.monitoring : null;
};

/** Pids in a session of version 1, in the form of version 1 nodes; `k` is the node id by which they know this node. */
export class Version1 {
  constructor(self, peer, k = null) {
    Object.assign(this, { self, peer, k, isWritten: false });
  }

  /** Whether a frame is for this node (V1-PID-012); k is learned from it (V1-LRN-001, V1-LRN-006). */
  isHere(frame) {
    const node = receiverOf(frame)?.node ?? 0;
    if (node === 0) return true;
    if (LEARNED_FROM.has(frame.tag) && !this.isWritten) {
      this.isWritten = true;
      this.k ??= node;
      if (node !== this.k) throw new ProtocolError(`k was set to ${this.k}, and the peer writes ${node}`);
    }
    return node === this.k;
  }

  own(local) {
    return { node: this.k, creation: this.self.creation, local };
  }

  /** In SPAWN they take node id 0 for the writer's (V1-PID-011). */
  requester(local) {
    return { node: 0, creation: 0, local };
  }

  theirs(local) {
    return { node: 0, creation: 0, local };
  }

  readReceiver(pid) {
    return this.#isOwn(pid) ? pid.local : null;
  }

  #isOwn({ creation }) {
    return creation <= 1 || creation === this.self.creation;
  }

  readSender(pid) {
    return pid.node === 0 && pid.creation <= 1 ? pid.local : null;
  }

  readHop(pid) {
    if (pid.node === 0 && pid.creation <= 1) return processOf(this.peer, pid.local);
    if (this.k !== null && pid.node === this.k && this.#isOwn(pid)) return processOf(this.self, pid.local);
    return unknown(pid);
  }

  writeHop(process) {
    const { creation, local } = process;
    if (isOf(process, this.peer)) return { node: 0, creation: 0, local };
    if (isOf(process, this.self) && this.k !== null) return { node: this.k, creation, local };
    return { node: NODE_UNKNOWN, creation, local };
  }
}
