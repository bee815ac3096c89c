# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist_signal
  title: "Snow DIST: mailbox signals"
  license: CC0-1.0
  ks-version: 0.11
  endian: le
  encoding: UTF-8
  imports:
    - snow_dist_field
    - snow_dist_reason
doc: |
  What a node puts into a process's mailbox of its own accord, where it hands signals to programs as bytes
  (DIST-SIG-001). It is never sent as such.
doc-ref: dist.md#mailbox-signals
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
    doc: The least significant byte of the type (DIST-SIG-003).
  - id: tag_rest
    contents: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
    doc: The other bytes of the type, the same in all (DIST-SIG-003).
  - id: fields
    type:
      switch-on: tag
      cases:
        tag::exit: exit(strict)
        tag::down: down(strict)
        tag::nodedown: node
        tag::nodeup: node
        tag::spawn_reply: spawn_reply
    doc: The fields of the signal's table.
  - id: trailing
    type: snow_dist_field::surplus(strict)
    doc: Surplus. A text or a reason that was kept leaves none.
types:
  exit:
    doc: A linked process has ended, or a process has sent an exit signal.
    doc-ref: dist.md#mailbox-signals
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that ended or sent the signal.
      - id: reason
        type: snow_dist_reason(strict)
        doc: Why.
  down:
    doc: A monitored process has ended, or does not exist.
    doc-ref: dist.md#mailbox-signals
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: monitor_ref
        -orig-id: ref
        type: u8
        doc: The monitor's number.
      - id: monitored
        type: snow_dist_field::pid
        doc: The monitored process.
      - id: reason
        type: snow_dist_reason(strict)
        doc: Why.
  node:
    doc: The session with a node has begun or has ended.
    doc-ref: dist.md#mailbox-signals
    seq:
      - id: node
        type: str
        size-eos: true
        doc: The node's name (DIST-FLD-007, DIST-FLD-008).
  spawn_reply:
    doc: What became of a SPAWN.
    doc-ref: dist.md#mailbox-signals
    seq:
      - id: request
        type: u8
        doc: The number that SPAWN gave.
      - id: status
        type: u1
        doc: As in the frame SPAWN_REPLY.
      - id: local_id
        -orig-id: local
        type: u8
        doc: As in the frame SPAWN_REPLY.
enums:
  tag:
    0xff: exit
    0xfe: down
    0xfd: nodedown
    0xfc: nodeup
    0xfb: spawn_reply
