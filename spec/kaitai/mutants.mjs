// SPDX-License-Identifier: CC0-1.0
//
// Shows that the check can fail: it has to find each of these mistakes. Exits with 0 if it finds all of them.

import { vectors } from './check.mjs';
import { load } from './grammar.mjs';
import { EXEMPT, judge } from './judge.mjs';

/** Mistakes in the grammar, each with the vector that has to show it. */
const IN_GRAMMAR = [
  ['a wrong tag', 'frame-link-06', (it) => swap(it.snow_dist_frame.enums.tag, 0x13, 0x14)],
  ['a wrong tag of a reason', 'reason-05', (it) => swap(it.snow_dist_reason.enums.tag, 2, 4)],
  ['a wrong tag of a term', 'term-some', (it) => swap(it.snow_dist_term.enums.tag, 0x28, 0x2a)],
  ['a wrong type of a length', 'frame-reg-send-02', (it) => (field(it, 'str16')[0].type = 'u4')],
  ['fields in a wrong order', 'frame-link-06', (it) => frame(it, 'link').reverse()],
  ['a field under a wrong name', 'frame-monitor-10', (it) => delete frame(it, 'monitor')[2]['-orig-id']],
  ['the pids of a reply in the order of the call', 'frame-call-reply-39', (it) => swap(frame(it, 'call_reply'), 0, 1)],
  ['the pid of NAMED before its ref', 'frame-named-44', (it) => swap(frame(it, 'named'), 0, 1)],
  ['a field too many', 'frame-ping-29', (it) => frame(it, 'ping').push({ id: 'more', type: 'u1' })],
  ['surplus is never refused', 'frame-link-06-surplus', (it) => delete field(it, 'surplus')[0].valid],
  ['surplus always refused', 'frame-link-06-surplus', (it) => (field(it, 'surplus')[0].valid.expr = '_.length == 0')],
  ['a wrong order of bytes', 'frame-monitor-10', (it) => (it.snow_dist_frame.meta.endian = 'be')],
  ['the limit of frames for messages', 'handshake-version-2', (it) => (message(it).seq[0].type = 'length(16777216)')],
  ['REJECT ends no handshake', 'handshake-version-2', (it) => (message(it).instances.ends_handshake.value = ENDS)],
  ['a wrong order of the bytes of lengths', 'stream-one', (it) => (it.snow_dist.meta.endian = 'be')],
];

const ENDS = 'payload.tag == snow_dist_handshake::tag::reply or payload.tag == snow_dist_handshake::tag::ack';
const TRUNCATED = { kind: 'truncated', field: 'to', at: 9, layer: 'frame' };

/** Mistakes in vectors and in the list of exemptions, each with the vector or file that has to show it. */
const IN_VECTORS = [
  ['a refusal taken for a value', 'frame-unknown-00', (of) => (of('frames', 'frame-unknown-00').strict = 'valid')],
  ['a value taken for a refusal', 'frame-link-06', (of) => (of('frames', 'frame-link-06').compatible = TRUNCATED)],
  ['another value', 'term-int', (of) => (of('stf', 'term-int').value.value.value = '-9223372036854775807')],
  ['another reason to refuse', 'reason-utf8', (of) => (of('reasons', 'reason-utf8').strict = TRUNCATED)],
  ['another cut', 'frame-send-00', (of) => (of('frames', 'frame-send-00').layout[2].cut = 'refused')],
  ['another limit of a stream', 'stream-one', (of) => (of('streams', 'stream-one').bytes_max = 16)],
  ['another proof', 'handshake-version-2', (of) => (of('proofs', 'handshake-version-2').proof_acceptor = '00')],
  ['a file without a vector', 'pids.json', (_, files) => (files['pids.json'].vectors = [])],
  ['a file without a judge', 'new.json', (_, files) => (files['new.json'] = { form: 'new', vectors: [{}] })],
  ['an exemption without need', 'pid-cut', (_, __, exempt) => exempt.push({ file: 'pids.json', id: 'pid-cut' })],
  ['an exemption of nothing', 'gone.json', (_, __, exempt) => exempt.push({ file: 'gone.json' })],
];

function field(grammar, type) {
  return grammar.snow_dist_field.types[type].seq;
}

function message(grammar) {
  return grammar.snow_dist.types.message;
}

function frame(grammar, type) {
  return grammar.snow_dist_frame.types[type].seq;
}

function swap(object, one, other) {
  [object[one], object[other]] = [object[other], object[one]];
}

/** What each rule of the grammar can lose: all of it, or one of several conditions. */
function* losses(node, path = []) {
  if (typeof node !== 'object' || node === null) return;
  const rule = path.join('/');
  if ('contents' in node) yield [rule, path, (it) => replace(it, 'contents', 'size', it.contents.length)];
  if ('valid' in node) {
    yield [rule, path, (it) => delete it.valid];
    const conditions = String(node.valid.expr ?? '').split(' and ');
    if (conditions.length > 1 && conditions.every(isBalanced)) {
      for (const lost of conditions) {
        const others = conditions.filter((it) => it !== lost).join(' and ');
        yield [`${rule}: ${lost}`, path, (it) => (it.valid.expr = others)];
      }
    }
  }
  for (const [key, value] of Object.entries(node)) yield* losses(value, [...path, key]);
}

function replace(object, from, to, value) {
  delete object[from];
  object[to] = value;
}

function isBalanced(text) {
  return text.split('(').length === text.split(')').length;
}

/**
 * All vectors but the largest of those that are read: they take most of the time, and are about memory. Files with little to
 * judge come first.
 */
function quick(files) {
  const isLarge = ({ hex, strict }) => strict === 'valid' && hex.some(({ times }) => times > 50_000);
  const kept = (content) => ({ ...content, vectors: content.vectors.filter((it) => !isLarge(it)) });
  const size = (content) => JSON.stringify(content).length;
  const all = Object.entries(files).map(([file, content]) => [file, kept(content)]);
  return Object.fromEntries(all.sort(([, one], [, other]) => size(one) - size(other)));
}

const grammar = load();
const files = quick(vectors());
const missed = [];

/** Judges one file after the other with a mistake until a difference is found, `where` or anywhere, and notes if none is. */
async function finds(mistake, where, grammar, files, exempt = EXEMPT) {
  const isShown = ({ file, id }) => !where || where === id || where === file;
  const isOf = (file) => !where || file === where || (files[file]?.vectors ?? []).some(({ id }) => id === where);
  let isFound = false;
  for (const file of new Set([...Object.keys(files), ...exempt.map((it) => it.file)])) {
    if (isFound || !isOf(file)) continue;
    const one = file in files ? { [file]: files[file] } : {};
    const { differences } = await judge(grammar, one, exempt.filter((it) => it.file === file));
    isFound = differences.some(isShown);
  }
  console.log(`${isFound ? 'found ' : 'MISSED'} ${mistake}`);
  if (!isFound) missed.push(mistake);
}

const { differences } = await judge(grammar, files);
if (differences.length) throw new Error('there are differences without any mistake: see check.mjs');

for (const [mistake, where, make] of IN_GRAMMAR) {
  const mutant = structuredClone(grammar);
  make(mutant);
  await finds(mistake, where, mutant, files);
}
for (const [mistake, where, make] of IN_VECTORS) {
  const mutant = structuredClone(files);
  const exempt = [...EXEMPT];
  make((file, id) => mutant[`${file}.json`].vectors.find((vector) => vector.id === id), mutant, exempt);
  await finds(mistake, where, grammar, mutant, exempt);
}
for (const [rule, path, lose] of losses(grammar)) {
  const mutant = structuredClone(grammar);
  lose(path.reduce((node, key) => node[key], mutant));
  await finds(`without ${rule}`, null, mutant, files);
}
console.log(missed.length ? `\nmissed:\n${missed.join('\n')}` : '\nnone missed');
process.exitCode = missed.length ? 1 : 0;
