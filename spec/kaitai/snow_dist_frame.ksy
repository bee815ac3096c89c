# SPDX-License-Identifier: CC0-1.0
meta:
  id: snow_dist_frame
  title: "Snow DIST: the payload of a frame"
  license: CC0-1.0
  ks-version: 0.11
  endian: le
  imports:
    - snow_dist_field
    - snow_dist_reason
doc: |
  A payload of a session, from its tag on; the length before it is in snow_dist.ksy. The names of fields are those of
  the tables in dist.md; where a language has another use for such a name, `-orig-id` keeps it. No pid, number, code,
  or opaque content is judged (DIST-FLD-005).
doc-ref: dist.md#frames
params:
  - id: strict
    type: bool
    doc: The Strict reading, or else the Compatible one.
seq:
  - id: is_allowed
    size: 0
    valid:
      expr: not (strict and is_empty)
    doc: No byte; a payload of length 0 is ignored (DIST-FRM-006), and refused in the Strict reading (DIST-FRM-007).
  - id: tag
    type: u1
    enum: tag
    if: not is_empty
    doc: Which frame it is.
  - id: fields
    if: not is_empty
    type:
      switch-on: tag
      cases:
        tag::send: send
        tag::reg_send: reg_send
        tag::peer_list: peer_list
        tag::link: link
        tag::unlink: unlink
        tag::exit: exit(strict)
        tag::monitor: monitor
        tag::demonitor: demonitor
        tag::monitor_exit: monitor_exit(strict)
        tag::spawn: spawn
        tag::spawn_reply: spawn_reply
        tag::global_register: global_register
        tag::global_unregister: global_unregister
        tag::global_sync: global_sync
        tag::room_broadcast: room_broadcast
        tag::unlink_id: unlink_id
        tag::unlink_ack: unlink_ack
        tag::node_table: node_table
        tag::fragment: fragment
        tag::close: close
        tag::exit2: exit2(strict)
        tag::send_term: send_term
        tag::call: call
        tag::call_name: call_name
        tag::call_reply: call_reply
        tag::send_name_term: send_name_term
        tag::monitor_name: monitor_name
        tag::named: named
        tag::ping: ping
        tag::pong: pong
        _: unknown(strict)
    doc: The fields of the tag's table.
  - id: trailing
    type: snow_dist_field::surplus(strict)
    doc: Surplus. A rest or a reason that was kept leaves none.
instances:
  is_empty:
    value: _io.size == 0
    doc: Whether the payload has no byte, so no tag.
types:
  send:
    doc: A message to a process.
    doc-ref: dist.md#send
    seq:
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process the message is for, one of the receiver's.
      - id: message
        size-eos: true
        doc: The message, opaque to the protocol.
  reg_send:
    doc: A message to the process that is registered under a name on the receiver's node.
    doc-ref: dist.md#reg_send
    seq:
      - id: registered_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The registered name.
      - id: message
        size-eos: true
        doc: The message, opaque to the protocol.
  peer_list:
    doc: The names of the nodes with which the sender has sessions.
    doc-ref: dist.md#peer_list
    seq:
      - id: names
        type: names
        doc: Node names in any order. They are not held against the grammar of node names (DIST-NAM-005).
  link:
    doc: Links two processes.
    doc-ref: dist.md#link
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that links, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process it is to be linked with, one of the receiver's.
  unlink:
    doc: Ends a link, without acknowledgement.
    doc-ref: dist.md#unlink
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that ends the link, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process at the link's other end, one of the receiver's.
  exit:
    doc: Tells a process that a process linked with it has ended.
    doc-ref: dist.md#exit
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that has ended, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process at the link's other end, one of the receiver's.
      - id: reason
        type: snow_dist_reason(strict)
        doc: Why it ended.
  monitor:
    doc: Asks to be told when a process ends.
    doc-ref: dist.md#monitor
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that monitors, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process that is monitored, one of the receiver's.
      - id: monitor_ref
        -orig-id: ref
        type: u8
        doc: The monitor's number, chosen by the sender.
  demonitor:
    doc: Ends a monitor.
    doc-ref: dist.md#demonitor
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that monitors, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process that is monitored, one of the receiver's.
      - id: monitor_ref
        -orig-id: ref
        type: u8
        doc: The number that MONITOR gave.
  monitor_exit:
    doc: Tells a monitoring process that the process it monitors has ended or does not exist.
    doc-ref: dist.md#monitor_exit
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: monitored
        type: snow_dist_field::pid
        doc: '"to" of the MONITOR, one of the sender''s processes.'
      - id: monitoring
        type: snow_dist_field::pid
        doc: '"from" of the MONITOR, one of the receiver''s processes.'
      - id: monitor_ref
        -orig-id: ref
        type: u8
        doc: The number that MONITOR gave.
      - id: reason
        type: snow_dist_reason(strict)
        doc: Why the monitored process ended.
  spawn:
    doc: Asks for a new process on the receiver's node.
    doc-ref: dist.md#spawn
    seq:
      - id: request
        type: u8
        doc: The request's number, chosen by the sender.
      - id: requester
        type: snow_dist_field::pid
        doc: The process that asks, one of the sender's.
      - id: link
        type: u1
        doc: 1 to link the new process with the requester, 2 to monitor it; every other value is given too (DIST-SPN-002).
      - id: function_name
        -orig-id: function
        type: snow_dist_field::str16
        doc: The name under which the receiver knows what to run.
      - id: arguments
        size-eos: true
        doc: The arguments; a term in a session that has calls.
  spawn_reply:
    doc: Says what became of a SPAWN.
    doc-ref: dist.md#spawn_reply
    seq:
      - id: request
        type: u8
        doc: The number that SPAWN gave.
      - id: status
        type: u1
        doc: 0 if the process runs, 1 if there is no such function, anything else if it failed otherwise.
      - id: local_id
        -orig-id: local
        type: u8
        doc: The local id of the new process (DIST-SPR-001).
  global_register:
    doc: Registers a name that holds for all nodes.
    doc-ref: dist.md#global_register
    seq:
      - id: global_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The global name.
      - id: pid
        type: snow_dist_field::pid
        doc: The process it stands for, of any node.
      - id: node
        type: snow_dist_field::str16
        doc: The name of the node that owns the global name.
  global_unregister:
    doc: Takes a global name back.
    doc-ref: dist.md#global_unregister
    seq:
      - id: global_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The global name.
  global_sync:
    doc: Global names that the sender owns.
    doc-ref: dist.md#global_sync
    seq:
      - id: entries
        type: entries
        doc: The names, each with its process and owning node.
  room_broadcast:
    doc: A text to all members of a room on the receiver's node.
    doc-ref: dist.md#room_broadcast
    seq:
      - id: room
        type: snow_dist_field::str16
        doc: The room's name.
      - id: text
        type: snow_dist_field::str32
        doc: The text.
  unlink_id:
    doc: Ends a link and asks for an acknowledgement.
    doc-ref: dist.md#unlink_id
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that ends the link, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process at the link's other end, one of the receiver's.
      - id: unlink_number
        -orig-id: id
        type: u8
        doc: The number of this unlink, chosen by the sender.
  unlink_ack:
    doc: Acknowledges an UNLINK_ID (DIST-ULA-001).
    doc-ref: dist.md#unlink_ack
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that acknowledges, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process that unlinked, one of the receiver's.
      - id: unlink_number
        -orig-id: id
        type: u8
        doc: The number that UNLINK_ID gave.
  node_table:
    doc: Says which node a node id stands for in the frames that the sender writes in this session.
    doc-ref: dist.md#node_table
    seq:
      - id: index
        type: u2
        doc: The node id; every value is given (DIST-NTB-001).
      - id: incarnation
        type: u8
        doc: Which start of that node.
      - id: node_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The node's name.
  fragment:
    doc: A piece of a frame that is too long to be sent at once.
    doc-ref: dist.md#fragment
    seq:
      - id: number
        type: u8
        doc: The number of the frame that is sent in pieces, chosen by the sender.
      - id: flags
        type: u1
        valid:
          max: 0b11
        doc: Bit 0, this is the first piece; bit 1, this is the last piece; no other bit (DIST-FRG-001).
      - id: total
        type: u4
        if: is_first
        doc: Bytes of the whole payload, its tag included; in the first piece and in no other (DIST-FRG-002).
      - id: payload
        size-eos: true
        doc: The piece.
    instances:
      is_first:
        value: (flags & 0b01) != 0
        doc: Whether this is the first piece.
      is_last:
        value: (flags & 0b10) != 0
        doc: Whether this is the last piece.
  close:
    doc: The sender ends the session and says why.
    doc-ref: dist.md#close
    seq:
      - id: code
        type: u2
        enum: close_code
        doc: Why. Codes that are not listed are given too (DIST-CLS-001).
      - id: text
        type: snow_dist_field::str16
        doc: A line for a log.
  exit2:
    doc: An exit signal that a process sends to another one; it needs no link.
    doc-ref: dist.md#exit2
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that sends the signal, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process it is for, one of the receiver's.
      - id: reason
        type: snow_dist_reason(strict)
        doc: The reason it gives.
  send_term:
    doc: A message to a process, in the term format.
    doc-ref: dist.md#send_term
    seq:
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process the message is for, one of the receiver's.
      - id: message
        size-eos: true
        doc: A term, not judged here (DIST-STM-001); snow_dist_term.ksy reads it.
  call:
    doc: A message that asks for a reply.
    doc-ref: dist.md#call
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that calls, one of the sender's.
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: The process that is called, one of the receiver's.
      - id: call_ref
        -orig-id: ref
        type: u8
        doc: The call's number, chosen by the sender.
      - id: message
        size-eos: true
        doc: A term, not judged here (DIST-CAL-001); snow_dist_term.ksy reads it.
  call_name:
    doc: A call of whoever is registered under a name on the receiver's node.
    doc-ref: dist.md#call_name
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that calls, one of the sender's.
      - id: call_ref
        -orig-id: ref
        type: u8
        doc: The call's number, chosen by the sender.
      - id: registered_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The registered name.
      - id: message
        size-eos: true
        doc: A term, not judged here (DIST-CAL-001); snow_dist_term.ksy reads it.
  call_reply:
    doc: The reply to a call, which ends it.
    doc-ref: dist.md#call_reply
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: '"to" of the CALL, one of the sender''s processes; local id 0 for a CALL_NAME.'
      - id: to_pid
        -orig-id: to
        type: snow_dist_field::pid
        doc: '"from" of the CALL or CALL_NAME, one of the receiver''s processes.'
      - id: call_ref
        -orig-id: ref
        type: u8
        doc: The call's number.
      - id: message
        size-eos: true
        doc: A term, not judged here (DIST-CAL-001); snow_dist_term.ksy reads it.
  send_name_term:
    doc: A message to the process that is registered under a name on the receiver's node, in the term format.
    doc-ref: dist.md#send_name_term
    seq:
      - id: registered_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The registered name.
      - id: message
        size-eos: true
        doc: A term, not judged here (DIST-CAL-001); snow_dist_term.ksy reads it.
  monitor_name:
    doc: Asks who has a name on the receiver's node, and to be told when that process ends.
    doc-ref: dist.md#monitor_name
    seq:
      - id: from_pid
        -orig-id: from
        type: snow_dist_field::pid
        doc: The process that monitors, one of the sender's.
      - id: monitor_ref
        -orig-id: ref
        type: u8
        doc: The monitor's number, chosen by the sender.
      - id: registered_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The registered name.
  named:
    doc: Whom a monitor by name is of.
    doc-ref: dist.md#named
    seq:
      - id: monitor_ref
        -orig-id: ref
        type: u8
        doc: The number that MONITOR_NAME gave.
      - id: pid
        type: snow_dist_field::pid
        doc: The process that has the name, one of the sender's.
  ping:
    doc: Asks for a sign of life.
    doc-ref: dist.md#ping
    seq:
      - id: payload
        size: 8
        doc: Bytes of the sender's choice.
  pong:
    doc: Answers a PING.
    doc-ref: dist.md#pong
    seq:
      - id: payload
        size: 8
        doc: The bytes of the PING.
  unknown:
    doc: |
      A frame whose tag has no section, those of the handshake among them: ignored in the Compatible reading
      (DIST-TAG-001), refused in the Strict one (DIST-TAG-002).
    doc-ref: dist.md#unknown-tags
    params:
      - id: strict
        type: bool
        doc: The Strict reading, or else the Compatible one.
    seq:
      - id: is_ignored
        size: 0
        valid:
          expr: not strict
        doc: No byte; the rule.
      - id: payload
        size-eos: true
        doc: What follows the tag.
  names:
    doc: A list of texts.
    doc-ref: dist.md#conventions
    seq:
      - id: num_elements
        type: u2
        valid:
          expr: _ * 2 <= _io.size - _io.pos
        doc: How many there are; each takes at least 2 bytes of those that are left (DIST-FLD-004).
      - id: elements
        type: snow_dist_field::str16
        repeat: expr
        repeat-expr: num_elements
        doc: The texts.
  entries:
    doc: A list of global names.
    doc-ref: dist.md#conventions
    seq:
      - id: num_elements
        type: u4
        valid:
          expr: _ * 12 <= _io.size - _io.pos
        doc: How many there are; each takes at least 12 bytes of those that are left (DIST-FLD-004).
      - id: elements
        type: entry
        repeat: expr
        repeat-expr: num_elements
        doc: The global names.
  entry:
    doc: A global name, as GLOBAL_REGISTER registers it.
    doc-ref: dist.md#conventions
    seq:
      - id: global_name
        -orig-id: name
        type: snow_dist_field::str16
        doc: The global name.
      - id: pid
        type: snow_dist_field::pid
        doc: The process it stands for, of any node.
      - id: node
        type: snow_dist_field::str16
        doc: The name of the node that owns the global name.
enums:
  tag:
    0x10: send
    0x11: reg_send
    0x12: peer_list
    0x13: link
    0x14: unlink
    0x15: exit
    0x16: monitor
    0x17: demonitor
    0x18: monitor_exit
    0x19: spawn
    0x1a: spawn_reply
    0x1b: global_register
    0x1c: global_unregister
    0x1d: global_sync
    0x1e: room_broadcast
    0x80: unlink_id
    0x81: unlink_ack
    0x82: node_table
    0x83: fragment
    0x84: close
    0x85: exit2
    0x86: send_term
    0x87: call
    0x88: call_name
    0x89: call_reply
    0x8a: send_name_term
    0x8b: monitor_name
    0x8c: named
    0xf0: ping
    0xf1: pong
  close_code:
    0: shutdown
    1: protocol_error
    2: limit
    3: replaced
    4: policy
