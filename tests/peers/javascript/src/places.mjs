// Places of connections that are not verified: connection.md, "Before the session".

import net from 'node:net';

/** An IPv4 address, or the first 64 bits of an IPv6 address (CON-PLC-002). */
export function placeOf(address) {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1];
  if (!net.isIPv6(address)) return address;
  const [head, tail] = address.split('%')[0].split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const behind = tail === '' ? [] : tail.split(':');
    while (groups.length + behind.length < 8) groups.push('0');
  }
  return groups.slice(0, 4).map(group => parseInt(group || '0', 16)).join(':');
}

/** How far a handshake has come (CON-PLC-009). */
export const ACCEPTED = 0;
export const SECURED = 1;
export const NAMED = 2;

export class Places {
  #held = []; // { place, connection }, the oldest first

  constructor({ handshakes_max: max, handshakes_per_address_max: perAddress }) {
    Object.assign(this, { max, perAddress });
  }

  get count() {
    return this.#held.length;
  }

  /** The connections of which one has to give way to a new one (CON-PLC-008). */
  #candidates(place) {
    const sums = new Map();
    for (const held of this.#held) sums.set(held.place, (sums.get(held.place) ?? 0) + 1);
    if ((sums.get(place) ?? 0) >= this.perAddress) return this.#held.filter(held => held.place === place);
    if (this.count < this.max) return [];
    const most = Math.max(...sums.values());
    return this.#held.filter(held => sums.get(held.place) === most);
  }

  /** Makes room for a new connection (CON-PLC-007, CON-PLC-009). */
  make(address) {
    const candidates = this.#candidates(placeOf(address));
    const older = candidates.slice(0, Math.ceil(candidates.length / 2)).map(held => held.connection);
    const least = Math.min(...older.map(connection => connection.progress));
    older.find(connection => connection.progress === least)?.abandon();
  }

  take(address, connection) {
    const held = { place: placeOf(address), connection };
    this.#held.push(held);
    return () => { this.#held = this.#held.filter(other => other !== held); };
  }

  abandonAll() {
    for (const { connection } of this.#held) connection.abandon();
  }
}
