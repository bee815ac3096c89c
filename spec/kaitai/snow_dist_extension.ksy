# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist_extension
  title: "Snow DIST: the extension block"
  license: CC0-1.0
  ks-version: 0.11
  endian: le
doc: |
  The place of the field `extension` in a message of the handshake: a block, or nothing. There is a block if the bytes
  there begin with the magic (HS-EXT-001). A message whose block is damaged is refused and no message of version 1
  (HS-EXT-010).
doc-ref: handshake.md#extension-block
seq:
  - id: block
    type: block
    if: is_present or is_cut
    doc: The block, if there is one. One that is cut ends inside its magic and so is refused (HS-EXT-002).
instances:
  ahead:
    pos: _io.pos
    size: '_io.size - _io.pos < 8 ? _io.size - _io.pos : 8'
    doc: Eight bytes at the place of the block, or as many as there are.
  is_present:
    value: ahead == [0xd1, 0x53, 0x4e, 0x4f, 0x57, 0x32, 0x0d, 0x0a]
    doc: Whether there is a block.
  is_cut:
    value: >-
      ahead == [0xd1]
      or ahead == [0xd1, 0x53]
      or ahead == [0xd1, 0x53, 0x4e]
      or ahead == [0xd1, 0x53, 0x4e, 0x4f]
      or ahead == [0xd1, 0x53, 0x4e, 0x4f, 0x57]
      or ahead == [0xd1, 0x53, 0x4e, 0x4f, 0x57, 0x32]
      or ahead == [0xd1, 0x53, 0x4e, 0x4f, 0x57, 0x32, 0x0d]
    doc: Whether the message ends inside the magic.
types:
  block:
    doc: An extension block.
    doc-ref: handshake.md#extension-block
    seq:
      - id: magic
        size: 8
        doc: The magic, or less of it (see is_present and is_cut); then the block ends here and is refused.
      - id: len_tlvs
        type: u2
        valid:
          expr: _ <= extension_bytes_max - 10 and _ <= _io.size - _io.pos
        doc: |
          Bytes of all TLVs together, which with magic and count are at most 2 048 (HS-EXT-003), and no more than the
          message still has (DIST-FLD-004).
      - id: tlvs
        type: tlvs
        size: len_tlvs
        doc: The TLVs.
    instances:
      extension_bytes_max:
        value: 2048
        doc: Bytes of a block, magic and count included.
  tlvs:
    doc: TLVs that fill the block (HS-EXT-004).
    doc-ref: handshake.md#extension-block
    seq:
      - id: elements
        type: 'tlv(_index == 0 ? -1 : elements[_index - 1].extension_type.to_i)'
        repeat: eos
        doc: None or more.
  tlv:
    doc: One extension.
    doc-ref: handshake.md#extension-types
    params:
      - id: previous
        type: s4
        doc: The type of the TLV before it, or -1.
    seq:
      - id: extension_type
        type: u2
        enum: extension_type
        valid:
          expr: _.to_i > previous and _.to_i < extension_mandatory_from
        doc: |
          What it is: greater than the one before (HS-EXT-005), and below 8000, for there is none in the table from
          there on (HS-EXT-007).
      - id: len_value
        type: u2
        valid:
          expr: is_len_of_type and _ <= _io.size - _io.pos
        doc: Bytes of the value, as the table has them (HS-TLV-001), and no more than the block still has (HS-EXT-004).
      - id: value
        size: len_value
        type:
          switch-on: extension_type
          cases:
            extension_type::versions: versions
            extension_type::capabilities: bits
            extension_type::incarnation: incarnation
            extension_type::frame_bytes_max: bound4
            extension_type::reassembly_bytes_max: bound8
            extension_type::fragmented_messages_max: bound4
            extension_type::node_table_entries_max: bound4
            extension_type::links_and_monitors_max: bound4
        doc: The value; of an unknown type, its bytes, which are not judged (HS-EXT-006).
    instances:
      extension_mandatory_from:
        value: 0x8000
        doc: Unknown types from here on are refused.
      versions_max:
        value: 16
        doc: Versions in a block.
      is_len_of_type:
        value: >-
          has_versions ? len_value % 2 == 0 and len_value >= 2 and len_value <= versions_max * 2
          : has_u8 ? len_value == 8
          : has_u4 ? len_value == 4
          : true
        doc: Whether the table allows the length.
      has_versions:
        value: extension_type == extension_type::versions
        doc: Whether the value is a list of u16.
      has_u8:
        value: >-
          extension_type == extension_type::capabilities
          or extension_type == extension_type::incarnation
          or extension_type == extension_type::reassembly_bytes_max
        doc: Whether the value is a u64.
      has_u4:
        value: >-
          extension_type == extension_type::frame_bytes_max
          or extension_type == extension_type::fragmented_messages_max
          or extension_type == extension_type::node_table_entries_max
          or extension_type == extension_type::links_and_monitors_max
        doc: Whether the value is a u32.
  versions:
    doc: The versions from 2 on that the writer speaks.
    doc-ref: handshake.md#extension-types
    seq:
      - id: elements
        type: 'version(_index == 0 ? 1 : elements[_index - 1].number)'
        repeat: eos
        doc: The versions.
  version:
    doc: A version of the protocol.
    doc-ref: handshake.md#extension-types
    params:
      - id: previous
        type: u2
        doc: The version before it, or 1.
    seq:
      - id: number
        type: u2
        valid:
          expr: _ > previous
        doc: At least 2, and strictly ascending (HS-TLV-002).
  bits:
    doc: What the writer can do. Bits without a name are accepted (HS-TLV-003).
    doc-ref: handshake.md#extension-types
    seq:
      - id: number
        type: u8
        doc: A set of bits; the enum `capability` names them, bit 0 being the least significant.
  incarnation:
    doc: The writer's present start.
    doc-ref: handshake.md#extension-types
    seq:
      - id: number
        type: u8
        valid:
          expr: _ != 0
        doc: Not 0 (HS-TLV-002).
  bound4:
    doc: A bound that the writer announces. Every one is allowed.
    doc-ref: handshake.md#extension-types
    seq:
      - id: number
        type: u4
        doc: The bound.
  bound8:
    doc: A bound that the writer announces. Every one is allowed.
    doc-ref: handshake.md#extension-types
    seq:
      - id: number
        type: u8
        doc: The bound.
enums:
  extension_type:
    0x0001: versions
    0x0002: capabilities
    0x0003: incarnation
    0x0004: frame_bytes_max
    0x0005: reassembly_bytes_max
    0x0006: fragmented_messages_max
    0x0007: node_table_entries_max
    0x0008: links_and_monitors_max
  capability:
    0: node_table
    1: fragments
    2: remote_exit
    3: send_term
    4: calls
    5: names
    6: terms_2
