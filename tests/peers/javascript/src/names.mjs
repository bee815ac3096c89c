// Node names: dist.md, "Node names".

import { Refusal } from './bytes.mjs';
import { LAYOUT } from './limits.mjs';

const DEFAULT_PORT = 9000;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/u;
const PORT = /^(0|[1-9][0-9]*)$/;

export const hasControl = text => CONTROL.test(text);

/** { name, host, port } of a node name of at most 255 bytes with its port. A port that is missing is 9000. */
export function parseName(text) {
  const at = text.indexOf('@');
  if (at < 1 || hasControl(text) || !text.isWellFormed()) refuse();
  const [host, port] = splitHost(text.slice(at + 1)) ?? refuse();
  if (port !== null && (!PORT.test(port) || Number(port) > 0xffff)) refuse();
  const parsed = { name: text.slice(0, at), host, port: port === null ? DEFAULT_PORT : Number(port) };
  if (Buffer.byteLength(formatName(parsed)) > LAYOUT.node_name_bytes_max) refuse();
  return parsed;
}

function refuse() {
  throw new Refusal('invalid', 'name', 0);
}

function splitHost(text) {
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    const behind = text.slice(close + 1);
    if (close < 2 || !(behind === '' || behind.startsWith(':'))) return null;
    return [text.slice(0, close + 1), behind === '' ? null : behind.slice(1)];
  }
  const colon = text.lastIndexOf(':');
  const host = colon < 0 ? text : text.slice(0, colon);
  return host === '' || /[:[\]]/.test(host) ? null : [host, colon < 0 ? null : text.slice(colon + 1)];
}

export const formatName = ({ name, host, port }) => `${name}@${host}:${port}`;

/** The name with its port, or null if it is no node name. */
export function completeName(text) {
  try {
    return formatName(parseName(text));
  } catch {
    return null;
  }
}

/** Port 0 says that the port is not known (DIST-NAM-002). */
export const isDialName = text => completeName(text) !== null && parseName(text).port !== 0;

/** Names are ordered byte by byte; the order of JavaScript's strings is another one. */
export const compareNames = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Where to dial: the brackets of an IPv6 address are no part of the address. */
export function addressOf(text) {
  const { host, port } = parseName(text);
  return { host: host.replace(/^\[(.*)\]$/u, '$1'), port };
}
