// Exit reasons: hops, then one root (dist.md, "Exit reasons").
//
// A reason is its root, `{ kind }` or `{ kind, text }`, or `{ kind: 'linked', hops, root }` with one hop or more. A root
// of a later version is `{ kind: 'unknown', code, payload }`.

import { readPid, writePid } from './pids.mjs';

const KINDS = ['normal', 'error', 'killed', 'linked', 'shutdown', 'custom', 'noconnection'];
const LINKED = 3;

export function hopsOf(reason) {
  return reason.kind === 'linked' ? reason.hops : [];
}

export function rootOf(reason) {
  return reason.kind === 'linked' ? reason.root : reason;
}

export function withHops(hops, root) {
  return hops.length === 0 ? root : { kind: 'linked', hops, root };
}

export const error = text => ({ kind: 'error', text });

export function readReason(reader, strict) {
  const hops = [];
  // A loop and no recursion: a frame can hold more than a million hops (DIST-RSN-001).
  for (;;) {
    const start = reader.at;
    const tag = reader.u8();
    if (tag === LINKED) hops.push(readPid(reader));
    else return withHops(hops, readRoot(reader, strict, tag, start));
  }
}

function readRoot(reader, strict, code, start) {
  const kind = KINDS[code];
  if (kind === undefined) {
    if (strict) reader.refuse('unknown_reason', start);
    return { kind: 'unknown', code, payload: reader.rest() };
  }
  return kind === 'error' || kind === 'custom' ? { kind, text: reader.str(8) } : { kind };
}

export function writeReason(writer, reason) {
  for (const hop of hopsOf(reason)) {
    writer.u8(LINKED);
    writePid(writer, hop);
  }
  const root = rootOf(reason);
  if (root.kind === 'unknown') {
    writer.u8(root.code);
    writer.bytes(root.payload);
    return;
  }
  const code = KINDS.indexOf(root.kind);
  if (code < 0 || code === LINKED) writer.refuse('invalid');
  writer.u8(code);
  if (root.text !== undefined) writer.str(8, root.text);
}
