"""TCP connections without TLS as a capture file: what a check needs of libpcap's format, and no more."""

import struct

PORT = 9001  # the dissector is told that Snow DIST is spoken here without TLS
SYN, PSH, ACK = 0x02, 0x08, 0x10
SEGMENT_BYTES_MAX = 32_000


class Capture:
    """Packets over made-up time: one a millisecond."""

    def __init__(self):
        self.packets = []

    def packet(self, initiator_sends, client_port, sequence, acknowledged, flags, data=b""):
        source, target = (client_port, PORT) if initiator_sends else (PORT, client_port)
        tcp = struct.pack("!HHIIBBHHH", source, target, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0)
        addresses = [b"\x7f\0\0\1", b"\x7f\0\0\2"] if initiator_sends else [b"\x7f\0\0\2", b"\x7f\0\0\1"]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0) + b"".join(addresses)
        self.packets.append(ip + tcp + data)

    def write(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101))
            for number, packet in enumerate(self.packets):
                seconds, micros = number // 1000, number % 1000 * 1000
                file.write(struct.pack("<IIII", seconds, micros, len(packet), len(packet)) + packet)


class Connection:
    """One connection. Without `begins` the capture has missed its beginning."""

    def __init__(self, capture, client_port, begins=True):
        self.capture, self.port, self.sent = capture, client_port, [1, 1]
        if begins:
            capture.packet(True, client_port, 0, 0, SYN)
            capture.packet(False, client_port, 0, 1, SYN | ACK)

    def send(self, initiator_sends, data):
        """Sends bytes, in as many segments as they need. Gives the number of the packet that has the last of them."""
        for at in range(0, len(data), SEGMENT_BYTES_MAX):
            piece = data[at : at + SEGMENT_BYTES_MAX]
            mine, theirs = (0, 1) if initiator_sends else (1, 0)
            self.capture.packet(initiator_sends, self.port, self.sent[mine], self.sent[theirs], PSH | ACK, piece)
            self.sent[mine] = (self.sent[mine] + len(piece)) % 2**32
        return len(self.capture.packets)


def framed(payload):
    return struct.pack("<I", len(payload)) + payload
