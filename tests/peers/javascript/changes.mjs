// Single changes to this node, each of which breaks one rule, and who notices it:
//
//   node tests/peers/javascript/changes.mjs
//
// A change is a text in a file of src/, and another one in its place. The vectors that it names have to notice it, and no
// others. Where no vector can, it has a `requirement`: then the cases about that are played, and those that it names have to
// fail, and no others. With --found, what is found is printed. With the beginnings of rules, such as CAP-CAL-010, only changes
// of these are made.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { acknowledgements } from './changes/acknowledgements.mjs';
import { answers } from './changes/answers.mjs';
import { calls } from './changes/calls.mjs';
import { links } from './changes/links.mjs';
import { monitors } from './changes/monitors.mjs';
import { names } from './changes/names.mjs';

const ALL = [...links, ...monitors, ...acknowledgements, ...answers, ...calls, ...names];
const ONLY = process.argv.slice(2).filter(argument => !argument.startsWith('--'));
const CHANGES = ALL.filter(({ rule }) => ONLY.length === 0 || ONLY.some(only => rule.startsWith(only)));
assert.notEqual(CHANGES.length, 0, `there is no change of ${ONLY.join(' or ')}`);
const HERE = new URL('.', import.meta.url);
// As deep as this folder: the copies find the vectors where this node does.
const COPIES = new URL('../../../target/javascript/', import.meta.url);
const COPIED = ['src', 'test', 'fixtures', 'adapter.mjs', 'adapter.sh', 'openssl.cnf'];

/** A copy of the node with one change. */
function copyOf({ file, from, to, and = [] }, name) {
  const copy = new URL(`${name}/`, COPIES);
  for (const each of COPIED) cpSync(new URL(each, HERE), new URL(each, copy), { recursive: true });
  const path = new URL(`src/${file}`, copy);
  let text = readFileSync(path, 'utf8');
  for (const [one, other] of [[from, to], ...and]) {
    assert.equal(text.split(one).length, 2, `${file} has this once: ${one}`);
    text = text.replace(one, () => other);
  }
  writeFileSync(path, text);
  return copy;
}

async function vectorsThatNotice(copy) {
  const { tell, told } = await import(new URL('test/stories.mjs', copy));
  const noticed = [];
  for (const vector of told) await tell(vector).catch(() => noticed.push(vector.id));
  return noticed;
}

function casesThatNotice(copy, requirement) {
  const report = fileURLToPath(new URL('report.json', copy));
  const run = ['--quiet', '--role', 'acceptor', '--requirement', requirement, '--json', report];
  const adapter = fileURLToPath(new URL('adapter.sh', copy));
  const conform = ['run', '--quiet', '--bin', 'snow-dist', '--', 'conform', ...run, '--', adapter];
  // What it prints may be more than a buffer holds.
  spawnSync('cargo', conform, { cwd: new URL('../../../', import.meta.url), stdio: 'ignore' });
  const { cases } = JSON.parse(readFileSync(report));
  assert.ok(cases.length > 0, `no case is about ${requirement}`);
  return cases.filter(({ verdict }) => verdict !== 'pass').map(({ slug }) => slug);
}

rmSync(COPIES, { recursive: true, force: true });
const wrong = [];
for (const [number, change] of CHANGES.entries()) {
  const copy = copyOf(change, number);
  const found = await vectorsThatNotice(copy);
  if (change.requirement) found.push(...casesThatNotice(copy, change.requirement));
  if (process.argv.includes('--found')) console.log(`${change.rule}\n    ${found.join(' ')}`);
  const isAsSaid = found.length > 0 && [...found].sort().join() === [...change.noticed].sort().join();
  if (!isAsSaid) wrong.push(`${change.rule}\n  is noticed by: ${found.join(' ') || 'nobody'}\n  and not by:    ${change.noticed.join(' ')}`);
}
console.log(wrong.length > 0 ? wrong.join('\n') : `${CHANGES.length} changes are noticed, each by those that should`);
process.exitCode = wrong.length > 0 ? 1 : 0;
