#!/usr/bin/env python3
"""Gives the dissector bytes that nobody should send, and looks whether Lua or Wireshark complains.

    fuzz.py [SEED [DISSECTOR]]

The same seed gives the same bytes. Exit status 0 if there was no complaint.
"""

import pathlib
import random
import struct
import subprocess
import sys
import tempfile

from fragments import cut, piece
from pcap import PORT, Capture, Connection, framed
from vectors import HERE, handshake_of_version_2, hex_of, load

CONNECTIONS = 300
COMPLAINTS = ["_ws.lua.error", "_ws.malformed", "Lua Error", "Malformed Packet", "Dissector bug"]


def payloads():
    """Payloads of vectors that are not too long, as something to damage."""
    vectors = (vector for file in ["frames.json", "handshake.json", "captures-v1.json"] for vector in load(file))
    return [payload for payload in (hex_of(vector["hex"]) for vector in vectors) if len(payload) < 2000]


ODD_BYTES = [0, 1, 3, 5, 0x7F, 0x80, 0xFF]


def damaged(random, payload):
    payload = bytearray(payload)
    for _ in range(random.randrange(4)):
        if payload:
            payload[random.randrange(len(payload))] = random.choice([*ODD_BYTES, random.randrange(256)])
    return bytes(payload[: random.randrange(len(payload) + 1)] if random.random() < 0.3 else payload)


def fragments(random, known):
    """The pieces of a few frames, with others lost, doubled, damaged or out of place."""
    found = []
    for _ in range(random.randrange(1, 6)):
        frame = random.choice(known) or b"\x10"
        found += cut(random.randrange(3), frame, random.choice([1, 7, 100, 1000]))
        if random.random() < 0.3:
            found.append(piece(random.randrange(3), b"", random.choice([None, 0, 2**32 - 1]), random.random() < 0.5))
        if random.random() < 0.3:
            random.shuffle(found)
    return [damaged(random, payload) if random.random() < 0.1 else payload for payload in found]


def stream(random, known):
    """The bytes of one direction."""
    kind = random.randrange(5)
    if kind == 0:
        return random.randbytes(random.randrange(2000))
    if kind == 4:
        return b"".join(framed(payload) for payload in fragments(random, known))
    pieces = [framed(damaged(random, random.choice(known))) for _ in range(random.randrange(1, 12))]
    if kind == 1:  # lengths that lie
        pieces = [struct.pack("<I", max(0, len(piece) - 4 + random.randrange(-3, 4))) + piece[4:] for piece in pieces]
    return b"".join(pieces)


def in_pieces(random, data):
    while data:
        size = random.choice([1, 3, 50, 1460, 20_000])
        yield data[:size]
        data = data[size:]


def converse(random, capture, port, known):
    """A connection that begins well or ill or in the middle, and goes on in both directions."""
    connection = Connection(capture, port, begins=random.random() < 0.7)
    before = handshake_of_version_2()
    for place, name in enumerate(["name", "challenge", "reply", "ack"][: random.randrange(5)]):
        connection.send(place % 2 == 0, framed(before[name]))
    for _ in range(random.randrange(1, 4)):
        data = stream(random, known)
        if random.random() < 0.2:
            data = data[random.randrange(len(data) + 1) :]
        for piece in in_pieces(random, data):
            connection.send(random.random() < 0.7, piece)


def term(value):
    return b"\x86" + bytes(8) + b"\x01" + value


def too_much():
    """What is long, deep or many, but keeps to the limits of a frame, or nearly so."""
    yield b"\x12\xff\xff" + b"\0\0" * 65_535
    yield b"\x1d" + struct.pack("<I", 200_000) + bytes(12) * 200_000
    yield b"\x15" + bytes(16) + (b"\x03" + bytes(8)) * 300_000 + b"\x00"
    yield b"\x15" + bytes(16) + b"\x01" + struct.pack("<Q", 2_000_000) + b"x" * 2_000_000
    yield term(b"\x0a" + struct.pack("<I", 300_000) + b"\x06" * 300_000)
    yield term(b"\x28" * 100_000 + b"\x06")
    yield term(b"\x0a\x01\0\0\0" * 63 + b"\x05" + struct.pack("<I", 1_000_000) + b"\xc3\xa4" * 500_000)
    yield term(b"\x0d\xff" * 64 + b"\x06" * 255)
    yield b"\x10" + bytes(8) + b"\xff" * 3_000_000
    yield b"\x83" + bytes(8) + b"\x03" + bytes(4) + bytes(1_000_000)
    yield from cut(1, b"\x10" + bytes(2_000_000), 65_522)
    yield from cut(2, term(b"\x0d\xff" * 64 + b"\x06" * 255), 1)
    yield from (piece(number, b"\x10", 100) for number in range(3, 1_003))  # more unfinished ones than are held


def write(seed, path):
    chance, capture, known = random.Random(seed), Capture(), payloads()
    for number in range(CONNECTIONS):
        converse(chance, capture, 10_000 + number % 250, known)  # some ports are used again
    before = handshake_of_version_2()
    connection = Connection(capture, 20_000)
    for place, name in enumerate(["name", "challenge", "reply", "ack"]):
        connection.send(place % 2 == 0, framed(before[name]))
    for payload in too_much():
        connection.send(True, framed(payload))
    connection.send(False, bytes(4) * 8_000)  # empty frames
    capture.write(path)
    return len(capture.packets)


def complaints(dissector, path, *more):
    command = ["tshark", "-X", f"lua_script:{dissector}", "-r", path, "-o", f"snowdist.plain_ports:{PORT}", *more]
    done = subprocess.run(command, capture_output=True)
    errors = done.stderr.decode(errors="replace")
    found = [line for line in errors.splitlines() if "Running as user" not in line]
    if done.returncode:
        found.append(f"tshark ends with {done.returncode}")
    shown = done.stdout.decode(errors="replace")
    found += [line for line in shown.splitlines() if any(word in line for word in COMPLAINTS)]
    if "Snow DIST" not in shown:
        found.append("nothing is shown")
    return found


def main():
    seed = sys.argv[1] if len(sys.argv) > 1 else "1"
    dissector = sys.argv[2] if len(sys.argv) > 2 else HERE / "snow_dist.lua"
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "fuzz.pcap")
        packets = write(seed, path)
        # Once as it comes; twice, as Wireshark does; and with segments that nobody puts together.
        ways = [("-V",), ("-2", "-V"), ("-V", "-o", "tcp.desegment_tcp_streams:FALSE")]
        found = [line for way in ways for line in complaints(dissector, path, *way)]
    print(f"seed {seed}: {packets} packets, {len(found)} complaints", *found[:10], sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
