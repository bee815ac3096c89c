// Figures, drawn as SVG from what the text says: the messages of a handshake, the states of a link, the layout of each message.

import { escaped } from './text.mjs';

const CHARACTER = 7.4;
const PADDING = 14;

const element = (name, attributes, inside = '') =>
  `<${name} ${Object.entries(attributes).map(([key, value]) => `${key}="${value}"`).join(' ')}>${inside}</${name}>`;
const textAt = (x, y, text, attributes = {}) => element('text', { x, y, 'text-anchor': 'middle', ...attributes }, escaped(text));

// Of an SVG in a text: no empty line, since that would end the block.
function figure(kind, title, { width, height }, parts) {
  const inside = `<title>${escaped(title)}</title>${parts.join('')}`;
  const svg = element('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' }, inside);
  return `<figure class="${kind}">${svg}</figure>`;
}

const tip = (x, y, angle) => `<path class="tip" transform="translate(${x} ${y}) rotate(${angle})" d="M0 0 l-9 -4.5 v9 z"/>`;

/** A row of cells of a table in Markdown. */
const cellsOf = row => row.replaceAll(/^\||\|$/gu, '').split('|').map(cell => cell.trim());

/** Messages between two ends, of a program whose first line names both and whose others have an arrow each; else null. */
export function sequenceFigure(body) {
  const [first, ...others] = body.trimEnd().split('\n');
  const ends = /^(\w+) {4,}(\w+)$/u.exec(first);
  const messages = others.map(line => /^(?<right>\S.*?) +->$|^ +<- +(?<left>\S.*)$/u.exec(line)?.groups);
  if (!ends || messages.length === 0 || messages.includes(undefined)) return null;
  const [width, row, top] = [410, 40, 34];
  const [left, right] = [50, width - 50];
  const height = top + row * messages.length + 14;
  const parts = [
    ...[left, right].map((x, index) => textAt(x, 18, ends[index + 1], { class: 'name' }) + element('line', { class: 'life', x1: x, y1: 26, x2: x, y2: height })),
    ...messages.map((message, index) => {
      const y = top + row * (index + 1) - 10;
      const [from, to] = message.right ? [left, right] : [right, left];
      const shaft = element('line', { class: 'arrow', x1: from, y1: y, x2: to, y2: y });
      return textAt(width / 2, y - 8, message.right ?? message.left) + shaft + tip(to, y, message.right ? 0 : 180);
    }),
  ];
  return figure('sequence', `Messages between ${ends[1]} and ${ends[2]}`, { width, height }, parts);
}

// Where the states of a link stand, and where the labels of the arrows between two of them.
const PLACES = { none: [75, 190], active: [625, 190], unlinking: [350, 50], ending: [350, 330] };
const LABELS = {
  'none active': [350, 172], 'active none': [350, 218],
  'active unlinking': [398, 126], 'unlinking active': [560, 98], 'unlinking none': [135, 98],
  'active ending': [545, 292], 'ending none': [130, 284],
};
const HALF = [58, 20];
const ASIDE = 7;

/** Steps of a table of events by states: [from, to, events]. */
export function stepsOf(table) {
  const [head, , ...rows] = table.trimEnd().split('\n').map(cellsOf);
  const states = head.slice(1).map(name => name.split(' ')[0]);
  const steps = new Map();
  for (const [event, ...cells] of rows) {
    for (const [index, cell] of cells.entries()) {
      const to = cell.split('; ').at(-1).split(' ')[0];
      if (!states.includes(to)) continue;
      const key = `${states[index]} ${to}`;
      steps.set(key, [...steps.get(key) ?? [], event]);
    }
  }
  return steps;
}

/** From the edge of one box to that of another, a little aside, so that arrows both ways stand beside each other. */
function between(from, to) {
  const [[x1, y1], [x2, y2]] = [PLACES[from], PLACES[to]];
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  const aside = [dy * ASIDE, -dx * ASIDE];
  const gap = 4 + Math.min((HALF[0] + Math.abs(aside[0])) / Math.abs(dx), (HALF[1] + Math.abs(aside[1])) / Math.abs(dy));
  const at = (x, y, sign) => [x + sign * dx * gap + aside[0], y + sign * dy * gap + aside[1]].map(each => Math.round(each * 10) / 10);
  return { start: at(x1, y1, 1), end: at(x2, y2, -1), angle: Math.round((Math.atan2(dy, dx) * 180) / Math.PI) };
}

export function statesFigure(table) {
  const steps = [...stepsOf(table)].map(([key, events]) => {
    const [from, to] = key.split(' ');
    if (!LABELS[key]) throw new Error(`the figure of links has no place for a step from ${from} to ${to}`);
    const { start, end, angle } = between(from, to);
    const [x, y] = LABELS[key];
    const label = events.map((event, index) => textAt(x, y + index * 16 - (y < 190 ? (events.length - 1) * 16 : 0), event)).join('');
    return element('g', { class: 'step' }, element('line', { class: 'arrow', x1: start[0], y1: start[1], x2: end[0], y2: end[1] }) + tip(...end, angle) + label);
  });
  const boxes = Object.entries(PLACES).map(([name, [x, y]]) =>
    element('rect', { class: 'state', x: x - HALF[0], y: y - HALF[1], width: HALF[0] * 2, height: HALF[1] * 2, rx: 10 }) + textAt(x, y + 5, name, { class: 'name' }));
  return figure('states', 'The states of a link at one end, and the events that change them', { width: 700, height: 370 }, [...steps, ...boxes]);
}

const BYTES = { u8: 1, u16: 2, u32: 4, u64: 8, '[8]': 8, '[32]': 32, pid: 8 };

/** The fields of a message behind its tag, a box each, with the byte at which each begins where that is always the same. */
export function layoutFigure(tag, table) {
  const fields = table.trimEnd().split('\n').slice(2).map(cellsOf)
    .map(([name, type, meaning]) => ({ name: name.replaceAll('`', ''), type, isOptional: /^only /u.test(meaning) }));
  let [x, at] = [1, 0];
  const parts = [{ name: tag, type: 'tag' }, ...fields].map(({ name, type, isOptional }) => {
    const bytes = type === 'tag' ? 1 : isOptional ? undefined : BYTES[type];
    const said = isOptional ? `${type}, or none` : type;
    const width = Math.max(44, Math.round(Math.max(name.length, said.length) * CHARACTER) + PADDING, Math.min(bytes ?? 12, 16) * 9);
    const box = element('rect', { class: bytes === undefined ? 'box open' : 'box', x, y: 20, width, height: 40 });
    const offset = at === null ? '' : textAt(x + 2, 14, String(at), { class: 'at', 'text-anchor': 'start' });
    const middle = x + width / 2;
    at = at === null || bytes === undefined ? null : at + bytes;
    x += width;
    return box + offset + textAt(middle, 37, name, { class: 'name' }) + textAt(middle, 53, said, { class: 'type' });
  });
  return figure('layout', 'The payload, byte by byte', { width: x + 1, height: 62 }, parts);
}

const TABLE = String.raw`\|[^\n]*\n\|[-| ]*\|\n(?:\|[^\n]*\n)+`;

/** A chapter with its figures. What is a figure already is drawn instead of it, others stand before their tables. */
export function withFigures(text) {
  return text
    .replaceAll(/^```text\n([\s\S]*?)^```$/gmu, (block, body) => sequenceFigure(body) ?? block)
    .replaceAll(new RegExp(`^(?=\\| event \\| none \\| active )${TABLE}`, 'gmu'), table => `${statesFigure(table)}\n\n${table}`)
    .replaceAll(new RegExp(`^(Tag \`([0-9A-F]{2})\`,(?:(?!\\n#)[\\s\\S])*?\\n\\n)((?=\\| field \\| type )${TABLE})`, 'gmu'),
      (_, before, tag, table) => `${before}${layoutFigure(tag, table)}\n\n${table}`);
}
