# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist_name
  title: "Snow DIST: node names"
  license: CC0-1.0
  ks-version: 0.11
  encoding: UTF-8
  imports:
    - snow_dist_field
doc: |
  A node name, which says who a node is and where it listens: name, "@", host, and perhaps ":" and a port. No frame or
  message is refused because of one (DIST-NAM-005), so no other file here uses this one.
doc-ref: dist.md#node-names
seq:
  - id: name_part
    type: part
    terminator: 0x40
    consume: false
    eos-error: false
    doc: The name, which ends at the first "@".
  - id: at_sign
    size: 1
    doc: The "@"; only at the end of the text there is none.
  - id: bracketed
    type: bracketed
    if: is_bracketed
    doc: The host, if it stands in brackets.
  - id: unbracketed
    type: unbracketed
    terminator: 0x3a
    consume: false
    eos-error: false
    if: not is_bracketed
    doc: The host, if it does not; it ends at a colon or with the text.
  - id: port_part
    type: port
    size-eos: true
    doc: A colon and the port, or nothing.
instances:
  ahead:
    pos: _io.pos
    size: '_io.eof ? 0 : 1'
    doc: The byte with which the host begins.
  is_bracketed:
    value: ahead == [0x5b]
    doc: Whether the host stands in brackets.
  name:
    value: name_part.text
    doc: The name.
  host:
    value: 'is_bracketed ? bracketed.text : unbracketed.text'
    doc: The host, with its brackets.
  port:
    value: port_part.number
    doc: The port.
types:
  part:
    doc: A text that is not empty and holds no control character.
    doc-ref: dist.md#node-names
    seq:
      - id: text
        type: str
        size-eos: true
        valid:
          expr: plain.parts.size > 0
        doc: The text. Asking for its parts has them read.
    instances:
      plain:
        pos: 0
        size-eos: true
        type: snow_dist_field::plain_text
        doc: The text once more.
  bracketed:
    doc: A host in brackets, inside which there is no "]".
    doc-ref: dist.md#node-names
    seq:
      - id: opening
        size: 1
        doc: The "[" (see is_bracketed).
      - id: inside
        type: part
        terminator: 0x5d
        consume: false
        eos-error: false
        doc: What stands in the brackets.
      - id: closing
        size: 1
        doc: The "]"; only at the end of the text there is none.
    instances:
      text:
        value: '"[" + inside.text + "]"'
        doc: The host with its brackets.
  unbracketed:
    doc: A host that holds no colon and no bracket.
    doc-ref: dist.md#node-names
    seq:
      - id: text
        type: str
        size-eos: true
        valid:
          expr: plain.parts.size > 0 and bytes.size > 0
        doc: The text. Asking for its parts and its bytes has them read.
    instances:
      plain:
        pos: 0
        size-eos: true
        type: snow_dist_field::plain_text
        doc: The text once more.
      bytes:
        pos: 0
        type: no_bracket
        repeat: eos
        doc: The text byte by byte.
  no_bracket:
    doc: A byte that is no bracket.
    doc-ref: dist.md#node-names
    seq:
      - id: byte
        type: u1
        valid:
          expr: _ != 0x5b and _ != 0x5d
        doc: The byte.
  port:
    doc: A colon and the port, or nothing.
    doc-ref: dist.md#node-names
    seq:
      - id: colon
        contents: ':'
        if: is_given
        doc: The ":".
      - id: digits
        type: digits
        size-eos: true
        if: is_given
        doc: The port.
    instances:
      is_given:
        value: _io.size > 0
        doc: Whether there is a port.
      port_default:
        value: 9000
        doc: What a name without port means (DIST-NAM-003).
      number:
        value: 'is_given ? digits.text.to_i : port_default'
        doc: The port.
  digits:
    doc: A number up to 65 535, in decimal without leading zeros.
    doc-ref: dist.md#node-names
    seq:
      - id: first
        type: digit
        doc: The first digit.
      - id: others
        type: digit
        repeat: eos
        doc: The others.
      - id: is_allowed
        size: 0
        valid:
          expr: (first.byte != 0x30 or others.size == 0) and text.to_i <= 0xffff
        doc: No byte; the rule.
    instances:
      text:
        pos: 0
        size-eos: true
        type: str
        doc: The digits once more.
  digit:
    doc: A decimal digit.
    doc-ref: dist.md#node-names
    seq:
      - id: byte
        type: u1
        valid:
          min: 0x30
          max: 0x39
        doc: The digit, in ASCII.
