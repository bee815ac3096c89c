// A trace: messages between nodes, one JSON object a line. README.md says what a line has.

import { pidText } from '../../../tests/peers/javascript/src/pids.mjs';
import { decode } from '../decode/decode.mjs';

const READER = 0xfffe;
/** Nodes that have a lane at once. */
export const NODES_SHOWN = 64;
/** Processes and names that stand in the list. */
export const PROCESSES_SHOWN = 10_000;
const HEX = /^(?:[0-9a-f]{2})*$/iu;

/** A line that is none: which, and why. */
export class LineError extends Error {
  constructor(number, why) {
    super(`line ${number}: ${why}`);
  }
}

const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);
const isText = value => typeof value === 'string';
const isNumber = value => Number.isFinite(value);
/** Numbers of 64 bits are texts in JSON. */
const isLong = value => isText(value) || isNumber(value);
const isPid = value => isObject(value) && ['node', 'creation', 'local'].every(part => isNumber(value[part]));
const isRoot = value => isObject(value) && isText(value.kind) && (value.text === undefined || isText(value.text));
const isReason = value => isRoot(value) && (value.root === undefined || isRoot(value.root)) &&
  (value.hops === undefined || (Array.isArray(value.hops) && value.hops.every(isPid)));

/** The fields that the page reads. */
const FORMS = {
  from: isPid, to: isPid, requester: isPid, monitored: isPid, monitoring: isPid, pid: isPid, reason: isReason,
  name: isText, function: isText, code: isNumber, status: isNumber, request: isLong, ref: isLong,
};
/** Those without which the page cannot say what a message does. */
const NEEDED = new Map([
  ['SPAWN', ['requester']], ['MONITOR_NAME', ['from', 'name']], ['REG_SEND', ['name']], ['SEND_NAME_TERM', ['name']], ['CALL_NAME', ['name']],
]);

function checkMessage({ tag, fields }, must) {
  must(isText(tag), '`message` has no `tag`');
  must(isObject(fields), '`message` has no `fields`');
  for (const field of NEEDED.get(tag) ?? []) must(fields[field] !== undefined, `${tag} has no \`${field}\``);
  for (const [field, isOne] of Object.entries(FORMS)) {
    must(fields[field] === undefined || isOne(fields[field]), `\`${field}\` of ${tag} has another form than \`snow-dist decode --json\` gives it`);
  }
}

/** A line with what the page reads of it, and no other keys. */
function checked(line, number) {
  const must = (holds, why) => {
    if (!holds) throw new LineError(number, why);
  };
  must(isObject(line), 'this is no object');
  must(isNumber(line.time_us), '`time_us` is no number');
  for (const end of ['from', 'to']) must(isText(line[end]), `\`${end}\` is no name of a node`);
  must(['handshake', 'session'].includes(line.phase), '`phase` is neither "handshake" nor "session"');
  must(line.payload === undefined || (isText(line.payload) && HEX.test(line.payload)), '`payload` is not hexadecimal');
  must(line.message !== undefined || line.payload !== undefined, 'there is neither `message` nor `payload`');
  if (line.message !== undefined) {
    must(isObject(line.message), '`message` is no object');
    checkMessage(line.message, must);
  }
  const { time_us, from, to, phase, message, payload } = line;
  return { time_us, from, to, phase, message, payload };
}

/** A message that a line does not have is read from its payload. */
function withMessage(line) {
  if (line.message) return line;
  const bytes = Buffer.from(line.payload, 'hex');
  const { error, tag, json } = decode(bytes, line.phase === 'handshake' ? 'handshake' : 'frame');
  return error ? { ...line, error } : { ...line, message: { length: bytes.length, tag, ...json() } };
}

/** The lines of a file. */
export function linesOf(text) {
  const lines = [];
  for (const [index, each] of text.split('\n').entries()) {
    if (each.trim() === '') continue;
    let line;
    try {
      line = JSON.parse(each);
    } catch {
      throw new LineError(index + 1, 'this is no JSON');
    }
    lines.push(withMessage(checked(line, index + 1)));
  }
  return lines;
}

/** Nodes in the order in which they are heard of. */
export const nodesOf = lines => [...new Set(lines.flatMap(({ from, to }) => [from, to]))];

/** The lane of each node, from 0 on; last is that of the one that is not yet known. Of many nodes the first have one. */
export function lanesOf(nodes) {
  const first = nodes.slice(0, NODES_SHOWN);
  return new Map([...first.filter(Boolean), ...first.filter(node => node === '')].map((node, lane) => [node, lane]));
}

// Whose process a field names, as the tables of frames say: the sender's or the receiver's.
const SENDERS = ['from', 'requester', 'monitored'];
const RECEIVERS = ['to', 'monitoring'];
const NAMES_OF_RECEIVERS = new Set(['REG_SEND', 'SEND_NAME_TERM', 'CALL_NAME', 'MONITOR_NAME']);

const processOn = (node, { creation, local }) => (local === 0 ? [] : [{ key: `${node} ${creation}.${local}`, node, text: pidText({ node: 0, creation, local }) }]);

/** Of a pid without an owner. */
function unowned({ from, to }, pid) {
  if (pid.node === 0) return processOn(from, pid);
  return pid.node === READER ? processOn(to, pid) : [];
}

function ofRequest(line, open) {
  const { from, to, message: { tag, fields } } = line;
  const number = fields.request ?? fields.ref;
  if (number === undefined) return [];
  // A request is known to both ends by a number of the one that asks.
  const own = `${from} ${to} ${number}`;
  const theirs = `${to} ${from} ${number}`;
  if (tag === 'SPAWN') open.set(own, processOn(from, fields.requester));
  else if (tag === 'MONITOR_NAME') open.set(own, processOn(from, fields.from));
  return tag === 'SPAWN_REPLY' || tag === 'NAMED' ? open.get(theirs) ?? [] : [];
}

/** The processes and the registered names that a line speaks of: { key, node, text }. `open` is kept from line to line. */
export function processesOf(line, open) {
  if (line.error || line.phase === 'handshake') return [];
  const { from, to, message: { tag, fields } } = line;
  const found = [...ofRequest(line, open)];
  for (const field of SENDERS) if (fields[field]?.local !== undefined) found.push(...processOn(from, fields[field]));
  for (const field of RECEIVERS) if (fields[field]?.local !== undefined) found.push(...processOn(to, fields[field]));
  if (fields.pid) found.push(...unowned(line, fields.pid));
  for (const hop of fields.reason?.hops ?? []) found.push(...unowned(line, hop));
  if (NAMES_OF_RECEIVERS.has(tag)) found.push({ key: `${to} ${JSON.stringify(fields.name)}`, node: to, text: JSON.stringify(fields.name) });
  return [...new Map(found.map(each => [each.key, each])).values()];
}

const numeric = new Intl.Collator('en', { numeric: true });

/** Processes as the list has them: by node, and of many those that are heard of first. */
function listed(processes, nodes) {
  const places = new Map(nodes.map((node, place) => [node, place]));
  return processes.slice(0, PROCESSES_SHOWN)
    .sort((a, b) => places.get(a.node) - places.get(b.node) || numeric.compare(a.text, b.text));
}

/**
 * A file: its lines, their nodes, of each line the keys of its processes, and the list of processes with how many it leaves
 * out. Throws a LineError, and nothing else.
 */
export function traceOf(text) {
  const lines = linesOf(text);
  const nodes = nodesOf(lines);
  const open = new Map();
  const known = new Map();
  const keys = lines.map(line => {
    const found = processesOf(line, open);
    for (const each of found) known.set(each.key, each);
    return new Set(found.map(({ key }) => key));
  });
  return { lines, nodes, keys, processes: listed([...known.values()], nodes), left: Math.max(0, known.size - PROCESSES_SHOWN) };
}

const reasonText = reason => {
  const root = reason.root ?? reason;
  return root.text === undefined ? root.kind : `${root.kind} ${JSON.stringify(root.text)}`;
};

const local = ({ local: number, creation }) => pidText({ node: 0, creation, local: number });

/** A message in a few words. */
export function summary({ error, message }) {
  if (error) return `cannot be read: ${error.kind.replaceAll('_', ' ')} in ${error.field}`;
  const { tag, fields } = message;
  const parts = [];
  const one = fields.from ?? fields.requester ?? fields.monitored;
  const other = fields.to ?? fields.monitoring;
  if (one) parts.push(one.local === 0 ? '' : local(one));
  if (other) parts.push(`→ ${local(other)}`);
  if (typeof fields.name === 'string') parts.push(NAMES_OF_RECEIVERS.has(tag) ? `→ ${JSON.stringify(fields.name)}` : JSON.stringify(fields.name));
  if (fields.function !== undefined) parts.push(JSON.stringify(fields.function));
  if (fields.code !== undefined) parts.push(`code ${fields.code}`);
  if (fields.status !== undefined) parts.push(`status ${fields.status}`);
  if (fields.reason) parts.push(reasonText(fields.reason));
  if (typeof fields.text === 'string' && fields.text !== '') parts.push(JSON.stringify(fields.text));
  if (typeof fields.message === 'string') parts.push(`${fields.message.length / 2} bytes`);
  return [tag, ...parts.filter(Boolean)].join(' ');
}

/** Whether it only shows that a node is there. */
export const isHeartbeat = ({ message }) => message?.tag === 'PING' || message?.tag === 'PONG';
