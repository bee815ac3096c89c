// The session of example.md as a trace: node spec/site/build/example.mjs writes trace/example.jsonl.

import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { decode } from '../decode/decode.mjs';
import { linesOf } from '../decode/input.mjs';

const TEXT = new URL('../../example.md', import.meta.url);
export const FILE = new URL('../trace/example.jsonl', import.meta.url);
const STEP_US = 350;
const FROM_INITIATOR = ['NAME', 'REPLY'];

/** Frames stand behind an arrow that says who has written them; messages of the handshake have none. */
function payloadsIn(text) {
  const payloads = [];
  for (const [, block] of text.matchAll(/^```\n([\s\S]*?)^```$/gmu)) {
    let arrow = null;
    for (const part of block.split(/^(?=[ab] -> [ab]$|.*\blength: \d+$)/mu)) {
      const [, said, rest] = /^([ab] -> [ab])?\n?([\s\S]*)$/u.exec(part);
      if (said) arrow = said;
      if (/\blength: \d+$/mu.test(rest)) payloads.push({ arrow, payload: Buffer.concat(linesOf(rest)).subarray(4) });
    }
  }
  return payloads;
}

export function exampleTrace() {
  const text = readFileSync(TEXT, 'utf8');
  const [a, b] = ['a', 'b'].map(node => new RegExp(`\`(${node}@[^\`]*)\``, 'u').exec(text)[1]);
  const lines = payloadsIn(text).map(({ arrow, payload }, index) => {
    const phase = arrow ? 'session' : 'handshake';
    const { tag, json, error } = decode(payload, arrow ? 'frame' : 'handshake', true);
    if (error) throw new Error(`${phase}: ${error.kind} in ${error.field}`);
    const isFromA = arrow ? arrow === 'a -> b' : FROM_INITIATOR.includes(tag);
    const [from, to] = isFromA ? [a, b] : [b, a];
    return { time_us: STEP_US * (index + 1), from, to, phase, message: { length: payload.length, ...json() }, payload: payload.toString('hex') };
  });
  return lines.map(line => `${JSON.stringify(line)}\n`).join('');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(FILE, exampleTrace());
