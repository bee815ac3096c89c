// What somebody pastes or drops, as bytes: text with hexadecimal digits in the forms in which it is found, or bytes as
// they are.

/** Input that has no bytes: a message for people. */
export class InputError extends Error {}

/** Bytes that a link to the page has at most: browsers cut longer addresses, or refuse them. */
export const LINK_BYTES_MAX = 4_096;

// Sticky, so that all matches together are the digits at the front of a text.
const BYTES = /(?:0x)?[0-9a-f]{2}[\s:,]*/giuy;
// Of hexdump -C and xxd: an offset, bytes, characters; a last offset can stand alone.
const DUMP_LINE = /^\s*([0-9a-f]{6,8})(?::\s|\s\s|$)/iu;

// Of the examples: who has written what follows.
const ARROW = /^[a-z] (?:->|<-) [a-z]$/u;

// One pattern for all bytes of a line would need the stack for each of them.
const isHex = text => text.replaceAll(BYTES, '') === '';
const hexOf = text => text.replaceAll(/0x/giu, '').replaceAll(/[\s:,]/gu, '');

/** A line of a dump without its offset and its characters: those of xxd stand behind two blanks, others between bars. */
function ofDump(line) {
  const bare = line.replace(DUMP_LINE, '');
  return /^\s*[0-9a-f]+:/iu.test(line) ? bare.split(/\s{2,}/u)[0] : bare.split('|')[0];
}

/** The digits of a line: what stands behind two blanks or more and is no digit is said of them, as in the examples. */
function digitsOf(line, number) {
  const bare = line.split('#', 1)[0].trim();
  if (ARROW.test(bare)) return '';
  const [first, ...others] = bare.split(/\s{2,}/u);
  let digits = hexOf(first);
  if (!isHex(first)) {
    const wrong = first.search(/[^0-9a-fx\s:,]/iu);
    const what = wrong < 0 ? 'a digit is missing: every byte has two' : `${JSON.stringify(first[wrong])} is no hexadecimal digit`;
    throw new InputError(`line ${number}: ${what}`);
  }
  for (const each of others) {
    if (!isHex(each) || !/^[0-9a-f]{2}(?:\s|$)/iu.test(each)) break;
    digits += hexOf(each);
  }
  return digits;
}

/** Whether each line begins with an offset: the first with 0, and each with a larger one than the line before. */
function isDump(lines) {
  const said = lines.filter(line => line.trim());
  const offsets = said.map(line => Number.parseInt(DUMP_LINE.exec(line)?.[1], 16));
  return offsets[0] === 0 && ofDump(said[0]).trim() !== '' && offsets.every((offset, index) => index === 0 || offset > offsets[index - 1]);
}

/** The bytes of each line that has some. */
export function linesOf(text) {
  const lines = text.split('\n');
  const dumped = isDump(lines);
  return lines
    .map((line, index) => digitsOf(dumped ? ofDump(line) : line, index + 1))
    .filter(digits => digits.length > 0)
    .map(digits => Buffer.from(digits, 'hex'));
}

const starts = (bytes, ...heads) => heads.some(head => Buffer.from(head, 'hex').equals(bytes.subarray(0, head.length / 2)));

/** Why bytes of a file cannot be decoded, or null. */
export function foreign(bytes) {
  if (starts(bytes, 'd4c3b2a1', 'a1b2c3d4', '4d3cb2a1', 'a1b23c4d', '0a0d0d0a')) {
    return 'This is a recording of packets. Sessions are inside TLS, which this page cannot open: Wireshark can, with the ' +
      'dissector and the keys. Or hand this page the frames themselves, as a tap sees them.';
  }
  if (starts(bytes, '160301', '160302', '160303', '170303')) {
    return 'These are records of TLS, and what they carry is encrypted. This page reads what is inside: frames, as a tap ' +
      'sees them.';
  }
  return null;
}

/** What a file holds: text, or null if it is bytes. */
export function textIn(bytes) {
  if (bytes.some(byte => byte > 0x7e || (byte < 0x20 && ![0x09, 0x0a, 0x0d].includes(byte)))) return null;
  const text = bytes.toString();
  try {
    return linesOf(text).length > 0 ? text : null;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return null;
  }
}
