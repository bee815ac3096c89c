// One classic script of ES modules, so that a page runs it from a file. A module becomes a function that gives its
// exports; `node:` modules are refused, and `Buffer` is the one of buffer.mjs.
//
// It knows the forms that this project writes: `import { a, b as c } from './x.mjs';` and `export` before a declaration.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUFFER = fileURLToPath(new URL('buffer.mjs', import.meta.url));
const IMPORT = /^import\s+(?:\{([^}]*)\}\s+from\s+)?'([^']+)';$/gmu;
const EXPORT = /^export (?=(?:async )?(?:const|let|class|function\*?) ([A-Za-z_$][\w$]*))/gmu;

class Bundle {
  ids = new Map();
  parts = [];

  /** The number of a module, behind those that it imports. */
  add(path) {
    if (this.ids.has(path)) {
      if (this.ids.get(path) === null) throw new Error(`${path} imports itself`);
      return this.ids.get(path);
    }
    this.ids.set(path, null);
    const exported = [];
    const source = readFileSync(path, 'utf8')
      .replaceAll(IMPORT, (_, names, from) => this.#imported(path, names, from))
      .replaceAll(EXPORT, (_, name) => {
        exported.push(name);
        return '';
      });
    if (/^(?:import|export)\b/mu.test(source)) throw new Error(`${path}: an import or export of another form`);
    const id = this.parts.length;
    this.ids.set(path, id);
    this.parts.push(`const module${id} = (() => {\n${source}\nreturn { ${exported.join(', ')} };\n})();\n`);
    return id;
  }

  #imported(path, names, from) {
    if (!from.startsWith('.')) throw new Error(`${path} imports ${from}, which no page has`);
    const id = this.add(resolve(dirname(path), from));
    return names === undefined ? '' : `const {${names.replaceAll(' as ', ': ')}} = module${id};`;
  }
}

/** The text of a script that runs the module at `path`. */
export function bundle(path) {
  const all = new Bundle();
  const buffer = all.add(BUFFER);
  all.parts.push(`const { Buffer } = module${buffer};\n`);
  all.add(path);
  return `'use strict';\n(() => {\n${all.parts.join('')}})();\n`;
}
