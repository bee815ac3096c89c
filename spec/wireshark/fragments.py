#!/usr/bin/env python3
"""Holds the dissector against frames that come in fragments.

    fragments.py [DISSECTOR]

Each case is a connection, and says for each of its packets what is shown of it: marks, how many bytes of the frame
have come, the packets in which the frame begins, is whole, or is refused, and which frame is whole. The vectors of
sessions with a FRAGMENT come after them. All is looked at in one pass, where nothing is known of what is to come, and
in two. Exit status 0 if all is shown as it should be.
"""

import struct
import sys
import tempfile

from conversations import EMPTY, SENTINEL, VERSIONS, ack, block, challenge, every_mark, name, reply, tlv
from pcap import Capture, Connection, framed
from vectors import HERE, hex_of, load, tshark

FRAGMENTS, SEND_TERM, CALLS = 1 << 1, 1 << 3, 1 << 4
BITS = {"node_table": 1 << 0, "fragments": FRAGMENTS, "remote_exit": 1 << 2, "send_term": SEND_TERM,
        "calls": CALLS, "names": 1 << 5}
TO = bytes.fromhex("0500000000070000")
PING = b"\xf0" + bytes(8)
FROM, REF, UNIT = bytes.fromhex("0900000000120000"), struct.pack("<Q", 1), b"\x01\x05\x02\0\0\0hi"
CALL, REPLY = b"\x87" + FROM + TO + REF + UNIT, b"\x89" + TO + FROM + REF + UNIT
MIB = 1 << 20


def announcement(capabilities, creation, *bounds):
    start = struct.pack("<Q", creation - 1)  # so that the creation follows from the incarnation
    return block(VERSIONS, tlv(2, struct.pack("<Q", capabilities)), tlv(3, start), *bounds)


def handshake(capabilities, *bounds):
    """Payloads of a handshake in which the acceptor announces these bounds."""
    mine, theirs = announcement(capabilities, 7), announcement(capabilities, 18, *bounds)
    return [name(mine, 7), challenge(theirs, 18, SENTINEL), reply(EMPTY, end=SENTINEL), ack(EMPTY)]


def piece(number, payload, total=None, last=False):
    flags = (total is not None) + 2 * last
    head = struct.pack("<BQB", 0x83, number, flags)
    return head + (b"" if total is None else struct.pack("<I", total)) + payload


def cut(number, payload, size):
    """All FRAGMENTs of a payload."""
    starts = range(0, len(payload), size)
    return [piece(number, payload[at : at + size], None if at else len(payload), at == starts[-1]) for at in starts]


def of(name, message):
    """A frame that is whole: its name, and the message that it carries."""
    return {"name": name, "message": message.hex()}


def from_initiator(payload, **wanted):
    return True, payload, wanted


def from_acceptor(payload, **wanted):
    return False, payload, wanted


LONG = bytes(range(256)) * 586  # 150 016 bytes
TERM = b"\x01\x0a\x02\0\0\0" + b"\x05\x70\x11\x01\0" + b"t" * 70_000 + b"\x06"  # a list of a string and a unit
A, B, C = b"\x10" + TO + LONG, b"\x86" + TO + TERM, b"\x11\x03\0log" + bytes(100)
A1, A2, A3 = cut(1, A, 65_522)
B1, B2 = cut(2, B, 65_522)


def interleaved():
    """Two long frames, and between their pieces a frame that is damaged, another frame, and one of the peer's."""
    back = cut(1, C, 60)
    return [
        from_initiator(A1, held=65_522, whole=8),
        from_initiator(B1, held=65_522, whole=7),
        from_initiator(piece(3, C[:50], total=len(C)), held=50, refused=6),
        from_initiator(PING),
        from_initiator(A2, held=131_044, first=0, whole=8),
        from_acceptor(back[0], held=60, whole=9),
        from_initiator(piece(3, C[50:90], last=True), first=2, marks={"CAP-FRG-018"}),
        from_initiator(B2, held=len(B), first=1, count=2, carries=of("SEND_TERM", TERM)),
        from_initiator(A3, held=len(A), first=0, count=3, carries=of("SEND", LONG)),
        from_acceptor(back[1], held=len(C), first=5, count=2, carries=of("REG_SEND", bytes(100))),
        from_initiator(piece(3, C[90:], last=True), first=2, refused=6),
    ]


def small(*steps):
    return handshake(FRAGMENTS | SEND_TERM), list(steps)


BEGUN = piece(1, A[:20], total=40)
HELD = {"held": 20}
ONE = tlv(6, struct.pack("<I", 1))

# What, the handshake, and the packets behind it. Packets of a case are named by their places.
CASES = [
    ("two frames and a damaged one", handshake(FRAGMENTS | SEND_TERM), interleaved()),
    ("begun twice", *small(from_initiator(BEGUN, **HELD, refused=1),
                           from_initiator(BEGUN, first=0, marks={"CAP-FRG-013"}),
                           from_initiator(piece(1, A[20:40], last=True), first=0, refused=1))),
    ("not begun", *small(from_initiator(piece(1, A[:20]), marks={"CAP-FRG-014"}),
                         from_initiator(piece(1, A[:20], last=True), refused=0))),
    ("whole already", *small(from_initiator(piece(1, A[:20], 20, True), **HELD, count=1, carries=of("SEND", A[9:20])),
                             from_initiator(piece(1, A[:20]), marks={"CAP-FRG-014"}))),
    ("a number again", *small(from_initiator(piece(1, A[:20], 20, True), **HELD, count=1, carries=of("SEND", A[9:20])),
                              from_initiator(piece(1, A[:20], 20, True), **HELD, count=1, carries=of("SEND", A[9:20]),
                                             marks={"CAP-FRG-005"}))),
    ("a LINK", *small(from_initiator(piece(1, b"\x13", total=17), marks={"CAP-FRG-015"}))),
    ("a call", handshake(FRAGMENTS | CALLS),
     [from_initiator(frame, **wanted) for frame, wanted in zip(cut(1, CALL, 30), [{"held": 30, "whole": 1},
      {"held": len(CALL), "first": 0, "count": 2, "carries": of("CALL", UNIT)}])]
     + [from_acceptor(piece(1, REPLY, len(REPLY), True), held=len(REPLY), count=1, answers=1,
                      carries=of("CALL_REPLY", UNIT))]),
    ("too long a frame", *small(from_initiator(piece(1, A[:20], total=64 * MIB + 1), marks={"CAP-FRG-016"}))),
    ("the longest frame", *small(from_initiator(piece(1, A[:20], total=64 * MIB), **HELD))),
    ("one too many", handshake(FRAGMENTS, ONE), [from_initiator(BEGUN, **HELD),
                                                 from_acceptor(piece(1, A[:20], total=40), **HELD),
                                                 from_acceptor(piece(2, A[:20], total=40), **HELD),
                                                 from_initiator(piece(2, A[:20], 40), marks={"CAP-FRG-017"})]),
    ("one after the other", handshake(FRAGMENTS, ONE),
     [from_initiator(piece(number, A[:20], 20, True), **HELD, count=1, carries=of("SEND", A[9:20]))
      for number in (1, 2)]),
    ("more than the total", *small(from_initiator(BEGUN, **HELD, refused=1),
                                   from_initiator(piece(1, A[:21], last=True), first=0, marks={"CAP-FRG-018"}))),
    ("all, and no last one", *small(from_initiator(BEGUN, **HELD, refused=1),
                                    from_initiator(piece(1, A[20:40]), first=0, marks={"CAP-FRG-018"}))),
    ("an empty piece", *small(from_initiator(BEGUN, **HELD, refused=1),
                              from_initiator(piece(1, b""), first=0, marks={"CAP-FRG-019"}))),
    ("too long a piece", *small(from_initiator(piece(1, A[:65_523], len(A)), held=65_523, marks={"CAP-FRG-003"}))),
    ("a name that is no text", *small(from_initiator(piece(1, b"\x11\x01\0\xff", 4, True), held=4, count=1,
                                                     carries={"name": "REG_SEND"}, marks={"DIST-FLD-007"}))),
    ("SEND_TERM without its capability", handshake(FRAGMENTS),
     [from_initiator(piece(1, b"\x86" + TO + b"\x01\x06", 11, True), held=11, count=1,
                     carries=of("SEND_TERM", b"\x01\x06"), marks={"HS-VER-003"})]),
    ("FRAGMENT without its capability", handshake(SEND_TERM), [from_initiator(BEGUN, marks={"HS-VER-003"})]),
    # The capture begins behind the first piece.
    ("an unseen beginning", [], [from_initiator(piece(7, A[:20]), marks={"The first piece is not in the capture"}),
                                 from_initiator(BEGUN, **HELD, whole=3),
                                 from_initiator(piece(7, A[:20], last=True)),
                                 from_initiator(piece(1, A[20:40], last=True), held=40, first=1, count=2,
                                                carries=of("SEND", A[9:40]))]),
]

UNKEPT = "Not put together"
HALF = b"\x10" + TO + b"h" * (MIB // 2)


def too_much():
    """With 1 MiB to keep: of two frames of half a MiB, and a little more, the second one finds no place."""
    found = []
    for number in (1, 2):
        frames, held = cut(number, HALF, 65_522), 0
        for place, frame in enumerate(frames):
            held = min(held + 65_522, len(HALF))
            is_last, is_beyond = place == len(frames) - 1, len(HALF) * (number - 1) + held > MIB
            wanted = {"held": held, "marks": {UNKEPT} if is_beyond else set()}
            wanted.update({"count": len(frames)} if is_last else {"whole": number * len(frames) - 1})
            wanted.update({"first": (number - 1) * len(frames)} if place else {})
            wanted.update({"carries": of("SEND", HALF[9:])} if is_last and number == 1 else {})
            found.append(from_initiator(frame, **wanted))
    return [("more than is kept", handshake(FRAGMENTS), found)]


def payloads(step, side):
    return [hex_of(frame["hex"])[4:] for frame in step.get(side, [])]


def is_fragment(payload):
    return payload[:1] == b"\x83"


# Frames of messages: where the message begins, or where a name stands before it.
MESSAGES = {0x10: ("SEND", 9), 0x86: ("SEND_TERM", 9), 0x87: ("CALL", 25), 0x89: ("CALL_REPLY", 25)}
NAMED = {0x11: ("REG_SEND", 1), 0x88: ("CALL_NAME", 17), 0x8A: ("SEND_NAME_TERM", 1)}


def whole(payload):
    """What a frame that came in fragments carries."""
    if payload[0] in MESSAGES:
        name, at = MESSAGES[payload[0]]
    elif payload[0] in NAMED:
        name, at = NAMED[payload[0]]
        at += 2 + int.from_bytes(payload[at:at + 2], "little")
    else:
        return None
    return of(name, payload[at:])


class Assembly:
    """Puts the pieces of one direction together, if they fit."""

    def __init__(self):
        self.begun = {}

    def add(self, payload):
        """What is whole with this FRAGMENT, if anything is."""
        number, flags = payload[1:9], payload[9]
        if flags & 1:
            self.begun[number] = int.from_bytes(payload[10:14], "little"), b""
        if number not in self.begun:
            return None
        total, come = self.begun[number]
        come += payload[14 if flags & 1 else 10:]
        self.begun[number] = total, come
        return whole(come) if flags & 2 and len(come) == total else None


# What the reader of a frame refuses is marked as what its writer must not do.
OF_THE_WRITER = {"CON-ERR-001": "HS-VER-003", "CAP-CAL-010": "CAP-CAL-003"}


def story(vector):
    """A vector as a case: what is refused is marked, and what is whole is shown."""
    bits = sum(BITS[capability] for capability in vector["given"]["capabilities"])
    refusals = {OF_THE_WRITER.get(rule, rule) for rule in vector["requirements"]} - {"CAP-FRG-012"}
    steps, assemblies = [], {side: Assembly() for side in ("receive", "writes")}
    for step in vector["steps"]:
        for side, assembly in assemblies.items():
            pieces = [{"refusals": set(), "carries": assembly.add(payload)} if is_fragment(payload) else None
                      for payload in payloads(step, side)]
            if pieces and pieces[-1] and step["session"] != "up":
                pieces[-1]["refusals"] = refusals
                if any(rule.startswith("CAP-FRG") for rule in refusals):
                    pieces[-1]["carries"] = None
            steps += zip([side == "receive"] * len(pieces), payloads(step, side), pieces)
    return vector["id"], handshake(bits), steps


def stories():
    """The vectors of sessions with a FRAGMENT; in version 1 it has no meaning."""
    for vector in load("sessions.json"):
        if vector["given"]["version"] == 1:
            continue
        sides = [payloads(step, side) for step in vector["steps"] for side in ("receive", "writes")]
        if any(is_fragment(payload) for side in sides for payload in side):
            yield story(vector)


def values(item, name):
    return [field for field in item.iter("field") if field.get("name") == f"snowdist.{name}"]


def number_in(item, name):
    found = [int(field.get("show")) for field in values(item, name)]
    return found[0] if found else None


def carried(item):
    """The whole frame of an item."""
    whole = values(item, "whole")
    if not whole:
        return None
    names, messages = values(whole[0], "message_name"), values(whole[0], "message")
    frame = {"name": names[0].get("show") if names else None}
    if messages:
        frame["message"] = messages[0].get("show").replace(":", "")
    return frame


def marked(item):
    """Requirements, or words of marks that have none."""
    return {UNKEPT if mark.startswith(UNKEPT) else mark for mark in every_mark(item)}


def differs(item, wanted, number_of, has_seen_all):
    """What is not as it should be, or None."""
    if "refusals" in wanted:
        # Of a reply that comes too late only the first pass says so.
        found = marked(item) - {"CAP-FRG-005", "CAP-CAL-016"}
        if found != wanted["refusals"]:
            return f"marks: {found}, not {wanted['refusals']}"
        return None if carried(item) == wanted["carries"] else f"carries {carried(item)}"
    checks = {"marks": (marked(item), wanted.get("marks", set())), "carries": (carried(item), wanted.get("carries"))}
    for key in ("held", "count"):
        checks[key] = number_in(item, f"fragments.{key}"), wanted.get(key)
    for key in ("first", "whole", "refused", "answers"):
        place = wanted.get(key)
        number = None if place is None else number_of[place]
        # In one pass nothing is known of a later packet.
        is_known = has_seen_all or number is None or number < number_of[wanted["place"]]
        shown = "request_in" if key == "answers" else f"fragments.{key}_in"
        checks[key] = number_in(item, shown), number if is_known else None
    for key, (found, expected) in checks.items():
        if found != expected:
            return f"{key}: {str(found)[:200]}, not {str(expected)[:200]}"
    return None


class Run:
    """Cases in a capture of their own."""

    def __init__(self, cases):
        self.capture, self.placed = Capture(), []
        for place, case in enumerate(cases):
            self.add(10_000 + place, *case)

    def add(self, port, what, before, steps):
        connection = Connection(self.capture, port, begins=bool(before))
        for place, payload in enumerate(before):
            connection.send(place % 2 == 0, framed(payload))
        numbers = [connection.send(sends, framed(payload)) for sends, payload, _ in steps]
        for place, (_, _, wanted) in enumerate(steps):
            if wanted is not None:
                self.placed.append((what, numbers, {**wanted, "place": place}))

    def failures(self, dissector, path, *options):
        self.capture.write(path)
        packets = tshark(dissector, path, *options)
        for what, numbers, wanted in self.placed:
            number = numbers[wanted["place"]]
            items = packets[number]
            problem = differs(items[-1], wanted, numbers, "-2" in options) if items else "is not shown"
            if problem:
                yield f"{what} (packet {number}, {' '.join(options) or 'one pass'}): {problem}"


def main():
    dissector = sys.argv[1] if len(sys.argv) > 1 else HERE / "snow_dist.lua"
    told = list(stories())
    runs = [(Run([*CASES, *told]), []), (Run(too_much()), ["-o", "snowdist.fragments_mib_max:1"])]
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for run, options in runs:
            for passes in ([], ["-2"]):
                failed += run.failures(dissector, f"{folder}/fragments.pcap", *options, *passes)
    count = sum(len(run.placed) for run, _ in runs)
    print(*failed, sep="\n", end="\n" if failed else "")
    print(f"frames in fragments: {len(CASES) + 1} conversations and {len(told)} vectors, {count} packets, "
          f"{len(failed)} failed")
    sys.exit(1 if failed or not told else 0)


if __name__ == "__main__":
    main()
