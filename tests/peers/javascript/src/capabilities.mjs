// What this node can do beyond the musts of version 2 (handshake.md, "Extension types"; capabilities.md).

const BITS = new Map([['calls', 4n], ['names', 5n]]);

/** The capability that a frame needs; of those that are not here this node has none. */
const NEEDED = {
  NODE_TABLE: 'node_table',
  FRAGMENT: 'fragments',
  EXIT2: 'remote_exit',
  SEND_TERM: 'send_term',
  CALL: 'calls',
  CALL_NAME: 'calls',
  CALL_REPLY: 'calls',
  SEND_NAME_TERM: 'names',
  MONITOR_NAME: 'names',
  NAMED: 'names',
};

/** All of them, as they are announced. */
export const CAPABILITIES = [...BITS.values()].reduce((bits, bit) => bits | (1n << bit), 0n);

/** Those of a session with a peer that has announced these. */
export const sessionCapabilities = (announced = 0n) =>
  new Set([...BITS].filter(([, bit]) => announced & (1n << bit)).map(([name]) => name));

export const capabilityOf = tag => NEEDED[tag];

/** A program asks for what the session does not have. */
export class Lacking extends Error {
  constructor(capability, peer) {
    super(`the session with ${peer} does not have the capability ${capability}`);
    this.capability = capability;
  }
}
