# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist_field
  title: "Snow DIST: what fields are made of"
  license: CC0-1.0
  ks-version: 0.11
  endian: le
  encoding: UTF-8
doc: |
  Types that stand in frames, handshake messages, signals, reasons and terms alike. All integers are unsigned with the
  least significant byte first; nothing is padded (DIST-FLD-001, DIST-FLD-002). Bytes that end inside a field are
  refused by the runtime, which finds no more of them (DIST-FLD-003).

  Text is well-formed UTF-8 (DIST-FLD-007) and kept as it is (DIST-FLD-008). That rests on the decoder of the runtime:
  some replace what is wrong or leave out a byte order mark instead. README.md says what to do there.
doc-ref: dist.md#conventions
types:
  pid:
    doc: |
      A process identifier. Every value is one (DIST-PID-001). It is a u64 in three parts; the parts are read one by
      one because not every runtime has 64 unsigned bits.
    doc-ref: dist.md#pids
    seq:
      - id: local_low
        type: u4
        doc: Bits 31 to 0 of the local id.
      - id: local_high
        type: u1
        doc: Bits 39 to 32 of the local id.
      - id: creation
        type: u1
        doc: Which start of its node the process belongs to, as far as 8 bits can say.
      - id: node
        type: u2
        doc: Node id, the number that the writer gave to the process's node; 0 is the writer itself.
    instances:
      local_id:
        -orig-id: local
        value: local_high * 0x1_0000_0000 + local_low
        doc: The number of the process on its node.
      text_form:
        value: >-
          node == 0 and creation == 0
          ? "<0." + local_id.to_s + ">"
          : "<" + node.to_s + "." + local_id.to_s + "." + creation.to_s + ">"
        doc: The pid as people and logs write it (DIST-PID-002).
  str16:
    doc: A text of at most 65 535 bytes.
    doc-ref: dist.md#conventions
    seq:
      - id: len_text
        type: u2
        valid:
          max: _io.size - _io.pos
        doc: Bytes of the text, no more than the payload still has (DIST-FLD-004).
      - id: text
        type: str
        size: len_text
        doc: The text (DIST-FLD-007, DIST-FLD-008).
  str32:
    doc: A text of at most 4 294 967 295 bytes.
    doc-ref: dist.md#conventions
    seq:
      - id: len_text
        type: u4
        valid:
          max: _io.size - _io.pos
        doc: Bytes of the text, no more than the payload still has (DIST-FLD-004).
      - id: text
        type: str
        size: len_text
        doc: The text (DIST-FLD-007, DIST-FLD-008).
  str64:
    doc: A text whose length is a u64; it occurs in reasons only.
    doc-ref: dist.md#conventions
    seq:
      - id: len_text
        type: u8
        valid:
          max: _io.size - _io.pos
        doc: Bytes of the text, no more than the payload still has (DIST-FLD-004); it can promise 2^64 - 1.
      - id: text
        type: str
        size: len_text
        doc: The text (DIST-FLD-007, DIST-FLD-008).
  plain_text:
    doc: All bytes up to the end, of which none belongs to a control character (U+0000 to U+001F, U+007F to U+009F).
    doc-ref: dist.md#node-names
    seq:
      - id: parts
        type: plain_part
        repeat: eos
        doc: The bytes.
  plain_part:
    doc: |
      One byte of a text in UTF-8, or the two bytes of a character from U+0080 to U+00BF. The controls of U+0080 to
      U+009F are those of the latter whose second byte is below A0.
    doc-ref: dist.md#node-names
    seq:
      - id: first
        type: u1
        valid:
          expr: _ >= 0x20 and _ != 0x7f
        doc: No control of ASCII.
      - id: second
        type: u1
        if: first == 0xc2
        valid:
          min: 0xa0
        doc: No control behind ASCII.
  surplus:
    doc: |
      What is left after the last field: ignored in the Compatible reading (DIST-RDG-001), refused in the Strict one
      (DIST-RDG-002).
    doc-ref: dist.md#two-readings
    params:
      - id: is_refused
        type: bool
        doc: Whether there may be none.
    seq:
      - id: bytes
        size-eos: true
        valid:
          expr: not is_refused or _.length == 0
        doc: The bytes.
