// The page: from the lines of a trace to a diagram of arrows between nodes.

import { LINK_BYTES_MAX } from '../decode/input.mjs';
import { takeFiles } from '../file.mjs';
import { isHeartbeat, lanesOf, LineError, nodesOf, NODES_SHOWN, summary, traceOf } from './lines.mjs';

const ROWS_SHOWN = 2_000;
const ROW = 34;
const HEAD = 30;
const TIME = 66;
const LANES_APART_MIN = 190;
const CHARACTER = 6.9;
const SVG = 'http://www.w3.org/2000/svg';

const at = id => document.getElementById(id);
const [file, process, heartbeat, handshake, say, diagram, details] =
  ['file', 'process', 'heartbeat', 'handshake', 'say', 'diagram', 'details'].map(at);

const NOTHING = traceOf('');
let trace = NOTHING;

function svg(name, attributes = {}, text = undefined) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const cut = (text, width) => {
  const room = Math.max(4, Math.floor(width / CHARACTER));
  return text.length > room ? `${text.slice(0, room - 1)}…` : text;
};

function timeText(microseconds) {
  if (microseconds >= 1e6) return `${(microseconds / 1e6).toFixed(3)} s`;
  return `${(microseconds / 1e3).toFixed(microseconds < 1e5 ? 2 : 1)} ms`;
}

/** Where the lanes of nodes stand. */
function placed(lanes, width) {
  const last = lanes.size - 1;
  const apart = last < 1 ? 0 : Math.max(LANES_APART_MIN, (width - TIME - 32) / last);
  return { lanes, x: lane => TIME + 14 + lane * apart, apart, width: Math.max(width, TIME + 32 + apart * last) };
}

function head({ lanes, x, apart, width }) {
  const picture = svg('svg', { width, height: HEAD, class: 'lanes' });
  for (const [node, lane] of lanes) {
    const [anchor, near] = lane === 0 ? ['start', -10] : lane === lanes.size - 1 ? ['end', 10] : ['middle', 0];
    const name = svg('text', { x: x(lane) + near, y: 19, 'text-anchor': anchor, class: 'lane' }, cut(node || '(not yet known)', apart / 2 || width));
    name.append(svg('title', {}, node));
    picture.append(name);
  }
  return picture;
}

function arrow(line, y, { lanes, x, apart }) {
  const [from, to] = [lanes.get(line.from), lanes.get(line.to)];
  const group = svg('g', { class: 'arrow', tabindex: 0, role: 'button' });
  const classes = [from > to ? 'two' : 'one', line.phase === 'handshake' ? 'dashed' : '', line.error ? 'bad' : ''];
  const color = classes.filter(Boolean).join(' ');
  const middle = (x(from) + x(to)) / 2;
  const label = svg('text', { x: middle, y: y - 5, 'text-anchor': 'middle', class: 'label' }, cut(summary(line), Math.abs(to - from) * apart - 12));
  const direction = to >= from ? 1 : -1;
  const end = x(to) - direction * 2;
  group.append(
    svg('rect', { x: 0, y: y - ROW + 12, width: '100%', height: ROW, class: 'area' }),
    svg('text', { x: TIME - 8, y, 'text-anchor': 'end', class: 'time' }, timeText(line.time_us)),
    label,
    svg('line', { x1: x(from), y1: y, x2: end, y2: y, class: color }),
    svg('path', { d: `M${end} ${y} l${-8 * direction} -4 v8 z`, class: `tip ${color}` }),
  );
  group.append(svg('title', {}, `${line.from} to ${line.to}: ${summary(line)}`));
  const show = () => look(line, group);
  group.addEventListener('click', show);
  group.addEventListener('keydown', ({ key }) => key === 'Enter' && show());
  return group;
}

/** A link to the bytes of a line, if they are not too many for one. */
function linkTo({ phase, payload }) {
  const bytes = payload.length / 2;
  if (bytes > LINK_BYTES_MAX) {
    const why = document.createElement('p');
    why.textContent = `Its payload has ${bytes} bytes, too many for a link to the page that decodes.`;
    return why;
  }
  const link = document.createElement('a');
  link.href = `../decode/index.html#as=${phase === 'handshake' ? 'handshake' : 'frame'}&lengths=no&hex=${payload}`;
  link.textContent = 'its bytes, field by field';
  return link;
}

function look(line, group) {
  for (const each of diagram.querySelectorAll('.looked-at')) each.classList.remove('looked-at');
  group.classList.add('looked-at');
  const heading = document.createElement('h2');
  heading.textContent = line.message?.tag ?? 'a message that cannot be read';
  const where = document.createElement('p');
  where.className = 'quiet';
  where.textContent = `${line.from} → ${line.to}, ${line.phase}, at ${timeText(line.time_us)}`;
  const json = document.createElement('pre');
  json.textContent = JSON.stringify(line.message ?? line.error, null, 2);
  details.replaceChildren(heading, where);
  if (line.payload) details.append(linkTo(line));
  details.append(json);
  details.classList.remove('hidden');
  details.scrollIntoView({ block: 'nearest' });
}

const isAskedFor = (line, index) =>
  (process.value === '' || trace.keys[index].has(process.value)) &&
  (heartbeat.checked || !isHeartbeat(line)) && (handshake.checked || line.phase !== 'handshake');

function draw() {
  details.classList.add('hidden');
  diagram.replaceChildren();
  const { lines } = trace;
  if (lines.length === 0) return;
  const asked = lines.filter(isAskedFor);
  // Where all nodes find no room, those of these lines may.
  const nodes = trace.nodes.length > NODES_SHOWN ? nodesOf(asked) : trace.nodes;
  const lanes = lanesOf(nodes);
  const shown = asked.filter(({ from, to }) => lanes.has(from) && lanes.has(to));
  const drawn = shown.slice(0, ROWS_SHOWN);
  const place = placed(lanes, diagram.clientWidth - 2);
  const height = drawn.length * ROW + 16;
  const picture = svg('svg', { width: place.width, height });
  for (const lane of lanes.values()) picture.append(svg('line', { x1: place.x(lane), y1: 0, x2: place.x(lane), y2: height, class: 'life' }));
  picture.append(...drawn.map((line, index) => arrow(line, (index + 1) * ROW - 8, place)));
  diagram.append(head(place), picture);
  const left = shown.length > drawn.length ? `, the first ${drawn.length} are drawn` : '';
  const among = nodes.length > lanes.size ? `, between the first ${lanes.size} of ${nodes.length} nodes` : '';
  say.textContent = `${shown.length} of ${lines.length} messages${among}${left}`;
}

function option(value, text) {
  const made = document.createElement('option');
  made.value = value;
  made.textContent = text;
  return made;
}

function list({ processes, left }) {
  process.replaceChildren(option('', 'all processes'), ...processes.map(({ key, text, node }) => option(key, `${text} on ${node}`)));
  if (left === 0) return;
  const more = option('', `${left} more, which are not listed`);
  more.disabled = true;
  process.append(more);
}

function tell(text, isWrong) {
  say.textContent = text;
  say.classList.toggle('wrong', isWrong);
}

/** The trace of a file and, if it has none, why. */
function read(text) {
  try {
    return { read: traceOf(text), why: null };
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    return { read: NOTHING, why: error.message };
  }
}

function show(text) {
  const { read: found, why } = read(text);
  trace = found;
  list(trace);
  tell(why ?? 'There is no line.', why !== null);
  draw();
}

takeFiles(file, async chosen => show(await chosen.text()), why => tell(why, true));
at('try').addEventListener('click', () => show(at('lines').textContent));
for (const each of [process, heartbeat, handshake]) each.addEventListener('change', draw);
window.addEventListener('resize', draw);

window.snowTrace = { show };
if (location.hash === '#example') show(at('lines').textContent);
