# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist_handshake
  title: "Snow DIST: the payload of a handshake message"
  license: CC0-1.0
  ks-version: 0.11
  endian: le
  imports:
    - snow_dist_extension
    - snow_dist_field
doc: |
  A message before the first frame, from its tag on; the length before it is in snow_dist.ksy. What stands in creation,
  digest, challenge, proof and code is not judged here, nor whether the message is the one that is due.
doc-ref: handshake.md#messages
params:
  - id: strict
    type: bool
    doc: The Strict reading, or else the Compatible one.
seq:
  - id: tag
    type: u1
    enum: tag
    valid:
      in-enum: true
    doc: Which message it is. Others are refused in both readings (HS-MSG-001), and so is no byte at all (DIST-FRM-005).
  - id: fields
    type:
      switch-on: tag
      cases:
        tag::name: name(strict)
        tag::challenge: challenge(strict)
        tag::reply: reply(strict)
        tag::ack: ack(strict)
        tag::reject: reject(strict)
    doc: The fields of the tag's table.
types:
  name:
    doc: The initiator says who it is.
    doc-ref: handshake.md#name
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: node_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The initiator's node name, not held against the grammar of node names.
      - id: creation
        type: u1
        doc: Which of its starts this is, as far as 8 bits can say.
      - id: extension
        type: snow_dist_extension
        doc: The extension block, in version 2.
      - id: trailing
        type: snow_dist_field::surplus(strict or extension.is_present)
        doc: Surplus of a message without a block (HS-MSG-002). Nothing follows a block (HS-EXT-009).
      - id: beside_block
        type: name_beside_block
        if: extension.is_present
        doc: No byte; what a block asks of the name.
  challenge:
    doc: The acceptor says who it is, and challenges the initiator.
    doc-ref: handshake.md#challenge
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: node_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The acceptor's node name, not held against the grammar of node names.
      - id: creation
        type: u1
        doc: As in NAME.
      - id: challenge
        size: 32
        doc: The challenge cA.
      - id: extension
        type: snow_dist_extension
        doc: The extension block, in version 2.
      - id: trailing
        type: snow_dist_field::surplus(strict or extension.is_present)
        doc: Surplus of a message without a block (HS-MSG-002). Nothing follows a block (HS-EXT-009).
      - id: beside_block
        type: name_beside_block
        if: extension.is_present
        doc: No byte; what a block asks of the name.
  reply:
    doc: The initiator answers the acceptor's challenge, and challenges the acceptor.
    doc-ref: handshake.md#reply
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: digest
        size: 32
        doc: In version 1 the digest of cA (HS-DIG-001), in version 2 zero (HS-DIG-002).
      - id: challenge
        size: 32
        doc: The challenge cI.
      - id: extension
        type: snow_dist_extension
        doc: The extension block, in version 2.
      - id: proof
        size: 32
        if: extension.is_present
        doc: Only after an extension block, proofI (HS-PRF-001, HS-PRF-002).
      - id: trailing
        type: snow_dist_field::surplus(strict or extension.is_present)
        doc: Surplus of a message without a block (HS-MSG-002). Nothing follows a proof (HS-PRF-001).
  ack:
    doc: The acceptor answers the initiator's challenge; the handshake is over.
    doc-ref: handshake.md#ack
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: digest
        size: 32
        doc: In version 1 the digest of cI (HS-DIG-001), in version 2 zero (HS-DIG-002).
      - id: extension
        type: snow_dist_extension
        doc: The extension block, in version 2.
      - id: proof
        size: 32
        if: extension.is_present
        doc: Only after an extension block, proofA (HS-PRF-001, HS-PRF-003).
      - id: trailing
        type: snow_dist_field::surplus(strict or extension.is_present)
        doc: Surplus of a message without a block (HS-MSG-002). Nothing follows a proof (HS-PRF-001).
  reject:
    doc: The acceptor ends the handshake and says why, as a hint for the initiator's log.
    doc-ref: handshake.md#reject
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: code
        type: u2
        enum: reject_code
        doc: Why. Codes that are not listed are given too (HS-REJ-002).
      - id: text
        type: snow_dist_field::str16
        valid:
          expr: _.len_text <= reject_text_bytes_max
        doc: A line for a log, at most 255 bytes (HS-REJ-001).
      - id: trailing
        type: snow_dist_field::surplus(strict)
        doc: Surplus (HS-MSG-002).
    instances:
      reject_text_bytes_max:
        value: 255
        doc: Bytes of the text of a REJECT.
  name_beside_block:
    doc: |
      The name of a NAME or CHALLENGE with an extension block has at most 255 bytes and holds no control character
      (HS-NAM-001). This type takes no byte: it looks back at the name.
    doc-ref: handshake.md#name
    seq:
      - id: is_allowed
        size: 0
        valid:
          expr: len_name <= node_name_bytes_max and plain.parts.size <= len_name
        doc: No byte; the rule. Asking for the parts of the plain name has them read.
    instances:
      node_name_bytes_max:
        value: 255
        doc: Bytes of a node name beside a block.
      len_name:
        pos: 1
        type: u2
        doc: The length of the name, which stands after the tag.
      plain:
        pos: 3
        size: len_name
        type: snow_dist_field::plain_text
        doc: The name once more.
enums:
  tag:
    0x01: name
    0x02: challenge
    0x03: reply
    0x04: ack
    0x05: reject
  reject_code:
    1: version
    2: busy
    3: malformed
    4: refused
    5: duplicate
    6: name
    7: bounds
