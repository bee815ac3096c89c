// The values of the vectors as this node keeps them, and back: 64-bit numbers are decimal strings in JSON, bytes are
// hexadecimal (spec/vectors/README.md).

const SIXTY_FOUR = new Set([
  'ref', 'id', 'request', 'local', 'incarnation', 'number', 'capabilities', 'reassembly_bytes_max',
]);
const BYTES = new Set(['message', 'payload', 'arguments', 'digest', 'challenge', 'proof']);

const mapValues = (object, map) =>
  Object.fromEntries(Object.entries(object).map(([key, each]) => [key, map(each, key)]));

/** What this node has read, as a vector says it. */
export function toJson(value) {
  if (typeof value === 'bigint') return String(value);
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(each => toJson(each));
  if (value === null || typeof value !== 'object') return value;
  return mapValues(value, toJson);
}

/** What a vector says, as this node writes it. Numbers of 64 bits and bytes are known by their names. */
export function fromJson(value, key = '') {
  if (key === 'unknown') return mapValues(value, bytes => Buffer.from(bytes, 'hex'));
  if (Array.isArray(value)) return value.map(each => fromJson(each));
  if (value !== null && typeof value === 'object') {
    return mapValues(value, fromJson);
  }
  if (typeof value !== 'string') return value;
  if (SIXTY_FOUR.has(key)) return BigInt(value);
  return BYTES.has(key) ? Buffer.from(value, 'hex') : value;
}

/** A term as a vector says it. */
export function termToJson(term) {
  const { type } = term;
  if (type === 'true' || type === 'false') return { type: 'bool', value: type === 'true' };
  if (type === 'float') return { type, bits: term.bits.toString(16).padStart(16, '0') };
  const json = { ...term };
  if (type === 'int' || type === 'u64') json.value = String(term.value);
  if (type === 'bytes') json.value = term.value.toString('hex');
  if (['some', 'ok', 'err'].includes(type)) json.value = termToJson(term.value);
  if (term.values) json.values = term.values.map(termToJson);
  if (term.pairs) json.pairs = term.pairs.map(pair => pair.map(termToJson));
  if (term.fields) json.fields = term.fields.map(([name, value]) => [name, termToJson(value)]);
  return json;
}

export function termFromJson(json) {
  const { type } = json;
  if (type === 'bool') return { type: String(json.value) };
  if (type === 'float') return { type, bits: BigInt(`0x${json.bits}`) };
  const term = { ...json };
  if (type === 'int' || type === 'u64') term.value = BigInt(json.value);
  if (type === 'bytes') term.value = Buffer.from(json.value, 'hex');
  if (['some', 'ok', 'err'].includes(type)) term.value = termFromJson(json.value);
  if (json.values) term.values = json.values.map(termFromJson);
  if (json.pairs) term.pairs = json.pairs.map(pair => pair.map(termFromJson));
  if (json.fields) term.fields = json.fields.map(([name, value]) => [name, termFromJson(value)]);
  return term;
}
