// SPDX-License-Identifier: CC0-1.0
//
// What the grammar has read, in the form in which the vectors have it.

/** @returns functions from what the classes have read to the values of vectors, one for each kind of vector. */
export function values(grammar, classes) {
  const { snow_dist_field: Field, snow_dist_reason: Reason, snow_dist_frame: Frame } = classes;

  const forms = new Map([
    [Field.Pid, pid],
    [Field.Str16, (it) => it.text],
    [Field.Str32, (it) => it.text],
    [Reason, reason],
    [classes.snow_dist_extension, (it) => it.block && block(it.block)],
    [Frame.Names, (it) => it.elements.map(form)],
    [Frame.Entries, (it) => it.elements.map((entry) => record(entry, grammar.snow_dist_frame.types.entry))],
  ]);

  function form(it) {
    if (it instanceof Uint8Array) return hex(it);
    if (typeof it === 'bigint') return String(it);
    return typeof it === 'object' ? forms.get(it.constructor)(it) : it;
  }

  // The fields of the table: those that are there, under the name that the table gives them.
  function record(it, { seq }) {
    const given = seq.filter((field) => it[lowerCamel(field.id)] !== undefined && isField(field));
    const pairs = given.map((field) => [field['-orig-id'] ?? field.id, form(it[lowerCamel(field.id)])]);
    return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
  }

  function frame(it) {
    const trailing = hex(it.trailing.bytes);
    if (it.isEmpty) return { tag: 'EMPTY', fields: {}, trailing };
    if (it.fields instanceof Frame.Unknown) {
      return { tag: 'UNKNOWN', fields: { code: it.tag, payload: hex(it.fields.payload) }, trailing };
    }
    return { ...message(it, grammar.snow_dist_frame), trailing };
  }

  function handshake(it) {
    return { ...message(it, grammar.snow_dist_handshake), trailing: hex(it.fields.trailing.bytes) };
  }

  function signal(it) {
    return { ...message(it, grammar.snow_dist_signal), trailing: hex(it.trailing.bytes) };
  }

  function message(it, spec) {
    const tag = spec.enums.tag[it.tag];
    const type = spec.seq.find((field) => field.id === 'fields').type.cases[`tag::${tag}`];
    return { tag: tag.toUpperCase(), fields: record(it.fields, spec.types[type.replace(/\(.*/, '')]) };
  }

  function reason({ parts }) {
    const hops = parts.slice(0, -1).map((part) => pid(part.data));
    return hops.length ? { kind: 'linked', hops, root: root(parts.at(-1)) } : root(parts.at(-1));
  }

  function root({ tag, data, unknown }) {
    if (unknown) return { kind: 'unknown', code: tag, payload: hex(unknown.payload) };
    const kind = grammar.snow_dist_reason.enums.tag[tag];
    return data ? { kind, text: data.text } : { kind };
  }

  function block({ tlvs }) {
    const names = grammar.snow_dist_extension.enums.extension_type;
    const known = {};
    const unknown = {};
    for (const { extensionType, value } of tlvs.elements) {
      if (value instanceof Uint8Array) unknown[extensionType] = hex(value);
      else known[names[extensionType]] = value.elements?.map((it) => it.number) ?? form(value.number);
    }
    return Object.keys(unknown).length ? { ...known, unknown } : known;
  }

  function term({ tag, data }) {
    const name = grammar.snow_dist_term.enums.tag[tag];
    const type = name['-orig-id'] ?? name;
    const all = (list) => list.map(term);
    const named = (fields) => fields.map(({ fieldName, value }) => [fieldName.text, term(value)]);
    switch (type) {
      case 'true':
      case 'false':
        return { type: 'bool', value: type === 'true' };
      case 'int':
        return { type, value: String(data.number) };
      case 'float':
        return { type, bits: data.number.toString(16).padStart(16, '0') };
      case 'string':
        return { type, value: data.text };
      case 'bytes':
        return { type, value: hex(data.bytes) };
      case 'u64':
        return { type, value: String(data.number) };
      case 'list':
      case 'set':
      case 'tuple':
        return { type, values: all(data.elements) };
      case 'map': {
        const keys = grammar.snow_dist_term.enums.key_type[data.keyType];
        return { type, keys, pairs: data.elements.map(({ key, value }) => [term(key), term(value)]) };
      }
      case 'struct':
        return { type, name: data.typeName.text, fields: named(data.fields) };
      case 'variant':
        return { type, name: data.typeName.text, variant: data.variantName.text, fields: named(data.fields) };
      case 'sum':
        return { type, name: data.typeName.text, variant: data.number, values: all(data.elements) };
      case 'pid':
        return { type, value: pid(data) };
      case 'some':
      case 'ok':
      case 'err':
        return { type, value: term(data) };
      default:
        return { type };
    }
  }

  const piece = (value, trailing) => ({ value, trailing: hex(trailing.bytes) });
  return {
    frame,
    handshake,
    signal,
    reason: (it, trailing) => piece(reason(it), trailing),
    pid: (it, trailing) => piece(pid(it), trailing),
    name: ({ name, host, port }, trailing) => piece({ name, host, port }, trailing),
    term: (it) => piece(term(it.value), it.trailing),
    term_2: (it) => piece(term(it.value), it.trailing),
  };
}

function pid({ node, creation, localId }) {
  return { node, creation, local: localId };
}

// What holds a rule and no byte, or surplus, is no field of a table.
function isField({ id, size, type }) {
  return size !== 0 && id !== 'trailing' && type !== 'name_beside_block';
}

function lowerCamel(id) {
  return id.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

export function hex(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
