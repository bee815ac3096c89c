// Exit reasons: hops, then one root (dist.md, "Exit reasons").
//
// A reason is its root, `{ kind }` or `{ kind, text }`, or `{ kind: 'linked', hops, root }` with one hop or more. A root
// of a later version is `{ kind: 'unknown', code, payload }`.

import { LAYOUT } from './limits.mjs';
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

const HOP_BYTES = 9;
const ROOT_HEAD_BYTES = 9; // tag and length of a text
const TEXT_BYTES_MAX = LAYOUT.reason_bytes_max - HOP_BYTES - ROOT_HEAD_BYTES;
const UNKNOWN_BYTES_MAX = LAYOUT.reason_bytes_max - HOP_BYTES;

/** The first characters of a text, as many as fit. */
export function cutText(text, bytesMax) {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  let cut = '';
  let length = 0;
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytesMax) break;
    cut += character;
  }
  return cut;
}

/** The reason as it may be written in a session: the last hops are left out, a text is cut (SES-RSN-002 to 006). */
export function fitReason(reason, version) {
  const root = fitRoot(rootOf(reason), version);
  const max = Math.floor((LAYOUT.reason_bytes_max - rootBytes(root)) / HOP_BYTES);
  const hops = hopsOf(reason).slice(0, version === 1 ? Math.min(max, LAYOUT.reason_hops_v1_max) : max);
  return withHops(hops, root);
}

function fitRoot(root, version) {
  if (root.kind === 'unknown') {
    return version === 1 || 1 + root.payload.length > UNKNOWN_BYTES_MAX ? error('unknown') : root;
  }
  return root.text === undefined ? root : { ...root, text: cutText(root.text, TEXT_BYTES_MAX) };
}

function rootBytes(root) {
  if (root.kind === 'unknown') return 1 + root.payload.length;
  return root.text === undefined ? 1 : ROOT_HEAD_BYTES + Buffer.byteLength(root.text);
}

/** The same reason with each hop put through `map`. */
export const mapHops = (reason, map) => withHops(hopsOf(reason).map(map), rootOf(reason));
