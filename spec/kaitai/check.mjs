// SPDX-License-Identifier: CC0-1.0
//
// Compiles the grammar and judges every file of vectors with it. Exits with 0 if there is no difference.

import fs from 'node:fs';
import { load } from './grammar.mjs';
import { EXEMPT, judge } from './judge.mjs';

const folder = new URL('../vectors/', import.meta.url);

/** The parsed files of vectors by name, and the cases that stand beside this file. */
export function vectors() {
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort();
  const parsed = (name) => JSON.parse(fs.readFileSync(new URL(name, folder)));
  return Object.fromEntries([...names, '../kaitai/cases.json'].map((name) => [name, parsed(name)]));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { counts, differences } = await judge(load(), vectors());
  for (const { file, vectors, cases, exempt } of counts) {
    const numbers = `${String(vectors).padStart(5)} vectors ${String(cases).padStart(6)} cases`;
    console.log(`${file.padEnd(22)}${numbers}${exempt ? `  ${exempt} exempt` : ''}`);
  }
  for (const { file, id, why } of EXEMPT) console.log(`exempt: ${file} ${id ?? ''} (${why})`);
  for (const { file, id, text } of differences) console.log(`\n${file} ${id}: ${text}`);
  const cases = counts.reduce((sum, it) => sum + it.cases, 0);
  console.log(`\n${cases} cases, ${differences.length} differences`);
  process.exitCode = differences.length || !cases ? 1 : 0;
}
