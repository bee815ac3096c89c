// Judges the site that stands in target/site: its links, its pages in a browser, the page that decodes against all vectors,
// the page that draws. With --pictures, pictures of it stand in target/site-pictures then.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Browser } from './browser.mjs';
import { exampleTrace, FILE as EXAMPLE } from './example.mjs';
import { Index } from './requirements.mjs';
import { LINK_BYTES_MAX } from '../decode/input.mjs';
import { MESSAGES_DECODED } from '../decode/messages.mjs';
import { NODES_SHOWN, PROCESSES_SHOWN } from '../trace/lines.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SITE = join(ROOT, 'target/site');
const PICTURES = join(ROOT, 'target/site-pictures');
const VECTORS = join(ROOT, 'spec/vectors');
const DECODE = join(SITE, 'decode/index.html');
const TRACE = join(SITE, 'trace/index.html');
const JUDGE = readFileSync(new URL('judge.js', import.meta.url), 'utf8');
const DESK = { width: 1200, height: 850, phone: false };
const PHONE = { width: 390, height: 844, phone: true };
const SHOWN_BYTES_MAX = 2_048;
const LINE_BYTES = 4 * 1024 * 1024;

let wrong = 0;
function fail(what) {
  console.error(`wrong: ${what}`);
  wrong += 1;
}
const must = (holds, what) => {
  if (!holds) fail(what);
};

function pagesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(each => {
    const path = join(folder, each.name);
    if (each.isDirectory()) return pagesIn(path);
    return each.name.endsWith('.html') ? [path] : [];
  });
}

const pages = pagesIn(SITE).filter(path => !/(?:^|\/)(?:404|toc)\.html$/u.test(path));

function judgeLinks() {
  const texts = new Map(pages.map(path => [path, readFileSync(path, 'utf8')]));
  const ids = new Map([...texts].map(([path, text]) => [path, new Set([...text.matchAll(/\sid="([^"]*)"/gu)].map(([, id]) => id))]));
  let count = 0;
  for (const [path, text] of texts) {
    for (const [, href] of text.matchAll(/<a\s[^>]*?href="([^"]*)"/gu)) {
      if (/^[a-z]+:/u.test(href)) continue;
      count += 1;
      const [file, id] = href.replaceAll('&amp;', '&').split('#');
      const to = file === '' ? path : resolve(dirname(path), decodeURI(file));
      if (!existsSync(to)) fail(`${relative(SITE, path)} links to ${href}, which is not there`);
      else if (id && !/^(?:as=|hex=|example$)/u.test(id) && ids.has(to) && !ids.get(to).has(decodeURIComponent(id))) {
        fail(`${relative(SITE, path)} links to ${href}, of which the page has no such place`);
      }
    }
  }
  console.log(`${count} links within ${pages.length} pages lead somewhere`);
}

const vectorFiles = readdirSync(VECTORS).filter(file => file.endsWith('.json'))
  .map(file => ({ file, ...JSON.parse(readFileSync(join(VECTORS, file), 'utf8')) }))
  .filter(({ form }) => form === 'bytes' || form === 'streams');

async function judgeVectors(browser) {
  await browser.open(DECODE);
  await browser.run(`${JUDGE}; undefined`);
  let [count, shown] = [0, 0];
  for (const { file, form, vectors } of vectorFiles) {
    must(vectors.length > 0, `${file} is empty`);
    count += vectors.length;
    for (const each of await browser.run(given => judge(given), { form, vectors })) fail(each);
    if (form !== 'bytes') continue;
    const seen = await browser.run((given, max) => judgeShown(given, max), { vectors }, SHOWN_BYTES_MAX);
    shown += seen.count;
    for (const each of seen.wrong) fail(`${file}, as it is shown: ${each}`);
  }
  must(shown > count, 'hardly a vector is shown');
  console.log(`the page that decodes: ${count} vectors in ${vectorFiles.length} files, shown in ${shown} readings`);
}

const EXIT = '2c000000 15 0800000000 9b 0000 0500000000 67 0000 03 0900000000070100 01 0900000000000000 6469736b2066756c 6c';

async function judgeInput(browser) {
  await browser.open(DECODE);
  await browser.run(`${JUDGE}; undefined`);
  const paste = async (text, tags, what) => {
    const seen = await browser.run(given => pasted(given), text);
    must(JSON.stringify(seen.tags) === JSON.stringify(tags), `${what}: ${JSON.stringify(seen)}`);
    return seen;
  };
  await paste(EXIT, ['EXIT'], 'a frame');
  await paste(EXIT.slice(9), ['EXIT'], 'a payload');
  await paste(`0x10,0x05, 0x00 00:00:00:00 0700 00  # a comment\n  68 65   "he"`, ['SEND'], 'separators and comments');
  await paste('00000000: 0e00 0000 1005 0000 0000 0700 0068 656c  ...........hel\n00000010: 6c6f                                     lo', ['SEND'], 'xxd');
  await paste('00000000  0e 00 00 00 10 05 00 00  00 00 07 00 00 68 65 6c  |.............hel|\n00000010  6c 6f  |lo|\n00000012', ['SEND'], 'hexdump');
  await paste('ffffffffffffffff2a00000000070100010400000000000000626f6f6d', ['EXIT'], 'a signal');
  const text = readFileSync(join(ROOT, 'spec/example.md'), 'utf8');
  const blocks = [...text.matchAll(/^```\n([\s\S]*?)^```$/gmu)].map(([, block]) => block);
  await paste(blocks.find(block => block.includes('LINK')), ['LINK', 'MONITOR'], 'an example');
  const cut = await paste('0e000000 10 05000000', ['the rest'], 'an incomplete frame');
  must(/incomplete in payload, at byte 000004/u.test(cut.errors[0]), cut.errors[0]);
  const none = await paste('06000000 11 0200 73 ff 21', ['REG_SEND'], 'a text that is none');
  must(/utf8 in name, at byte 000008/u.test(none.errors[0]), none.errors[0]);
  await paste('09000000 84 0100 0400 6C617465', ['CLOSE'], 'a code');
  must(await browser.run(`document.querySelector('.message table').textContent`).then(text => text.includes('1, protocol_error')), 'a code has no name');
  const digits = await paste('10 0g', [], 'what is no digit');
  must(/line 1: "g" is no hexadecimal digit/u.test(digits.said), digits.said);
  const drop = async (bytes, name, check, what) => {
    const seen = await browser.run((given, called) => dropFile(given, called), Buffer.from(bytes).toString('base64'), name);
    must(check(seen), `${what}: ${JSON.stringify(seen)}`);
  };
  const frame = Buffer.from(EXIT.replaceAll(' ', ''), 'hex');
  await drop(Buffer.concat([frame, frame]), 'frames.bin', ({ tags }) => tags.join() === 'EXIT,EXIT', 'a file of frames');
  await drop(EXIT, 'frames.hex', ({ tags }) => tags.join() === 'EXIT', 'a file of digits');
  await drop(`${EXIT}  # an exit\r\n`, 'frames.hex', ({ tags }) => tags.join() === 'EXIT', 'a file of digits with other ends of lines');
  await drop(readFileSync(join(ROOT, 'spec/captures/session.pcapng')), 'session.pcapng', ({ said, tags }) => tags.length === 0 && said.includes('Wireshark'), 'a recording');
  await judgeLongInput(browser);
  await judgeAddresses(browser);
  console.log('the page that decodes: texts in their forms, files, links');
}

/** Zeros are as many messages as bytes can be: all are shown in the end, and few of them are decoded before. */
async function judgeLongInput(browser) {
  const first = `${MESSAGES_DECODED} messages, and what follows is not decoded yet`;
  // A browser takes long to lay out such a line: the field is empty again before it can.
  const long = await browser.run(bytes => {
    const { said, tags } = pasted('00'.repeat(bytes));
    document.getElementById('input').value = '';
    return { said, shown: tags.length };
  }, LINE_BYTES);
  must(long.said === first && long.shown < MESSAGES_DECODED, `${LINE_BYTES} bytes on one line: ${JSON.stringify(long)}`);
  const dropped = await browser.run(async bytes => {
    const { said } = await dropFile(btoa('00'.repeat(bytes)), 'zeros.hex');
    document.getElementById('input').value = '';
    return said;
  }, LINE_BYTES);
  must(dropped === first, `a file of ${LINE_BYTES} bytes on one line: ${dropped}`);
  const count = MESSAGES_DECODED + 1;
  const all = await browser.run(given => {
    pasted('00000000'.repeat(given));
    for (let more; (more = document.querySelector('#messages > button')); ) more.click();
    return { said: document.getElementById('say').textContent, shown: document.querySelectorAll('.message').length };
  }, count);
  must(all.said === `${count} messages` && all.shown === count, `${count} messages, one piece after the other: ${JSON.stringify(all)}`);
}

async function judgeAddresses(browser) {
  const hex = EXIT.slice(9).replaceAll(' ', '');
  // How often the list of messages is made.
  const source = `window.listings = 0;
    const { replaceChildren } = Element.prototype;
    Element.prototype.replaceChildren = function (...children) {
      if (this.id === 'messages') window.listings += 1;
      return replaceChildren.apply(this, children);
    };`;
  const { identifier } = await browser.send('Page.addScriptToEvaluateOnNewDocument', { source });
  for (const [fragment, what] of [[`#as=frame&lengths=no&hex=${hex}`, 'a link with bytes'], [`#as=x&lengths=y&hex=${hex}`, 'a link with choices that are none']]) {
    await browser.open(DECODE, fragment);
    must(await browser.run(`document.querySelector('.message h2')?.textContent`) === 'EXIT', what);
    must(await browser.run('window.listings') === 1, `${what} is decoded more than once`);
  }
  await browser.send('Page.removeScriptToEvaluateOnNewDocument', { identifier });
}

async function judgeTrace(browser) {
  must(exampleTrace() === readFileSync(EXAMPLE, 'utf8'), 'trace/example.jsonl is not the session of example.md: see build/example.mjs');
  const lines = readFileSync(EXAMPLE, 'utf8').trim().split('\n').map(line => JSON.parse(line));
  await browser.open(TRACE, '#example');
  const arrows = () => browser.run(`document.querySelectorAll('#diagram .arrow').length`);
  must(await arrows() === lines.length, `${await arrows()} arrows of ${lines.length} lines`);
  const choose = text => browser.run(each => {
    const select = document.getElementById('process');
    select.value = [...select.options].find(option => option.textContent.startsWith(each)).value;
    select.dispatchEvent(new Event('change'));
  }, text);
  const names = (local, creation) => ({ message: { fields } }) =>
    ['from', 'to', 'monitored', 'monitoring'].some(field => fields[field]?.local === local && fields[field].creation === creation);
  for (const [text, isMeant] of [['<0.5.103>', names(5, 103)], ['<0.9.155>', names(9, 155)], ['"srv"', ({ message }) => message.tag === 'REG_SEND']]) {
    await choose(text);
    must(await arrows() === lines.filter(isMeant).length, `${text}: ${await arrows()} arrows`);
  }
  await choose('all processes');
  const link = await browser.run(() => {
    document.querySelectorAll('#diagram .arrow')[4].dispatchEvent(new MouseEvent('click'));
    return document.querySelector('#details a').getAttribute('href');
  });
  await browser.open(DECODE, link.slice(link.indexOf('#')));
  must(await browser.run(`document.querySelector('.message h2').textContent`) === lines[4].message.tag, 'a link from the diagram');
  await browser.open(TRACE);
  const said = text => browser.run(given => {
    window.snowTrace.show(given);
    return document.getElementById('say').textContent;
  }, text);
  must(await said('{"time_us":1}\n') === 'line 1: `from` is no name of a node', 'a line without a node');
  const { message, ...bare } = lines[6];
  must(await said(`${JSON.stringify(bare)}\n${JSON.stringify(lines[7])}\nx`) === 'line 3: this is no JSON', 'a line that is no JSON');
  const unknown = lines.map(line => (line.phase === 'handshake' ? { ...line, [line.from.startsWith('a@') ? 'to' : 'from']: '' } : line));
  must(await said(unknown.map(line => JSON.stringify(line)).join('\n')) === `${lines.length} of ${lines.length} messages`, 'peers that are not yet known');
  must(await browser.run(`document.querySelectorAll('#diagram .lane').length`) === 3, 'a lane for whom is not yet known');
  must(await said(JSON.stringify(bare)) === '1 of 1 messages', 'a payload alone');
  must(/SEND/u.test(await browser.run(`document.querySelector('#diagram .label').textContent`)), 'a payload alone is read');
  await judgeHostileLines(browser, said);
  await judgeLongTraces(browser);
  console.log(`the page that draws: ${lines.length} lines, by process as well`);
}

const SESSION = { time_us: 1, from: 'a@127.0.0.1:1', to: 'b@127.0.0.1:2', phase: 'session' };
const PID = { node: 0, creation: 1, local: 1 };

// Messages that no node writes, and what the page says of them.
const HOSTILE = [
  [null, '`message` is no object'],
  [{ tag: 'X' }, '`message` has no `fields`'],
  [{ tag: 'SPAWN', fields: { request: '1' } }, 'SPAWN has no `requester`'],
  [{ tag: 'REG_SEND', fields: {} }, 'REG_SEND has no `name`'],
  ...[
    ['EXIT', { reason: { kind: 'error', hops: 3 } }], ['EXIT', { reason: { kind: 'linked', hops: [null], root: { kind: 'normal' } } }],
    ['EXIT', { reason: { kind: {} } }], ['SEND', { to: { ...PID, local: '1' } }], ['LINK', { from: 7 }], ['NAMED', { pid: true }],
    ['CLOSE', { code: { toString: 1 } }], ['SPAWN_REPLY', { request: { toString: 1 } }], ['GLOBAL_UNREGISTER', { name: [] }],
  ].map(([tag, fields]) => [{ tag, fields }, `\`${Object.keys(fields)[0]}\` of ${tag} has another form than \`snow-dist decode --json\` gives it`]),
];

async function judgeHostileLines(browser, said) {
  const good = JSON.stringify({ ...SESSION, message: { tag: 'SEND', fields: { to: PID } } });
  for (const [message, why] of HOSTILE) {
    await said(good);
    const line = JSON.stringify({ ...SESSION, message });
    must(await said(`${good}\n${line}`) === `line 2: ${why}`, `${line}: ${await said(`${good}\n${line}`)}`);
    const left = await browser.run(() => {
      window.dispatchEvent(new Event('resize'));
      return document.querySelectorAll('#diagram .arrow, #process option:not([value=""])').length;
    });
    must(left === 0, `${line}: ${left} arrows and processes of the trace before are left`);
  }
  for (const message of [{ tag: 'constructor', fields: {} }, { tag: 'X', fields: { message: 1 } }]) {
    const line = JSON.stringify({ ...SESSION, message, error: 'a key that is passed over' });
    must(await said(line) === '1 of 1 messages', `${line}: ${await said(line)}`);
  }
}

/** More nodes, processes and bytes than the page shows. */
async function judgeLongTraces(browser) {
  const many = await browser.run((line, pid, nodes, processes) => {
    const count = selector => document.querySelectorAll(selector).length;
    const shown = lines => {
      window.snowTrace.show(lines.map(each => JSON.stringify(each)).join('\n'));
      return document.getElementById('say').textContent;
    };
    const message = local => ({ tag: 'SEND', fields: { to: { ...pid, local } } });
    const toNodes = Array.from({ length: nodes }, (_, index) => ({ ...line, to: `n${index}@127.0.0.1:1`, message: message(1) }));
    const first = { said: shown(toNodes), lanes: count('#diagram .lane'), arrows: count('#diagram .arrow') };
    const process = document.getElementById('process');
    process.selectedIndex = nodes;
    process.dispatchEvent(new Event('change'));
    const chosen = { said: document.getElementById('say').textContent, lanes: count('#diagram .lane') };
    shown(Array.from({ length: processes }, (_, index) => ({ ...line, message: message(index + 1) })));
    const options = { count: process.options.length, last: process.options[process.options.length - 1].textContent };
    return { first, chosen, options };
  }, SESSION, PID, 2 * NODES_SHOWN, PROCESSES_SHOWN + 7);
  const [all, drawn] = [2 * NODES_SHOWN, NODES_SHOWN - 1];
  must(many.first.said === `${drawn} of ${all} messages, between the first ${NODES_SHOWN} of ${all + 1} nodes` &&
    many.first.lanes === NODES_SHOWN && many.first.arrows === drawn, `many nodes: ${JSON.stringify(many.first)}`);
  must(many.chosen.said === `1 of ${all} messages` && many.chosen.lanes === 2, `a process of the last of many nodes: ${JSON.stringify(many.chosen)}`);
  must(many.options.count === PROCESSES_SHOWN + 2 && many.options.last.startsWith('7 more'), `many processes: ${JSON.stringify(many.options)}`);
  for (const [bytes, isLinked] of [[LINK_BYTES_MAX, true], [LINK_BYTES_MAX + 1, false]]) {
    const seen = await browser.run(line => {
      window.snowTrace.show(line);
      document.querySelector('#diagram .arrow').dispatchEvent(new MouseEvent('click'));
      return { link: document.querySelector('#details a') !== null, said: document.getElementById('details').textContent };
    }, JSON.stringify({ ...SESSION, payload: `10${'00'.repeat(bytes - 1)}` }));
    must(seen.link === isLinked && seen.said.includes('too many') !== isLinked, `a payload of ${bytes} bytes, linked: ${seen.link}`);
  }
}

async function judgeBook(browser) {
  await browser.look({ ...DESK, dark: false });
  for (const path of pages) {
    await browser.open(path);
    must(await browser.run(`document.querySelector('h1') !== null`), `${relative(SITE, path)} has no heading`);
    for (const each of browser.errors.splice(0)) fail(`${relative(SITE, path)}: ${each}`);
  }
  await browser.open(join(SITE, 'index.html'));
  must(await browser.run(`document.querySelector('main h1').textContent.includes('one page')`), 'the card is not the first page');
  const found = await browser.run(async () => {
    document.getElementById('mdbook-search-toggle').click();
    const bar = document.getElementById('mdbook-searchbar');
    for (let tries = 0; tries < 100; tries++) {
      bar.value = 'impossible senders';
      bar.dispatchEvent(new Event('input'));
      bar.dispatchEvent(new KeyboardEvent('keyup', { key: 's' }));
      await new Promise(resolve => setTimeout(resolve, 100));
      const first = document.querySelector('#mdbook-searchresults a');
      if (first) return first.getAttribute('href');
    }
    return null;
  });
  must(found?.includes('session.html'), `search finds ${found}`);
  console.log(`the book: ${pages.length} pages without an error, and its search`);
}

/** What figures have to show, counted in the texts. */
function figuresOf(chapter) {
  const text = readFileSync(join(ROOT, 'spec', chapter), 'utf8');
  const count = (pattern, within = text) => [...within.matchAll(pattern)].length;
  const [, program = ''] = /^```text\ninitiator +acceptor\n([\s\S]*?)^```$/mu.exec(text) ?? [];
  const [, links = ''] = /^\| event \| none \| active \|.*\n([\s\S]*?)\n\n/mu.exec(text) ?? [];
  return {
    layouts: count(/^Tag `[0-9A-F]{2}`, /gmu),
    messages: count(/->|<-/gu, program),
    events: count(/(?:\| |; )(?:none|active|unlinking m|ending) (?=\|)/gu, links),
  };
}

async function judgeFigures(browser) {
  let figures = 0;
  for (const chapter of ['dist', 'handshake', 'session']) {
    await browser.open(join(SITE, `${chapter}.html`));
    const seen = await browser.run(() => {
      const count = selector => document.querySelectorAll(selector).length;
      const outside = [];
      for (const svg of document.querySelectorAll('figure svg')) {
        const { width, height } = svg.viewBox.baseVal;
        for (const text of svg.querySelectorAll('text')) {
          const box = text.getBBox();
          if (box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height) outside.push(text.textContent);
        }
        for (const rect of svg.querySelectorAll('.box')) {
          const [from, to] = [rect.x.baseVal.value, rect.x.baseVal.value + rect.width.baseVal.value];
          const isIn = text => text.getAttribute('text-anchor') === 'middle' && Number(text.getAttribute('x')) > from && Number(text.getAttribute('x')) < to;
          for (const text of [...svg.querySelectorAll('text')].filter(isIn)) if (text.getBBox().width > to - from) outside.push(text.textContent);
        }
      }
      return {
        shown: { layouts: count('figure.layout'), messages: count('figure.sequence .arrow'), events: count('figure.states .step text') },
        all: count('figure svg'),
        outside,
        late: [...document.querySelectorAll('figure.layout')].filter(each =>
          Number([...each.querySelectorAll('.at')].at(-1).textContent) > Number(/Minimum payload: (\d+)/u.exec(each.previousElementSibling.textContent)[1])).length,
      };
    });
    const wanted = figuresOf(`${chapter}.md`);
    must(JSON.stringify(seen.shown) === JSON.stringify(wanted), `${chapter}: figures show ${JSON.stringify(seen.shown)}, the text has ${JSON.stringify(wanted)}`);
    must(seen.outside.length === 0, `${chapter}: figures cut ${seen.outside.join(', ')}`);
    must(seen.late === 0, `${chapter}: ${seen.late} layouts are longer than their shortest payload`);
    figures += seen.all;
  }
  must(figures > 30, `there are ${figures} figures`);
  console.log(`${figures} figures show what the text has`);
}

async function judgeWidth(browser) {
  await browser.look({ ...PHONE, dark: true });
  for (const path of [DECODE, TRACE, ...['index', 'dist', 'session', 'requirements'].map(name => join(SITE, `${name}.html`))]) {
    await browser.open(path, path === TRACE ? '#example' : path === DECODE ? `#hex=${EXIT.replaceAll(' ', '')}` : '');
    const width = await browser.run(`document.documentElement.scrollWidth`);
    must(width <= PHONE.width, `${relative(SITE, path)} is ${width} wide on a phone`);
  }
}

async function takePictures(browser) {
  rmSync(PICTURES, { recursive: true, force: true });
  mkdirSync(PICTURES, { recursive: true });
  const bytes = `#hex=${EXIT.replaceAll(' ', '')}06000000110200 73ff21`.replaceAll(' ', '');
  const views = [
    ['card', 'index.html', ''], ['session', 'session.html', '#ses-pid-004'], ['frames', 'dist.html', '#monitor'],
    ['program', 'session.html', '#on-a-frame'], ['links', 'session.html', '#links'], ['handshake', 'handshake.html', ''], ['vectors', 'vectors/frames.html', '#frame-send-00'],
    ['decode', 'decode/index.html', bytes], ['trace', 'trace/index.html', '#example'],
  ];
  for (const [place, look] of [['desk', DESK], ['phone', PHONE]]) {
    for (const dark of [false, true]) {
      await browser.look({ ...look, dark });
      for (const [name, path, fragment] of views) {
        await browser.open(join(SITE, path), fragment);
        await browser.picture(join(PICTURES, `${name}-${place}${dark ? '-dark' : ''}.png`));
      }
    }
  }
}

// Faults of the page that decodes, which its check has to notice: [what, in which vectors, text, other text].
const FAULTS = [
  ['places that are one too large', 'frames.json', 'at: taking.byteOffset - start', 'at: taking.byteOffset - start + 1'],
  ['text that is not judged', 'frames.json', "new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })", "new TextDecoder('utf-8')"],
  ['a shim that reads the other way round', 'pids.json', 'getUint16(at, true)', 'getUint16(at, false)'],
  ['an error at the place in its block', 'handshake.json', 'this.bytes.byteOffset - start + at', 'at'],
  ['a value without its head', 'stf.json', "case 'list': case 'set': return 5;", "case 'list': case 'set': return 4;"],
  ['a stream without an end', 'streams.json', 'if (length > this.max)', 'if (false)'],
];

async function judgeCheck(browser) {
  const script = readFileSync(join(SITE, 'decode/decode.js'), 'utf8');
  const altered = join(SITE, 'decode/altered.html');
  const html = readFileSync(DECODE, 'utf8');
  for (const [what, file, text, other] of FAULTS) {
    if (script.split(text).length !== 2) {
      fail(`nothing to alter: ${text}`);
      continue;
    }
    writeFileSync(altered, html.replace('<script src="decode.js"></script>', () => `<script>${script.replace(text, () => other)}</script>`));
    await browser.open(altered);
    await browser.run(`${JUDGE}; undefined`);
    const { form, vectors } = vectorFiles.find(each => each.file === file);
    must((await browser.run(given => judge(given), { form, vectors })).length > 0, `the check does not notice ${what}`);
  }
  browser.errors.splice(0);
  const address = 'http://127.0.0.1:1/page.css';
  writeFileSync(altered, html.replace('../page.css', address));
  await browser.open(altered);
  must(browser.errors.splice(0).includes(`the network is asked for ${address}`), 'the check does not notice what asks the network');
  rmSync(altered, { force: true });
  console.log(`${FAULTS.length + 1} faults put in on purpose are noticed`);
}

/** An id that no text has ends the build. */
function judgeRequirements() {
  try {
    new Index(join(ROOT, 'spec')).mustBeIn(new Map());
    fail('the build does not notice requirements that no text has');
  } catch (error) {
    must(/^no text has [A-Z]/u.test(error.message), error.message);
  }
}

const browser = await Browser.start();
try {
  judgeLinks();
  judgeRequirements();
  const parts = [judgeVectors, judgeInput, judgeTrace, judgeBook, judgeFigures, judgeWidth];
  if (process.argv.includes('--pictures')) parts.push(takePictures);
  for (const part of parts) {
    await part(browser);
    for (const each of browser.errors.splice(0)) fail(`${part.name}: ${each}`);
  }
  await judgeCheck(browser);
} finally {
  await browser.stop();
}
if (wrong > 0) process.exitCode = 1;
