# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist_reason
  title: "Snow DIST: exit reasons"
  license: CC0-1.0
  ks-version: 0.11
  endian: le
  imports:
    - snow_dist_field
doc: |
  Why a process ended: any number of hops, each the tag 03 and a pid, then one root, which has any other tag. It is
  flat, so that a million hops need no million calls (DIST-RSN-001). A reason is the last field of what it stands in.
doc-ref: dist.md#exit-reasons
params:
  - id: strict
    type: bool
    doc: The Strict reading, or else the Compatible one.
seq:
  - id: parts
    type: part(strict)
    repeat: until
    repeat-until: _.tag != tag::linked
    doc: The hops, and the root as the last one.
instances:
  root:
    value: parts.last
    doc: Why the last process of the chain ended.
types:
  part:
    doc: A hop or the root.
    doc-ref: dist.md#exit-reasons
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: tag
        type: u1
        enum: tag
        doc: What the part is.
      - id: data
        type:
          switch-on: tag
          cases:
            tag::error: snow_dist_field::str64
            tag::linked: snow_dist_field::pid
            tag::custom: snow_dist_field::str64
        doc: The text, or the process that ended and was linked with the one before it; nothing for the other tags.
      - id: unknown
        type: unknown_root(strict)
        if: tag.to_i > tag::noconnection.to_i
        doc: What follows a tag above 6.
  unknown_root:
    doc: |
      A root of a later version: kept in the Compatible reading (DIST-RSN-002), refused in the Strict one
      (DIST-RSN-003).
    doc-ref: dist.md#exit-reasons
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: is_kept
        size: 0
        valid:
          expr: not strict
        doc: No byte; the rule.
      - id: payload
        size-eos: true
        doc: All bytes up to the end of the payload.
enums:
  tag:
    0x00: normal
    0x01: error
    0x02: killed
    0x03: linked
    0x04: shutdown
    0x05: custom
    0x06: noconnection
