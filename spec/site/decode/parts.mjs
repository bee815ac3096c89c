// The parts of fields that have some: hops of a reason, elements of a list, extensions, the values in a term.

import { pidText } from '../../../tests/peers/javascript/src/pids.mjs';
import { hopsOf, rootOf } from '../../../tests/peers/javascript/src/reasons.mjs';
import { readTerm } from '../../../tests/peers/javascript/src/terms.mjs';

/** Elements that are shown; of more, only how many there are. */
const SHOWN = 64;
const CHARACTERS = 120;
const TERMS = new Set(['SEND_TERM', 'SEND_NAME_TERM', 'CALL', 'CALL_NAME', 'CALL_REPLY']);

/** What the registry calls bits of capabilities and codes, by number: the page puts it here. */
export const numbers = { capability: {}, reject: {}, close: {} };

const cut = text => (text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)}..` : text);
const quoted = text => cut(JSON.stringify(text));
const bytesIn = text => Buffer.byteLength(text);
const plural = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`;

function bytesShown(bytes) {
  if (bytes.length > 0 && bytes.every(byte => byte === 0)) return `${plural(bytes.length, 'byte')}, all zero`;
  const text = Array.from(bytes.subarray(0, 60), byte => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.'));
  return `${plural(bytes.length, 'byte')} |${text.join('')}|`;
}

function reasonShown(reason) {
  const root = rootOf(reason);
  const hops = hopsOf(reason).length;
  const text = root.text === undefined ? '' : ` ${quoted(root.text)}`;
  const code = root.kind === 'unknown' ? ` ${root.code}` : '';
  return `${root.kind}${code}${text}${hops > 0 ? `, ${plural(hops, 'hop')}` : ''}`;
}

function capabilitiesShown(bits) {
  const set = Array.from({ length: 64 }, (_, bit) => bit).filter(bit => (bits >> BigInt(bit)) & 1n);
  return set.length === 0 ? 'none' : set.map(bit => numbers.capability[bit] ?? `bit ${bit}`).join(', ');
}

function codeShown(code, tag) {
  const name = numbers[tag === 'REJECT' ? 'reject' : 'close'][code];
  return name === undefined ? String(code) : `${code}, ${name}`;
}

/** A value in a line. */
export function shown(value, field = '', tag = '') {
  if (value === undefined) return '';
  if (field === 'capabilities') return capabilitiesShown(value);
  if (field === 'code') return codeShown(value, tag);
  if (field === 'incarnation') return `hexadecimal ${value.toString(16)}`;
  if (typeof value === 'string') return field === 'tag' ? value : quoted(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return bytesShown(value);
  if (Array.isArray(value)) return field === 'versions' ? value.join(', ') : plural(value.length, 'element');
  if (value.local !== undefined) return pidText(value);
  if (value.host !== undefined) return `name ${quoted(value.name)}, host ${quoted(value.host)}, port ${value.port}`;
  if (value.type !== undefined) return termShown(value);
  if (field === 'reason') return reasonShown(value);
  return field === 'extension' ? 'extension block' : '';
}

/** Rows one behind the other. */
class Parts {
  rows = [];
  isCut = false;

  constructor(at, depth) {
    Object.assign(this, { at, depth });
  }

  put(length, field, text, depth = this.depth) {
    this.rows.push({ depth, at: this.at, length, field, text });
    this.at += length;
  }

  /** Whether no more are shown. */
  get isFull() {
    this.isCut ||= this.rows.length >= SHOWN;
    return this.isCut;
  }

  done(end) {
    if (this.isCut && this.at < end) this.put(end - this.at, '', 'more');
    return this.rows;
  }
}

function reasonParts(reason, parts, end) {
  if (hopsOf(reason).length === 0) return;
  for (const hop of hopsOf(reason)) {
    if (parts.isFull) return;
    parts.put(9, 'hop', pidText(hop));
  }
  parts.put(end - parts.at, 'root', reasonShown(rootOf(reason)));
}

function nameParts(names, parts) {
  parts.put(2, 'count', String(names.length));
  for (const [index, name] of names.entries()) {
    if (parts.isFull) return;
    parts.put(2 + bytesIn(name), `[${index}]`, quoted(name));
  }
}

function entryParts(entries, parts) {
  parts.put(4, 'count', String(entries.length));
  for (const [index, { name, pid, node }] of entries.entries()) {
    if (parts.isFull) return;
    parts.put(12 + bytesIn(name) + bytesIn(node), `[${index}]`, `${quoted(name)} = ${pidText(pid)} on ${quoted(node)}`);
  }
}

// The reader of the block takes a type, a length and a value of each extension.
function extensionParts(block, parts, all) {
  const outer = all[0].reader;
  const inner = all.find(({ reader }) => reader !== outer)?.reader;
  parts.put(8, 'magic', '');
  parts.put(2, 'bytes', String(all.find(({ reader, length }) => reader === outer && length === 2).bytes.readUInt16LE()));
  const pieces = all.filter(({ reader }) => reader === inner);
  const known = Object.keys(block).filter(name => name !== 'unknown');
  for (let index = 0; index + 2 < pieces.length; index += 3) {
    const type = pieces[index].bytes.readUInt16LE();
    const value = pieces[index + 2].bytes;
    const isUnknown = block.unknown?.[type] !== undefined;
    const name = isUnknown ? 'unknown' : known.shift();
    const text = isUnknown ? bytesShown(value) : shown(block[name], name);
    parts.put(4 + value.length, `${type.toString(16).padStart(4, '0')} ${name}`, text);
  }
}

const COUNTED = { list: 'values', set: 'values', tuple: 'values', map: 'pairs', struct: 'fields', variant: 'fields', sum: 'values' };

function termShown(term) {
  const { type, value } = term;
  if (type === 'int' || type === 'u64') return `${type} ${value}`;
  if (type === 'float') {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, term.bits);
    return `float ${view.getFloat64(0)}`;
  }
  if (type === 'string') return `string ${quoted(value)}`;
  if (type === 'bytes') return `bytes, ${bytesShown(value)}`;
  if (type === 'pid') return `pid ${pidText(value)}`;
  const name = term.name === undefined ? '' : ` ${quoted(term.name)}`;
  const variant = term.variant === undefined ? '' : ` ${typeof term.variant === 'string' ? quoted(term.variant) : term.variant}`;
  const count = COUNTED[type] ? ` of ${term[COUNTED[type]].length}` : '';
  return `${type}${name}${variant}${count}`;
}

/** Bytes of a value before its parts. */
function headBytes(term) {
  const { type, value, name } = term;
  switch (type) {
    case 'int': case 'u64': case 'float': case 'pid': return 9;
    case 'string': return 5 + bytesIn(value);
    case 'bytes': return 5 + value.length;
    case 'list': case 'set': return 5;
    case 'map': return 6;
    case 'tuple': return 2;
    case 'struct': return 5 + bytesIn(name);
    case 'sum': return 6 + bytesIn(name);
    case 'variant': return 7 + bytesIn(name) + bytesIn(term.variant);
    default: return 1;
  }
}

function termParts(term, parts, depth) {
  if (parts.isFull) return;
  parts.put(headBytes(term), '', termShown(term), depth);
  if (term.value?.type) termParts(term.value, parts, depth + 1);
  for (const each of term.values ?? []) termParts(each, parts, depth + 1);
  for (const pair of term.pairs ?? []) for (const each of pair) termParts(each, parts, depth + 1);
  for (const [name, each] of term.fields ?? []) {
    if (parts.isFull) return;
    parts.put(2 + bytesIn(name), 'field', quoted(name), depth + 1);
    termParts(each, parts, depth + 1);
  }
}

function messageParts(tag, message, at) {
  // Of which kind the session's terms are is not known here. What is no term is bytes, and nothing is wrong with it.
  try {
    const { value } = readTerm(message, !TERMS.has(tag), 2);
    const parts = new Parts(at, 1);
    parts.put(1, 'version', '1');
    termParts(value, parts, 1);
    return parts.done(at + message.length);
  } catch {
    return [];
  }
}

/** The rows inside a field's row. */
export function partsOf({ kind, tag, field, value, at, length, pieces }) {
  if (field === 'message' || field === 'arguments') return messageParts(tag, value, at);
  const parts = new Parts(at, 1);
  if (field === 'reason') reasonParts(value, parts, at + length);
  else if (field === 'names') nameParts(value, parts);
  else if (field === 'entries') entryParts(value, parts);
  else if (field === 'extension') extensionParts(value, parts, pieces);
  else if (field === 'value' && kind.startsWith('term')) termParts(value, parts, 1);
  return parts.done(at + length);
}
