// Which vectors and which cases show a requirement, and a page for each file of them.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { decodeLink, escaped, joined } from './text.mjs';

const HEX_SHOWN = 400;
const STEPS_CHARACTERS_MAX = 20_000;

/** Ids of requirements, with their chapters. */
export function requirementsIn(folder, chapters) {
  const ids = new Map();
  for (const chapter of chapters) {
    const text = readFileSync(join(folder, chapter), 'utf8');
    for (const [, id, title] of text.matchAll(/^### \[([A-Z0-9]+-[A-Z]{3}-\d{3})\] (.*?) \{#.*\}$/gmu)) ids.set(id, { chapter, title });
  }
  return ids;
}

export const hrefOf = (id, { chapter }) => `${chapter.replace(/\.md$/u, '.html')}#${id.toLowerCase()}`;

function vectorsIn(folder) {
  const files = readdirSync(folder).filter(file => file.endsWith('.json')).sort();
  return files.map(file => ({ name: basename(file, '.json'), file, ...JSON.parse(readFileSync(join(folder, file), 'utf8')) }));
}

const stringsIn = text => [...text.matchAll(/"((?:[^"\\]|\\.)*)"/gu)].map(([, each]) => each);

function caseOf(text) {
  const [, slug] = /^slug = "(.*)"$/mu.exec(text);
  const [, title] = /^title = "(.*)"$/mu.exec(text);
  const [, requirements] = /^requirements = \[([^\]]*)\]/mu.exec(text);
  return { slug, title: title.replaceAll('\\"', '"'), requirements: stringsIn(requirements), text: text.trim() };
}

function casesIn(folder) {
  const files = readdirSync(folder).filter(file => file.endsWith('.toml')).sort();
  return files.map(file => {
    const [head, ...cases] = readFileSync(join(folder, file), 'utf8').split(/^\[\[case\]\]$/mu);
    const about = head.split('\n').filter(line => line.startsWith('# ') && !line.includes('SPDX')).map(line => line.slice(2)).join(' ');
    return { name: basename(file, '.toml'), file, about, cases: cases.map(caseOf) };
  });
}

/** All of them, by requirement: { vectors, cases }, each with a name and a place. */
export class Index {
  #shows = new Map();

  constructor(spec) {
    this.vectors = vectorsIn(join(spec, 'vectors'));
    this.cases = casesIn(join(spec, 'conformance'));
    for (const { name, vectors } of this.vectors) {
      for (const { id, requirements } of vectors) this.#add(requirements, 'vectors', { name: id, href: `vectors/${name}.html#${id}` });
    }
    for (const { name, cases } of this.cases) {
      for (const { slug, requirements } of cases) this.#add(requirements, 'cases', { name: slug, href: `conformance/${name}.html#${slug}` });
    }
  }

  #add(requirements, what, entry) {
    for (const id of requirements) {
      if (!this.#shows.has(id)) this.#shows.set(id, { vectors: [], cases: [] });
      this.#shows.get(id)[what].push(entry);
    }
  }

  of(id) {
    return this.#shows.get(id) ?? { vectors: [], cases: [] };
  }

  /** Throws if vectors or cases name ids that no text has. */
  mustBeIn(ids) {
    const strangers = [...this.#shows.keys()].filter(id => !ids.has(id));
    if (strangers.length > 0) throw new Error(`no text has ${strangers.join(', ')}, which vectors or cases name`);
  }
}

const linked = ({ name, href }, up) => `<a href="${up}${href}">${name}</a>`;

/** The line under a requirement's heading: a few of them, and where all are. */
export function lineOf(id, index, up = '') {
  const shows = index.of(id);
  const some = what => {
    const few = shows[what].slice(0, 3).map(each => linked(each, up)).join(', ');
    const more = shows[what].length - 3;
    return more > 0 ? `${few} and <a href="${up}requirements.html#${id.toLowerCase()}">${more} more</a>` : few;
  };
  const parts = ['vectors', 'cases'].filter(what => shows[what].length > 0).map(what => `${what}: ${some(what)}`);
  return parts.length === 0 ? '' : `<p class="shown-by">${parts.join(' · ')}</p>`;
}

/** The page with all of them. */
export function requirementsPage(ids, index) {
  const lines = ['# Requirements', '', 'Each requirement, with the vectors and cases that show it. [Coverage](coverage.md) has those that neither can show.'];
  let before = null;
  for (const [id, requirement] of ids) {
    if (requirement.chapter !== before) lines.push('', `## ${requirement.chapter}`, '');
    before = requirement.chapter;
    const { vectors, cases } = index.of(id);
    const all = (what, list) => (list.length > 0 ? `<br>${what}: ${list.map(each => linked(each, '')).join(', ')}` : '');
    const title = requirement.title.replaceAll('`', '');
    lines.push(`<p id="${id.toLowerCase()}"><a href="${hrefOf(id, requirement)}">${id}</a> ${escaped(title)}${all('vectors', vectors)}${all('cases', cases)}</p>`, '');
  }
  return lines.join('\n');
}

function hexOf({ kind, hex }) {
  const isShort = hex.every(each => typeof each === 'string');
  const text = hex.map(each => (typeof each === 'string' ? each : `${each.hex} × ${each.times}`)).join(' ');
  const shown = text.length > HEX_SHOWN ? `${text.slice(0, HEX_SHOWN)}..` : text;
  const link = isShort ? decodeLink(joined(hex), { as: kind, lengths: 'no' }, '../') : '';
  return `<pre class="data">${escaped(shown) || '(no byte)'}</pre>${link}`;
}

const data = value => {
  const text = JSON.stringify(value);
  return escaped(text.length > STEPS_CHARACTERS_MAX ? `${text.slice(0, STEPS_CHARACTERS_MAX)}..` : text);
};

const verdict = (name, value) => `${name}: ${value === 'valid' ? 'valid' : `${value.kind} in ${value.field}, byte ${value.at}`}`;

function bodyOf(form, vector) {
  const { id, comment, requirements, kind, hex, strict, compatible, steps, $schema, ...others } = vector;
  if (form === 'bytes') {
    const { value } = vector;
    const read = strict === compatible ? verdict('both readings', strict) : `${verdict('Strict', strict)}; ${verdict('Compatible', compatible)}`;
    return `${hexOf(vector)}\n<p>${escaped(kind)}; ${escaped(read)}</p>\n${value ? `<pre class="data">${data(value)}</pre>` : ''}`;
  }
  const lines = [data(others), ...(steps ?? []).map(data)];
  return `<details><summary>${steps ? `${steps.length} steps` : 'all of it'}</summary><pre class="data">${lines.join('\n')}</pre></details>`;
}

const linksOf = (requirements, ids) =>
  requirements.map(id => (ids.has(id) ? `<a href="../${hrefOf(id, ids.get(id))}">${id}</a>` : id)).join(', ');

// Blocks of HTML end at an empty line.
const block = html => html.replaceAll(/\n+/gu, '\n');

export function vectorPage({ file, form, about, vectors }, ids) {
  const lines = [`# ${file}`, '', `${about} [The file itself](${file}) is for programs; [how to use it](README.md#${form}).`];
  for (const vector of vectors) {
    lines.push('', `### ${vector.id} {#${vector.id}}`, '');
    lines.push(block(`<div><p>${escaped(vector.comment)}</p>\n<p class="shown-by">${linksOf(vector.requirements, ids)}</p>\n${bodyOf(form, vector)}</div>`));
  }
  return lines.join('\n');
}

export function casePage({ file, about, cases }, ids) {
  const lines = [`# ${file}`, '', `${about} [The file itself](${file}) is for programs.`];
  for (const { slug, title, requirements, text } of cases) {
    lines.push('', `### ${slug} {#${slug}}`, '');
    // An empty line would end the block.
    const steps = escaped(text).replaceAll(/\n(?=\n)/gu, '\n&#32;');
    lines.push(`<div><p>${escaped(title)}</p>\n<p class="shown-by">${linksOf(requirements, ids)}</p>\n<details><summary>the case</summary><pre class="data">${steps}</pre></details></div>`);
  }
  return lines.join('\n');
}
