// What the check has the page that decodes do: it stands in the page, and has its reader alone.

/** Whether the reader and its rows agree with vectors: what does not, as texts. `alter` is a fault put in on purpose. */
function judge({ form, vectors }) {
  const { Buffer, cut, decode } = window.snowDist;
  const wrong = [];
  const hex = text => Buffer.from(text, 'hex');
  const join = segments => Buffer.concat(segments.map(each =>
    typeof each === 'string' ? hex(each) : Buffer.alloc((each.hex.length / 2) * each.times, hex(each.hex))));
  const sorted = value => JSON.stringify(value, (_, each) =>
    each && typeof each === 'object' && !Array.isArray(each) ? Object.fromEntries(Object.entries(each).sort()) : each);

  /** Rows of one depth follow each other from `start` to `end`. */
  function follow(rows, start, end) {
    let at = start;
    for (const row of rows) {
      if (row.at !== at) return false;
      at += row.length;
    }
    return at === end;
  }

  function rowsAreRight(rows, length) {
    const fields = rows.filter(({ depth }) => depth === 0);
    if (!follow(fields, 0, length)) return false;
    return rows.every((row, index) => {
      if (row.depth > 0) return true;
      const next = rows.findIndex((other, place) => place > index && other.depth === 0);
      const parts = rows.slice(index + 1, next < 0 ? undefined : next);
      return parts.length === 0 || follow(parts, row.at, row.at + row.length);
    });
  }

  function layoutIsRight({ layout = [] }, rows) {
    return layout.every(({ field, at, length }) => {
      const row = rows.find(each => each.depth === 0 && each.field === field);
      return row ? row.at === at && row.length === length : length === 0;
    });
  }

  // Of a term the reader names no part; behind an extension block it names the block.
  const isField = (said, { kind, field, layer }) =>
    layer === 'term' || said === field || field.startsWith(`${said}.`) || field.startsWith(`${said}[`) || kind === 'surplus';
  // The reader has words of its own for what ends before it begins, and for a key that no term can be.
  const isKind = (said, { kind, layer }) =>
    said === kind || (kind === 'truncated' && ['empty', 'not_a_signal'].includes(said)) || (layer === 'term' && said === 'unknown_term');
  // Of a name it says only that it is none.
  const isPlace = (said, { at, layer }) => said === at || layer === 'name';

  function reading(vector, bytes, strict, verdict) {
    const { error, json, rows } = decode(bytes, vector.kind, strict);
    const which = `${vector.id}, ${strict ? 'Strict' : 'Compatible'}`;
    if (verdict !== 'valid') {
      if (!error) wrong.push(`${which}: it is not refused`);
      else if (!isKind(error.kind, verdict) || !isField(error.field, verdict) || !isPlace(error.at, verdict)) {
        wrong.push(`${which}: ${error.kind} in ${error.field} at ${error.at}, not ${verdict.kind} in ${verdict.field} at ${verdict.at}`);
      }
      return;
    }
    if (error) {
      wrong.push(`${which}: it is refused`);
      return;
    }
    if (vector.value && sorted(json()) !== sorted(vector.value)) wrong.push(`${which}: another value, ${sorted(json())}`);
    if (!rowsAreRight(rows, bytes.length)) wrong.push(`${which}: rows do not follow each other`);
    if (!layoutIsRight(vector, rows)) wrong.push(`${which}: another layout`);
  }

  function stream({ id, bytes_max: max, chunks, payloads, remaining, error }) {
    const bytes = Buffer.concat(chunks.map(hex));
    const pieces = [...cut(bytes, max)];
    const end = pieces.pop();
    if (sorted(pieces.map(({ payload }) => payload.toString('hex'))) !== sorted(payloads)) wrong.push(`${id}: other payloads`);
    if (Boolean(end.error) !== (error !== null)) wrong.push(`${id}: another end`);
    if (error === null && bytes.subarray(end.at).toString('hex') !== remaining) wrong.push(`${id}: something else remains`);
  }

  for (const vector of vectors) {
    if (form === 'streams') stream(vector);
    else {
      const bytes = join(vector.hex);
      reading(vector, bytes, true, vector.strict);
      reading(vector, bytes, false, vector.compatible);
    }
  }
  return wrong;
}

/** Whether the page shows of each vector what it is: fields and values, or an error. */
function judgeShown({ vectors }, bytesMax) {
  const wrong = [];
  const at = id => document.getElementById(id);
  let count = 0;
  for (const vector of vectors) {
    if (!vector.hex.every(each => typeof each === 'string')) continue;
    const text = vector.hex.join('');
    if (text.length === 0 || text.length > 2 * bytesMax) continue;
    at('as').value = vector.kind;
    at('lengths').value = 'no';
    for (const [strict, verdict] of [[true, vector.strict], [false, vector.compatible]]) {
      count += 1;
      at('strict').checked = strict;
      at('input').value = text;
      at('input').dispatchEvent(new Event('input'));
      const cards = document.querySelectorAll('.message');
      const error = document.querySelector('.message .error');
      const rows = document.querySelectorAll('.message tr:not(:first-child)');
      if (cards.length !== 1 || rows.length === 0) wrong.push(`${vector.id}: ${cards.length} cards, ${rows.length} rows`);
      if ((verdict === 'valid') !== (error === null)) wrong.push(`${vector.id}: ${error ? 'an error is shown' : 'no error is shown'}`);
      if (error && !/^[a-z0-9 ]+ in [a-z_]+, at byte [0-9a-f]{6}: .* [A-Z]+-[A-Z]{3}-\d{3}$/u.test(error.textContent)) {
        wrong.push(`${vector.id}: ${error.textContent}`);
      }
      const tag = document.querySelector('.message h2').textContent;
      if (verdict === 'valid' && vector.value?.tag && tag !== vector.value.tag) wrong.push(`${vector.id}: shown as ${tag}`);
    }
  }
  return { count, wrong };
}

const SAY_MS_MAX = 30_000;

/** Waits for what the page says next, or until it has had its time. */
function nextSaid() {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, SAY_MS_MAX);
    const observer = new MutationObserver(() => {
      clearTimeout(timer);
      observer.disconnect();
      resolve();
    });
    observer.observe(document.getElementById('say'), { childList: true });
  });
}

/** What the page says of a file that is dropped: { said, tags }. */
async function dropFile(base64, name) {
  const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  document.getElementById('say').textContent = 'nothing';
  const said = nextSaid();
  document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  await said;
  const tags = [...document.querySelectorAll('.message h2')].map(each => each.textContent);
  return { said: document.getElementById('say').textContent, tags };
}

/** What the page shows of a text: { said, tags, errors }. */
function pasted(text) {
  const at = id => document.getElementById(id);
  for (const id of ['as', 'lengths']) at(id).value = 'detect';
  at('strict').checked = false;
  at('input').value = text;
  at('input').dispatchEvent(new Event('input'));
  const texts = selector => [...document.querySelectorAll(selector)].map(each => each.textContent);
  return { said: at('say').textContent, tags: texts('.message h2'), errors: texts('.message .error') };
}
