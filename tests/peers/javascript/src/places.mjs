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

export class Places {
  #held = new Map(); // place -> connections, the oldest first

  constructor({ handshakes_max: max, handshakes_per_address_max: perAddress }) {
    Object.assign(this, { max, perAddress });
  }

  get count() {
    return [...this.#held.values()].reduce((sum, held) => sum + held.length, 0);
  }

  /** Whether the address has room. The oldest connection of the address with the most gives way if all are taken. */
  make(address) {
    if ((this.#held.get(placeOf(address))?.length ?? 0) >= this.perAddress) return false;
    if (this.count >= this.max) {
      [...this.#held.values()].reduce((most, held) => (held.length > most.length ? held : most))[0].abandon();
    }
    return true;
  }

  take(address, connection) {
    const place = placeOf(address);
    if (!this.#held.has(place)) this.#held.set(place, []);
    this.#held.get(place).push(connection);
    return () => this.#leave(place, connection);
  }

  #leave(place, connection) {
    const held = this.#held.get(place);
    const index = held?.indexOf(connection) ?? -1;
    if (index >= 0) held.splice(index, 1);
    if (held?.length === 0) this.#held.delete(place);
  }

  abandonAll() {
    for (const held of [...this.#held.values()]) for (const connection of [...held]) connection.abandon();
  }
}
