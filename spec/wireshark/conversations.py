#!/usr/bin/env python3
"""Holds the dissector against conversations: what no single message shows.

    conversations.py [DISSECTOR]

Each case is a connection, and says what the last message, or the one that is named, is marked with. The streams of
the vectors are cut as they say. Exit status 0 if all marks and names are as they should be.
"""

import struct
import sys
import tempfile

from pcap import Capture, Connection, framed
from vectors import HERE, handshake_of_version_2, load, shown_values, tshark

MAGIC, SENTINEL = b"\xd1SNOW2\r\n", b"\xd1DIST-V2"
INCARNATION = 300  # so that the creation is 1 + 300 mod 255
CREATION = 46
PIDS = bytes(range(16))


def tlv(kind, value):
    return struct.pack("<HH", kind, len(value)) + value


def block(*tlvs):
    body = b"".join(tlvs)
    return MAGIC + struct.pack("<H", len(body)) + body


VERSIONS, START = tlv(1, b"\x02\0"), tlv(3, struct.pack("<Q", INCARNATION))
BLOCK = block(VERSIONS, START)


def name(extension=b"", creation=CREATION):
    return b"\x01\x05\0a@h:1" + bytes([creation]) + extension


def challenge(extension=b"", creation=CREATION, end=b""):
    return b"\x02\x05\0b@h:2" + bytes([creation]) + (bytes(32) + end)[-32:] + extension


def reply(extension=b"", digest=bytes(32), end=b""):
    return b"\x03" + digest + (bytes(32) + end)[-32:] + extension + (bytes(32) if extension else b"")


def ack(extension=b"", digest=bytes(32)):
    return b"\x04" + digest + extension + (bytes(32) if extension else b"")


def reject(code):
    return b"\x05" + struct.pack("<H", code) + b"\0\0"


EMPTY = block()
FIRST = [name(), challenge(), reply(), ack()]  # version 1
SECOND = [name(BLOCK), challenge(BLOCK, end=SENTINEL), reply(EMPTY, end=SENTINEL), ack(EMPTY)]
UNLINK = b"\x80" + PIDS + bytes(8)


def unlink_ack(pids):
    return b"\x81" + pids + bytes(8)


# What, the payloads of initiator and acceptor in turn, and what the last one is marked with. A pair says who sends.
CASES = [
    ("a handshake of version 1", FIRST, set()),
    ("a handshake of version 2", SECOND, set()),
    ("a block without incarnation", [name(block(VERSIONS))], {"HS-TLV-009"}),
    ("a block without versions", [name(block(START))], {"HS-TLV-009"}),
    ("a small bound", [name(block(VERSIONS, START, tlv(4, b"\xff\xff\0\0")))], {"HS-BND-001"}),
    ("no creation", [name(BLOCK, creation=0)], {"HS-CRE-002"}),
    ("a creation of its own", [name(BLOCK, creation=7)], {"HS-CRE-001"}),
    ("capabilities without a name", [name(block(VERSIONS, tlv(2, bytes(7) + b"\x80"), START))], {"HS-TLV-003"}),
    ("an unknown type", [name(block(VERSIONS, START, tlv(0x7FFF, b"")))], {"HS-EXT-006"}),
    ("NAME again", [name(BLOCK), (True, name(BLOCK))], {"HS-CRS-002"}),
    ("ACK for CHALLENGE", [name(), ack()], {"HS-CRS-002"}),
    ("a block that nobody asked for", [name(), challenge(BLOCK, end=SENTINEL)], {"HS-CRS-003"}),
    ("a sentinel without a block", [name(BLOCK), challenge(end=SENTINEL)], {"HS-DWN-001"}),
    ("a block without a sentinel", [name(BLOCK), challenge(BLOCK)], {"HS-DWN-002"}),
    ("no common version", [name(BLOCK), challenge(block(tlv(1, b"\x03\0"), START), end=SENTINEL)], {"HS-VER-002"}),
    ("a block that is gone", [*SECOND[:2], reply()], {"HS-DWN-003"}),
    ("a block that is gone at last", [*SECOND[:3], ack()], {"HS-DWN-003"}),
    ("a digest beside a block", [*SECOND[:2], reply(EMPTY, bytes([1] * 32), SENTINEL)], {"HS-DIG-003"}),
    ("a bound in REPLY", [*SECOND[:2], reply(block(START), end=SENTINEL)], {"HS-TLV-006"}),
    ("REJECT", [name(BLOCK), reject(1)], set()),
    ("REJECT behind REPLY", [*SECOND[:3], reject(6)], set()),
    ("REJECT from the initiator", [name(BLOCK), (True, reject(1))], {"HS-CRS-002", "HS-REJ-003"}),
    ("REJECT in version 1", [name(), reject(1)], {"HS-REJ-004"}),
    ("REJECT that says too much", [name(BLOCK), reject(5)], {"HS-REJ-005"}),
    ("REJECT of an unknown code", [*SECOND[:3], reject(99)], {"HS-REJ-002"}),
    ("a frame behind REJECT", [name(BLOCK), reject(1), (False, b"\xf0" + bytes(8))], {"HS-CRS-002"}),
    ("a frame that was not settled", [*SECOND, b"\x86" + bytes(8) + b"\x01\x06"], {"HS-VER-003"}),
    ("a fixed index", [*SECOND, b"\x82\xff\xff" + bytes(10)], {"DIST-NTB-001", "HS-VER-003"}),
    ("a flag of SPAWN", [*FIRST, b"\x19" + PIDS + b"\x03\0\0"], {"DIST-SPN-002"}),
    ("a process that failed to be", [*FIRST, b"\x1a" + bytes(8) + b"\x01\x05" + bytes(7)], {"DIST-SPR-001"}),
    ("a process of no number", [*FIRST, b"\x1a" + bytes(8) + b"\0" + bytes(5) + b"\x01\0\0"], {"DIST-SPR-001"}),
    ("CLOSE of an unknown code", [*FIRST, b"\x84\x63\0\0\0"], {"DIST-CLS-001"}),
    ("an acknowledgement", [*SECOND, UNLINK, unlink_ack(PIDS[8:] + PIDS[:8])], set()),
    ("an acknowledgement of others", [*SECOND, UNLINK, unlink_ack(PIDS)], {"DIST-ULA-001"}),
    ("a bound that was announced", [name(BLOCK), challenge(block(VERSIONS, START, tlv(4, b"\0\0\1\0")), end=SENTINEL),
                                    *SECOND[2:], b"\x10" + bytes(65_536)], {"DIST-FRM-002"}),
    ("a bound that is kept", [name(BLOCK), challenge(block(VERSIONS, START, tlv(4, b"\0\0\1\0")), end=SENTINEL),
                              *SECOND[2:], b"\x10" + bytes(65_535)], set()),
]

CAN = tlv(2, struct.pack("<Q", 0b110000))  # calls and names
CALLS = [name(block(VERSIONS, CAN, START)), challenge(block(VERSIONS, CAN, START), end=SENTINEL), *SECOND[2:]]
MINE, THEIRS, WHOEVER = (struct.pack("<Q", local | CREATION << 40) for local in (5, 9, 0))
REF, NAME, UNIT = struct.pack("<Q", 1), b"\2\0db", b"\x01\x06"
CALL, CALL_NAME = b"\x87" + MINE + THEIRS + REF + UNIT, b"\x88" + MINE + REF + NAME + UNIT
MONITOR_NAME, NAMED = b"\x8b" + MINE + REF + NAME, b"\x8c" + REF + THEIRS


def call_reply(callee=THEIRS, caller=MINE, ref=REF):
    return b"\x89" + callee + caller + ref + UNIT


def monitor_exit(monitored):
    return b"\x18" + monitored + MINE + REF + b"\0"


def demonitor(to):
    return b"\x17" + MINE + to + REF


OF_DB = {"asked_name": "db"}

# What, and frames behind a handshake that has settled calls and names: who sends it, and what is shown of it. Other
# frames are named by their places.
ASKED = [
    ("a call", [(True, CALL, {}), (False, call_reply(), {"request_in": 0})]),
    ("a call without a reply", [(True, CALL, {}), (False, monitor_exit(THEIRS), {"request_in": 0})]),
    ("two calls", [(True, CALL, {}), (False, call_reply(), {"request_in": 0}),
                   (True, CALL, {"marks": {"CAP-CAL-003"}}), (False, call_reply(), {"request_in": 2})]),
    ("both call", [(True, CALL, {}), (False, CALL, {}), (True, call_reply(), {"request_in": 1}),
                   (False, call_reply(), {"request_in": 0})]),
    ("a call by name", [(True, CALL_NAME, {}), (False, call_reply(WHOEVER), {"request_in": 0, **OF_DB})]),
    ("a reply of another process", [(True, CALL, {}), (False, call_reply(MINE), {"marks": {"CAP-CAL-016"}}),
                                    (False, call_reply(), {"request_in": 0})]),
    ("a reply to another process", [(True, CALL, {}), (False, call_reply(caller=THEIRS), {"marks": {"CAP-CAL-016"}})]),
    ("a reply of the one with the name", [(True, CALL_NAME, {}), (False, call_reply(), {"marks": {"CAP-CAL-016"}})]),
    ("a reply twice", [(True, CALL, {}), (False, call_reply(), {"request_in": 0}),
                       (False, call_reply(), {"marks": {"CAP-CAL-016"}})]),
    ("a reply to nothing", [(False, call_reply(), {"marks": {"CAP-CAL-016"}})]),
    ("a reply to a monitor", [(True, MONITOR_NAME, {}), (False, call_reply(WHOEVER), {"marks": {"CAP-CAL-016"}})]),
    ("given up", [(True, CALL, {}), (True, demonitor(THEIRS), {"gives_up": 0}),
                  (False, call_reply(), {"request_in": 0, "marks": {"CAP-CAL-016"}})]),
    ("given up by name", [(True, CALL_NAME, {}), (True, demonitor(WHOEVER), {"gives_up": 0, **OF_DB})]),
    ("a monitor by name", [(True, MONITOR_NAME, {}), (False, NAMED, {"request_in": 0, **OF_DB}),
                           (False, NAMED, {"marks": {"CAP-NAM-007"}}),
                           (False, monitor_exit(WHOEVER), {"request_in": 0, "named": "<0.9.46>", **OF_DB})]),
    ("nobody of that name", [(True, MONITOR_NAME, {}), (False, monitor_exit(WHOEVER), {"request_in": 0, **OF_DB}),
                             (False, NAMED, {"marks": {"CAP-NAM-007"}})]),
    ("who has the name, and no more", [(True, MONITOR_NAME, {}), (False, NAMED, {"request_in": 0, **OF_DB}),
                                       (True, demonitor(WHOEVER), {"gives_up": 0, "named": "<0.9.46>", **OF_DB})]),
    ("NAMED of a call", [(True, CALL_NAME, {}), (False, NAMED, {"marks": {"CAP-NAM-007"}})]),
]


def every_mark(item):
    messages = (field for field in item.iter("field") if field.get("name") == "_ws.expert.message")
    return {message.get("show").split(":")[0] for message in messages}


class Run:
    def __init__(self):
        self.capture, self.port, self.expected = Capture(), 10_000, []

    def connection(self, begins=True):
        self.port += 1
        return Connection(self.capture, self.port, begins)

    def case(self, what, payloads, marks):
        connection, number = self.connection(), 0
        for place, payload in enumerate(payloads):
            sends, payload = payload if isinstance(payload, tuple) else (place % 2 == 0, payload)
            first = len(self.capture.packets) + 1
            number = connection.send(sends, framed(payload))
        # A length that is too great is marked where it stands, at the beginning.
        self.expect(what, first if "DIST-FRM-002" in marks else number, marks=marks)

    def expect(self, what, number, **wanted):
        self.expected.append((what, number, wanted))

    def asked(self, what, frames):
        connection, numbers = self.connection(), []
        for place, payload in enumerate(CALLS):
            connection.send(place % 2 == 0, framed(payload))
        for sends, payload, wanted in frames:
            numbers.append(connection.send(sends, framed(payload)))
            shown = {key: value for key, value in wanted.items() if key != "marks"}
            for key in ("request_in", "gives_up"):
                if key in shown:
                    shown[key] = str(numbers[shown[key]])
            self.expect(what, numbers[-1], marks=wanted.get("marks", set()), about=shown)

    def middle(self):
        """A capture that begins inside a frame."""
        connection = self.connection(begins=False)
        self.expect("the rest of a frame", connection.send(True, b"\x55" * 100), continuation=1)
        whole = connection.send(True, framed(b"\xf0" + bytes(8)))
        self.expect("the next frame", whole, names=["PING"], marks=set(), phase="session")
        answer = connection.send(False, framed(b"\xf1" + bytes(8)))
        self.expect("its answer", answer, names=["PONG"], marks=set(), answers=str(whole))
        middle = self.connection(begins=False)
        number = middle.send(False, framed(challenge(BLOCK, end=SENTINEL)))
        self.expect("a handshake from its second message on", number, names=["CHALLENGE"], marks=set())
        number = self.connection(begins=False).send(False, framed(call_reply()))
        self.expect("the reply to a call that is not in the capture", number, names=["CALL_REPLY"], marks=set())

    def streams(self):
        for vector in load("streams.json"):
            if vector["bytes_max"] not in (4_096, 16_777_216):
                continue
            connection = self.connection()
            if vector["bytes_max"] == 16_777_216:  # the limit of a session
                for place, payload in enumerate(handshake_of_version_2().values()):
                    connection.send(place % 2 == 0, framed(payload))
            first = len(self.capture.packets) + 1
            for chunk in vector["chunks"]:
                connection.send(True, bytes.fromhex(chunk))
            tags = [payload[:2] for payload in vector["payloads"]]
            self.expect(vector["id"], range(first, len(self.capture.packets) + 1), tags=tags, error=vector["error"])


# What is shown of other frames.
ABOUT = ["request_in", "gives_up", "asked_name", "named"]


def differs(items, wanted):
    """What is not as it should be, or None."""
    values = [shown_values(item) for item in items]
    messages = [value for value in values if value["length"] and not value["continuation"]]
    found = {
        "marks": lambda: every_mark(items[-1]) if items else None,
        "continuation": lambda: sum(len(value["continuation"]) for value in values),
        "names": lambda: [name for value in values for name in value["message_name"]],
        "phase": lambda: "".join(values[-1]["phase"]),
        "answers": lambda: "".join(values[-1]["request_in"]),
        "about": lambda: {key: "".join(values[-1][key]) for key in ABOUT if values[-1][key]},
        "tags": lambda: [f"{int(tag, 16):02x}" for value in messages for tag in value["tag"]],
    }
    for key, value in wanted.items():
        if key == "error":
            if any("DIST-FRM-002" in every_mark(item) for item in items) != (value is not None):
                return f"a length above the limit: {value}"
        elif key == "tags":
            value = [tag for tag in value if tag]
            if found["tags"]() != value:
                return f"tags are {found['tags']()}, not {value}"
        elif found[key]() != value:
            return f"{key}: {found[key]()}, not {value}"
    return None


def main():
    dissector = sys.argv[1] if len(sys.argv) > 1 else HERE / "snow_dist.lua"
    run = Run()
    for case in CASES:
        run.case(*case)
    for what, frames in ASKED:
        run.asked(what, frames)
    run.middle()
    run.streams()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/conversations.pcap"
        run.capture.write(path)
        packets = tshark(dissector, path)
    failed = 0
    for what, numbers, wanted in run.expected:
        numbers = [numbers] if isinstance(numbers, int) else numbers
        problem = differs([item for number in numbers for item in packets[number]], wanted)
        if problem:
            failed += 1
            print(f"{what} (packets {list(numbers)}): {problem}")
    print(f"{len(run.expected)} conversations, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
