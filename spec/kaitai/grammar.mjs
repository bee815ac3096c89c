// SPDX-License-Identifier: CC0-1.0
//
// The grammar, compiled to JavaScript in memory: nothing that is compiled is written down.

import fs from 'node:fs';
import compiler from 'kaitai-struct-compiler';
import KaitaiStream from 'kaitai-struct/KaitaiStream.js';
import { parse } from 'yaml';

const here = new URL('./', import.meta.url);

/** What the runtime for JavaScript does not do as the specification wants it, done here. */
export class ExactStream extends KaitaiStream {
  // The runtime makes 64 bits a double, which has room for 53.
  readU8le() {
    return this.read64(false);
  }

  readS8le() {
    return this.read64(true);
  }

  // A double of JavaScript does not keep the payload of a NaN, so a float is its bits (STF-NUM-001).
  readF8le() {
    return this.read64(false);
  }

  read64(signed) {
    this.ensureBytesLeft(8);
    const bytes = this.readBytes(8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    return signed ? view.getBigInt64(0, true) : view.getBigUint64(0, true);
  }

  // A str64 has a length of 64 bits.
  readBytes(length) {
    return super.readBytes(Number(length));
  }

  // The runtime's decoder replaces what is not UTF-8 (DIST-FLD-007) and drops a byte order mark (DIST-FLD-008).
  static bytesToStr(bytes, encoding) {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  }
}

/** The parsed files of the grammar by name. */
export function load() {
  const files = fs.readdirSync(here).filter((file) => file.endsWith('.ksy'));
  return Object.fromEntries(
    files.map((file) => [file.replace('.ksy', ''), parse(fs.readFileSync(new URL(file, here), 'utf8'))]),
  );
}

/** The classes that read, by the name of their file: `classes.snow_dist_frame`. */
export async function compile(grammar) {
  const importer = { importYaml: async (name) => grammar[name] };
  const sources = {};
  for (const [name, spec] of Object.entries(grammar)) {
    // What others import was compiled with them.
    if (`${camel(name)}.js` in sources) continue;
    Object.assign(sources, await compiler.compile('javascript', spec, importer, false));
  }
  const modules = {};
  const required = (name) => (name === 'kaitai-struct/KaitaiStream' ? ExactStream : module(name.replace('./', '')));
  const module = (name) => {
    if (!(name in modules)) {
      modules[name] = {};
      new Function('exports', 'require', sources[`${name}.js`])(modules[name], required);
    }
    return modules[name];
  };
  return Object.fromEntries(Object.keys(grammar).map((name) => [name, module(camel(name))[camel(name)]]));
}

/** `snow_dist` as the compiler names classes: `SnowDist`. */
export function camel(name) {
  return name.replace(/(?:^|_)([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

/** Why bytes were refused: they end too early, a rule of the grammar does not hold, or a text is not UTF-8. */
export function refusal(error) {
  if (error instanceof KaitaiStream.EOFError) return 'end';
  if (error.name.startsWith('Validation')) return 'rule';
  if (error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'utf8';
  throw error; // A mistake of the grammar or of this program, and no refusal.
}
