# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist
  title: "Snow DIST: one direction of a connection"
  application: Snow
  license: CC0-1.0
  ks-version: 0.11
  endian: le
  imports:
    - snow_dist_frame
    - snow_dist_handshake
doc: |
  What one end of a connection writes, from the first byte inside TLS to the last one: the messages of the handshake,
  then frames. An initiator writes NAME and REPLY, an acceptor CHALLENGE and ACK, or REJECT in place of either and then
  nothing. A program that reads as the bytes arrive reads one `message`, `frame` or `packet` after the other.

  A stream that ends inside a length or a payload is incomplete, not wrong: the runtime finds that bytes are missing,
  and nothing is given for those that are there (DIST-FRM-009).
doc-ref: dist.md#framing
params:
  - id: strict
    type: bool
    doc: The Strict reading, or else the Compatible one.
seq:
  - id: handshake
    type: message(strict)
    repeat: until
    repeat-until: _.ends_handshake or _io.eof
    doc: The messages of the handshake.
  - id: frames
    type: frame(strict, frame_bytes_max)
    repeat: eos
    doc: The session.
instances:
  frame_bytes_max:
    value: 16777216
    doc: Bytes of a payload after the handshake, unless the other end has announced less.
types:
  packet:
    doc: A payload that is not looked into, and its length.
    doc-ref: dist.md#framing
    params:
      - id: bytes_max
        type: u4
        doc: The reader's frame limit.
    seq:
      - id: length
        type: length(bytes_max)
        doc: The length.
      - id: payload
        size: length.bytes
        doc: The payload, as it is.
  message:
    doc: A message of the handshake.
    doc-ref: handshake.md#messages
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: length
        type: length(handshake_bytes_max)
        doc: The length.
      - id: payload
        size: length.bytes
        type: snow_dist_handshake(strict)
        doc: The message.
    instances:
      handshake_bytes_max:
        value: 4096
        doc: Bytes of a payload during the handshake.
      ends_handshake:
        value: >-
          payload.tag == snow_dist_handshake::tag::reply
          or payload.tag == snow_dist_handshake::tag::ack
          or payload.tag == snow_dist_handshake::tag::reject
        doc: Whether its writer writes no other message.
  frame:
    doc: A frame of the session.
    doc-ref: dist.md#frames
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
      - id: bytes_max
        type: u4
        doc: The reader's frame limit.
    seq:
      - id: length
        type: length(bytes_max)
        doc: The length.
      - id: payload
        size: length.bytes
        type: snow_dist_frame(strict)
        doc: The payload.
  length:
    doc: The length of a payload, which does not count its own four bytes.
    doc-ref: dist.md#framing
    params:
      - id: bytes_max
        type: u4
        doc: The reader's frame limit.
    seq:
      - id: bytes
        type: u4
        valid:
          max: bytes_max
        doc: Bytes of the payload (DIST-FRM-001), at most the frame limit (DIST-FRM-002, DIST-FRM-003).
