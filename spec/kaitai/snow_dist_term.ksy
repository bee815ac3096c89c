# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist_term
  title: "Snow DIST: the term format (STF)"
  license: CC0-1.0
  ks-version: 0.11
  endian: le
  encoding: UTF-8
  imports:
    - snow_dist_field
doc: A value laid out so that any program can read it; SEND_TERM carries one.
doc-ref: stf.md#layout
params:
  - id: strict
    type: bool
    doc: The Strict reading, or else the Compatible one.
  - id: second_kind
    type: bool
    doc: A reader of the second kind of terms, as in sessions with the capability terms_2, or else one of the first.
seq:
  - id: version
    type: u1
    valid: 0x01
    doc: The version of the format (STF-VER-001).
  - id: value
    type: value(term_depth_max)
    doc: The value.
  - id: trailing
    type: snow_dist_field::surplus(strict)
    doc: Bytes after the value (STF-VER-002).
instances:
  term_depth_max:
    value: 64
    doc: Levels of a term, unless the program that reads it sets another limit (STF-DEP-001, STF-DEP-002).
types:
  value:
    doc: A value with its type tag.
    doc-ref: stf.md#layout
    params:
      - id: depth_left
        type: u1
        doc: How many levels there may be from this one on.
    seq:
      - id: is_allowed
        size: 0
        valid:
          expr: depth_left > 0
        doc: No byte; the limit of depth (STF-DEP-001).
      - id: tag
        type: u1
        enum: tag
        valid:
          in-enum: true
        doc: The type (STF-TAG-001).
      - id: is_of_the_kind
        size: 0
        valid:
          expr: _root.second_kind or (tag != tag::bytes and tag != tag::u64 and tag != tag::variant)
        doc: No byte; a reader of the first kind knows no other types (STF-TAG-001).
      - id: data
        type:
          switch-on: tag
          cases:
            tag::int: int64
            tag::float: float64
            tag::string: text
            tag::bytes: blob
            tag::u64: uint64
            tag::list: list(depth_left - 1)
            tag::map: pairs(depth_left - 1)
            tag::set: list(depth_left - 1)
            tag::tuple: tuple(depth_left - 1)
            tag::struct: record(depth_left - 1)
            tag::sum: sum(depth_left - 1)
            tag::variant: variant(depth_left - 1)
            tag::pid: snow_dist_field::pid
            tag::some: value(depth_left - 1)
            tag::ok: value(depth_left - 1)
            tag::err: value(depth_left - 1)
            tag::closure: closure
        doc: The data of the type; nothing for true, false, unit and none.
  int64:
    doc: An integer.
    doc-ref: stf.md#layout
    seq:
      - id: number
        type: s8
        doc: The number, in two's complement.
  float64:
    doc: A float.
    doc-ref: stf.md#layout
    seq:
      - id: number
        type: f8
        doc: An IEEE 754 binary64; all patterns of its bits are accepted and given unchanged (STF-NUM-001).
  text:
    doc: A string.
    doc-ref: stf.md#layout
    seq:
      - id: len_text
        type: u4
        valid:
          expr: _ <= term_string_bytes_max and _ <= _io.size - _io.pos
        doc: Bytes of the string, at most 16 777 216 (STF-STR-001), and no more than are left (DIST-FLD-004).
      - id: text
        type: str
        size: len_text
        doc: The string (DIST-FLD-007, DIST-FLD-008).
    instances:
      term_string_bytes_max:
        value: 16777216
        doc: Bytes of a string in a term.
  blob:
    doc: Bytes of any content (STF-BYT-002).
    doc-ref: stf.md#the-second-kind
    seq:
      - id: len_bytes
        type: u4
        valid:
          expr: _ <= term_bytes_max and _ <= _io.size - _io.pos
        doc: How many bytes, at most 16 777 216 (STF-BYT-001), and no more than are left (DIST-FLD-004).
      - id: bytes
        size: len_bytes
        doc: The bytes.
    instances:
      term_bytes_max:
        value: 16777216
        doc: Bytes that stand in a term as bytes.
  uint64:
    doc: An integer from 2^63 on.
    doc-ref: stf.md#the-second-kind
    seq:
      - id: number
        type: u8
        doc: The number.
      - id: is_large
        size: 0
        valid:
          expr: number >= 0x8000000000000000
        doc: No byte; what is below is an int (STF-INT-001).
  count:
    doc: The count of a list, a map or a set.
    doc-ref: stf.md#layout
    params:
      - id: bytes_each
        type: u1
        doc: How many bytes each takes at least.
    seq:
      - id: number
        type: u4
        valid:
          expr: _ <= term_elements_max and _ * bytes_each <= _io.size - _io.pos
        doc: At most 1 000 000 (STF-CNT-001), and no more than the bytes that are left can hold (DIST-FLD-004).
    instances:
      term_elements_max:
        value: 1000000
        doc: Elements of a list or set, pairs of a map.
  list:
    doc: A list or a set. Its elements can be of different types (STF-LST-001), in any order, and repeat (STF-MAP-003).
    doc-ref: stf.md#layout
    params:
      - id: depth_left
        type: u1
        doc: How many levels there may be in it.
    seq:
      - id: count
        type: count(1)
        doc: How many there are.
      - id: elements
        type: value(depth_left)
        repeat: expr
        repeat-expr: count.number
        doc: The elements.
  pairs:
    doc: A map. Its keys can stand in any order and repeat (STF-MAP-003).
    doc-ref: stf.md#layout
    params:
      - id: depth_left
        type: u1
        doc: How many levels there may be in it.
    seq:
      - id: key_type
        type: u1
        enum: key_type
        valid:
          in-enum: true
        doc: Of which type all keys are (STF-MAP-001).
      - id: count
        type: count(2)
        doc: How many pairs there are.
      - id: elements
        type: pair(key_type, depth_left)
        repeat: expr
        repeat-expr: count.number
        doc: The pairs.
  pair:
    doc: A key and its value.
    doc-ref: stf.md#layout
    params:
      - id: key_type
        type: u1
        enum: key_type
        doc: Of which type the key is.
      - id: depth_left
        type: u1
        doc: How many levels there may be in it.
    seq:
      - id: key
        type: value(depth_left)
        valid:
          expr: 'key_type == key_type::int ? (_.tag == tag::int or _.tag == tag::u64) : _.tag == tag::string'
        doc: The key (STF-MAP-002, STF-INT-002).
      - id: value
        type: value(depth_left)
        doc: The value.
  tuple:
    doc: A tuple.
    doc-ref: stf.md#layout
    params:
      - id: depth_left
        type: u1
        doc: How many levels there may be in it.
    seq:
      - id: num_elements
        type: u1
        valid:
          max: _io.size - _io.pos
        doc: How many values there are; each takes at least one byte of those that are left (DIST-FLD-004).
      - id: elements
        type: value(depth_left)
        repeat: expr
        repeat-expr: num_elements
        doc: The values.
  record:
    doc: A struct. Its fields can stand in any order and repeat (STF-MAP-003).
    doc-ref: stf.md#layout
    params:
      - id: depth_left
        type: u1
        doc: How many levels there may be in it.
    seq:
      - id: type_name
        type: snow_dist_field::str16
        doc: The name of the type.
      - id: num_fields
        type: u2
        valid:
          expr: _ * 3 <= _io.size - _io.pos
        doc: How many fields there are; each takes at least 3 bytes of those that are left (DIST-FLD-004).
      - id: fields
        type: field(depth_left)
        repeat: expr
        repeat-expr: num_fields
        doc: The fields.
  field:
    doc: A field of a struct or a variant.
    doc-ref: stf.md#layout
    params:
      - id: depth_left
        type: u1
        doc: How many levels there may be in it.
    seq:
      - id: field_name
        type: snow_dist_field::str16
        doc: The name of the field.
      - id: value
        type: value(depth_left)
        doc: Its value.
  variant:
    doc: A variant of a sum type by its name. Its fields can stand in any order and repeat (STF-VAR-001).
    doc-ref: stf.md#the-second-kind
    params:
      - id: depth_left
        type: u1
        doc: How many levels there may be in it.
    seq:
      - id: type_name
        type: snow_dist_field::str16
        doc: The name of the sum type.
      - id: variant_name
        type: snow_dist_field::str16
        doc: The name of the variant.
      - id: num_fields
        type: u2
        valid:
          expr: _ * 3 <= _io.size - _io.pos
        doc: How many fields there are; each takes at least 3 bytes of those that are left (DIST-FLD-004).
      - id: fields
        type: field(depth_left)
        repeat: expr
        repeat-expr: num_fields
        doc: The fields.
  sum:
    doc: A variant of a sum type by its number.
    doc-ref: stf.md#layout
    params:
      - id: depth_left
        type: u1
        doc: How many levels there may be in it.
    seq:
      - id: type_name
        type: snow_dist_field::str16
        doc: The name of the sum type.
      - id: number
        type: u1
        doc: Which variant of the type it is, counted from 0.
      - id: num_elements
        type: u2
        valid:
          max: _io.size - _io.pos
        doc: How many values it holds; each takes at least one byte of those that are left (DIST-FLD-004).
      - id: elements
        type: value(depth_left)
        repeat: expr
        repeat-expr: num_elements
        doc: The values.
  closure:
    doc: A function, which no term can hold.
    doc-ref: stf.md#layout
    seq:
      - id: is_allowed
        size: 0
        valid:
          expr: false
        doc: No byte; the rule (STF-TAG-002).
enums:
  tag:
    0x01: int
    0x02: float
    0x03:
      id: is_true
      -orig-id: 'true'
    0x04:
      id: is_false
      -orig-id: 'false'
    0x05: string
    0x06: unit
    0x07: bytes
    0x08: u64
    0x0a: list
    0x0b: map
    0x0c: set
    0x0d: tuple
    0x14: struct
    0x15: sum
    0x16: variant
    0x1e: pid
    0x28: some
    0x29: none
    0x2a: ok
    0x2b: err
    0xff: closure
  key_type:
    0: int
    1: string
