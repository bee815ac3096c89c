// The texts of the specification as chapters of the book: nothing is said otherwise, and more is linked.

import { InputError, LINK_BYTES_MAX, linesOf } from '../decode/input.mjs';
import { messagesOf } from '../decode/messages.mjs';

const ID = /(?:DIST|HS|SES|CON|CAP|GRP|V1|STF)-[A-Z]{3}-\d{3}/gu;

export const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The bytes of a vector's segments. */
export const joined = segments => Buffer.concat(segments.map(each =>
  typeof each === 'string' ? Buffer.from(each, 'hex') : Buffer.alloc((each.hex.length / 2) * each.times, Buffer.from(each.hex, 'hex'))));

/** A link into the page that decodes. */
export function decodeLink(bytes, { as = 'detect', lengths = 'detect' }, up) {
  if (bytes.length === 0 || bytes.length > LINK_BYTES_MAX) return '';
  return `<p class="decode"><a href="${up}decode/index.html#as=${as}&amp;lengths=${lengths}&amp;hex=${bytes.toString('hex')}">decode these bytes</a></p>`;
}

/** How an example is read in its chapter, if it is. */
const READINGS = {
  'handshake.md': [{ as: 'handshake', lengths: 'yes' }, { as: 'handshake', lengths: 'no' }],
  'stf.md': [{ as: 'term', lengths: 'no' }, { as: 'term_2', lengths: 'no' }],
  'example.md': [{ as: 'detect', lengths: 'yes' }],
};
const OTHERS = [
  { as: 'frame', lengths: 'no' }, { as: 'detect', lengths: 'yes' }, { as: 'signal', lengths: 'no' },
  { as: 'reason', lengths: 'no' }, { as: 'pid', lengths: 'no' },
];

function readsAs(bytes, chapter) {
  const isGood = ({ error, tag }) => !error && tag !== 'UNKNOWN' && tag !== 'EMPTY';
  return (READINGS[chapter] ?? OTHERS).find(reading => [...messagesOf(bytes, { ...reading, strict: true })].every(isGood));
}

/** Links for the bytes of an example: from a length on where lengths are shown. */
function exampleLinks(text, chapter, up) {
  const parts = /\blength: \d+$/mu.test(text) ? text.split(/^(?=.*\blength: \d+$)/mu).filter(part => /\blength: \d+/u.test(part)) : [text];
  try {
    const bytes = Buffer.concat(parts.flatMap(linesOf));
    const reading = bytes.length > 0 && readsAs(bytes, chapter);
    return reading ? decodeLink(bytes, reading, up) : '';
  } catch (error) {
    if (error instanceof InputError) return '';
    throw error;
  }
}

/** A program with its requirements linked, also those of which only the number is said. */
function programOf(text, hrefOf) {
  const lines = text.split('\n').map(line => {
    let kind = null;
    const [, code, said] = /^(.*?)(\s-- .*)?$/u.exec(line);
    const linked = (said ?? '').replaceAll(/((?:DIST|HS|SES|CON|CAP|GRP|V1|STF)-[A-Z]{3}-)?\b(\d{3})\b/gu, (match, prefix, number) => {
      kind = prefix ?? kind;
      const href = kind && hrefOf(kind + number);
      return href ? `<a href="${href}">${match}</a>` : match;
    });
    return (said && /[<&]/u.test(said.replaceAll(/<a [^>]*>|<\/a>/gu, '')) ? escaped(line) : escaped(code) + linked);
  });
  return `<pre class="program"><code class="nohighlight">${lines.join('\n')}</code></pre>`;
}

/** A figure of what two nodes do beside each other, as a table, or null. */
function columnsOf(text) {
  const rows = text.trimEnd().split('\n').map(line => line.split(/ {4,}/u));
  if (!rows.every(row => row.length === 2 && row[0] !== '' && !row[1].startsWith('-- '))) return null;
  const line = (name, row) => `<tr>${row.map(each => `<${name}>${escaped(each)}</${name}>`).join('')}</tr>`;
  const [head, ...others] = rows;
  return `<table><thead>${line('th', head)}</thead><tbody>${others.map(row => line('td', row)).join('')}</tbody></table>`;
}

const proseOf = (text, hrefOf) => text.replaceAll(
  new RegExp(`^#.*$|\`[^\`]*\`|\\[[^\\]]*\\]\\([^)]*\\)|\\b${ID.source}\\b`, 'gmu'),
  match => {
    const href = new RegExp(`^${ID.source}$`, 'u').test(match) && hrefOf(match);
    return href ? `[${match}](${href})` : match;
  },
);

/** A chapter as the book has it. `lineOf` gives what stands under a requirement's heading, `hrefOf` its place. */
export function chapterOf(text, { chapter, up, lineOf, hrefOf }) {
  const parts = text.split(/^(```[a-z]*\n[\s\S]*?^```$)/mu);
  return parts.map(part => {
    const fence = /^```([a-z]*)\n([\s\S]*?)^```$/mu.exec(part);
    if (!part.startsWith('```') || !fence) {
      return proseOf(part, hrefOf).replaceAll(/^### \[([A-Z0-9-]+)\] .*$/gmu, (heading, id) => `${heading}\n\n${lineOf(id)}`);
    }
    const [, language, body] = fence;
    if (language === 'text') return columnsOf(body) ?? programOf(body.trimEnd(), hrefOf);
    if (language !== '') return part.replace('```abnf', '```text');
    // No highlighting is guessed.
    return `\`\`\`text\n${body}\`\`\`\n\n${exampleLinks(body, chapter, up)}`;
  }).join('');
}
