// Builds the site: node spec/site/build/build.mjs, with mdbook in the path. It stands in target/site then.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundle } from './bundle.mjs';
import { withFigures } from './figures.mjs';
import { casePage, hrefOf, Index, lineOf, requirementsIn, requirementsPage, vectorPage } from './requirements.mjs';
import { FILE as EXAMPLE } from './example.mjs';
import { chapterOf } from './text.mjs';

const SITE = fileURLToPath(new URL('..', import.meta.url));
const SPEC = dirname(normalize(SITE));
const ROOT = dirname(SPEC);
const LAID_OUT = join(ROOT, 'target/site-source');
const BUILT = join(ROOT, 'target/site');
const PAGES = ['decode', 'trace'];
const [, REPOSITORY] = /^repository = "(.*)"$/mu.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'));

const summary = readFileSync(join(SITE, 'SUMMARY.md'), 'utf8');
const chapters = [...summary.matchAll(/\]\(([^)]+\.md)\)/gu)].map(([, path]) => path);
const ids = requirementsIn(SPEC, chapters.filter(path => !path.includes('/') && existsSync(join(SPEC, path))));
const index = new Index(SPEC);

index.mustBeIn(ids);

function put(path, text) {
  const to = join(LAID_OUT, 'src', path);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, text);
}

/** Where a link of a text leads in the book: to a chapter, a page made of a file, the file itself, or the repository. */
function linkOf(chapter, target) {
  if (/^[a-z]+:|^#/u.test(target)) return target;
  const [path, anchor] = target.split('#');
  const place = normalize(join(dirname(chapter), path));
  const behind = anchor === undefined ? '' : `#${anchor}`;
  if (chapters.includes(place)) return target;
  const made = /^(?:vectors|conformance)\/[a-z0-9-]+\.(?:json|toml)$/u.test(place) ? place.replace(/\.\w+$/u, '.md') : null;
  const at = relative(dirname(chapter), made ?? place).split(sep).join('/');
  if (made && existsSync(join(LAID_OUT, 'src', made))) return `${at}${behind}`;
  if (!place.startsWith('..') && existsSync(join(SPEC, place)) && statSync(join(SPEC, place)).isFile() && !place.endsWith('.md')) {
    mkdirSync(dirname(join(LAID_OUT, 'src', place)), { recursive: true });
    copyFileSync(join(SPEC, place), join(LAID_OUT, 'src', place));
    return target;
  }
  return `${REPOSITORY}/blob/main/${normalize(join('spec', place)).split(sep).join('/').replace(/\/$/u, '')}${behind}`;
}

function chapterFrom(path) {
  const isOwn = !existsSync(join(SPEC, path));
  const up = '../'.repeat(path.split('/').length - 1);
  const text = readFileSync(join(isOwn ? SITE : SPEC, path), 'utf8');
  const linked = text.replaceAll(/\]\(([^)\s]+)\)/gu, (_, target) => `](${isOwn ? target : linkOf(path, target)})`);
  return chapterOf(isOwn ? linked : withFigures(linked), {
    chapter: path,
    up,
    lineOf: id => lineOf(id, index, up),
    hrefOf: id => (ids.has(id) ? up + hrefOf(id, ids.get(id)) : null),
  });
}

function layOut() {
  rmSync(LAID_OUT, { recursive: true, force: true });
  mkdirSync(join(LAID_OUT, 'src'), { recursive: true });
  for (const file of ['book.toml', 'book.css']) copyFileSync(join(SITE, file), join(LAID_OUT, file));
  for (const each of index.vectors) {
    put(`vectors/${each.name}.md`, vectorPage(each, ids));
    copyFileSync(join(SPEC, 'vectors', each.file), join(LAID_OUT, 'src/vectors', each.file));
  }
  for (const each of index.cases) {
    put(`conformance/${each.name}.md`, casePage(each, ids));
    copyFileSync(join(SPEC, 'conformance', each.file), join(LAID_OUT, 'src/conformance', each.file));
  }
  put('requirements.md', requirementsPage(ids, index));
  const entries = (list, folder) => list.map(({ name, file }) => `  - [${file}](${folder}/${name}.md)`).join('\n');
  put('SUMMARY.md', summary
    .replace('<!-- vectors -->', entries(index.vectors, 'vectors'))
    .replace('<!-- cases -->', entries(index.cases, 'conformance')));
  for (const path of chapters.filter(each => each !== 'requirements.md')) put(path, chapterFrom(path));
}

/** What the registry calls bits and codes. */
function numbers() {
  const registry = readFileSync(join(SPEC, 'registry.toml'), 'utf8');
  const entries = (table, key) => [...registry.matchAll(new RegExp(`^\\[\\[${table}\\]\\]\\n${key} = (\\d+)\\nname = "(.*)"$`, 'gmu'))];
  const named = (table, key) => Object.fromEntries(entries(table, key).map(([, number, name]) => [number, name]));
  return { capability: named('capability', 'bit'), reject: named('reject', 'code'), close: named('close', 'code') };
}

function addPages() {
  copyFileSync(join(SITE, 'page.css'), join(BUILT, 'page.css'));
  for (const page of PAGES) {
    mkdirSync(join(BUILT, page), { recursive: true });
    const html = readFileSync(join(SITE, page, 'index.html'), 'utf8');
    writeFileSync(join(BUILT, page, 'index.html'), html
      .replace('<!-- example.jsonl -->\n', () => readFileSync(EXAMPLE, 'utf8'))
      .replace('<!-- numbers -->', () => JSON.stringify(numbers())));
    writeFileSync(join(BUILT, page, `${page}.js`), bundle(join(SITE, page, 'page.mjs')));
  }
}

layOut();
execFileSync('mdbook', ['build', LAID_OUT], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, MDBOOK_LOG: 'warn', RUST_LOG: 'warn' } });
addPages();
