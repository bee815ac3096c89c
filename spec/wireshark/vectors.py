#!/usr/bin/env python3
"""Holds the dissector against the vectors: each of them, in a connection of its own, as tshark shows it.

    vectors.py [DISSECTOR]

A vector that the Strict reading accepts has no mark of a refusal; one that only the Compatible reading accepts is
marked as tolerated; one that both refuse is marked as refused. The mark names a requirement of the vector, and the
fields have the vector's values. Exit status 0 if all of that holds.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

from pcap import PORT, Capture, Connection, framed

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
FILES = ["frames.json", "handshake.json", "captures-v1.json", "reasons.json", "stf.json", "signals.json"]

# A piece stands in the last field of a frame: the bytes before it.
CARRIER = {
    "reason": bytes.fromhex("1505000000000700000900000000120000"),
    "term": bytes.fromhex("860900000000120000"),
    "term_2": bytes.fromhex("860900000000120000"),
    "signal": bytes.fromhex("100900000000120000"),
}
# These two are what the texts give for a message that ends too early; the vectors name them by the block or the root.
ENDS = {"DIST-FLD-003", "DIST-FLD-004", "STF-VER-001"}
# What a requirement of one reading asks is marked by that of the other.
TWINS = {"HS-MSG-002": "DIST-RDG-002"}
# Captured payloads say nothing of requirements but this one.
CAPTURED = ["DIST-RDG-004"]
# XML has blanks for line ends and tabulators in an attribute.
LINE_ENDS = re.compile("\r\n|[\r\n\t]")
# Characters of UTF-8 that XML cannot hold; tshark writes them all the same.
NOT_IN_XML = re.compile("[\x01-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]")


def hex_of(segments):
    return b"".join(
        bytes.fromhex(piece) if isinstance(piece, str) else bytes.fromhex(piece["hex"]) * piece["times"]
        for piece in segments
    )


def load(name):
    return json.loads((VECTORS / name).read_text())["vectors"]


def handshake_of_version_2():
    [proofs] = [v for v in load("proofs.json") if v["id"] == "handshake-version-2"]
    return {name: bytes.fromhex(proofs[name]) for name in ["name", "challenge", "reply", "ack"]}


def with_terms_2(message):
    """The message, its block announcing bit 6 too. Its proof would be another one; nothing here looks at it."""
    head = bytes.fromhex("02000800")
    place = message.index(head) + len(head)
    return message[:place] + bytes([message[place] | 0x40]) + message[place + 1:]


class Sender:
    """Puts each vector where it is due, behind what has to come before it."""

    def __init__(self):
        self.capture, self.before, self.port = Capture(), handshake_of_version_2(), 10_000

    def connection(self):
        self.port += 1
        return Connection(self.capture, self.port)

    def place(self, kind, payload):
        """Gives the packet that ends the vector."""
        if kind == "handshake":
            return self.handshake(payload)
        connection = self.connection()
        for place, name in enumerate(["name", "challenge", "reply", "ack"]):
            message = self.before[name]
            if kind == "term_2" and place < 2:
                message = with_terms_2(message)
            connection.send(place % 2 == 0, framed(message))
        return connection.send(True, framed(CARRIER.get(kind, b"") + payload))

    def handshake(self, payload):
        connection = self.connection()
        tag = payload[0] if payload else 1
        due = {2: ["name"], 5: ["name"], 3: ["name", "challenge"], 4: ["name", "challenge", "reply"]}.get(tag, [])
        for place, name in enumerate(due):
            connection.send(place % 2 == 0, framed(self.before[name]))
        return connection.send(len(due) % 2 == 0, framed(payload))


def tshark(dissector, path, *options):
    """What tshark shows: for each packet its Snow DIST items. Lua must not have complained."""
    command = ["tshark", "-X", f"lua_script:{dissector}", "-r", path, "-o", f"snowdist.plain_ports:{PORT}"]
    done = subprocess.run([*command, *options, "-T", "pdml"], capture_output=True, check=True)
    errors = done.stderr.decode()
    shown = NOT_IN_XML.sub("?", done.stdout.decode())
    in_tree = [line for line in shown.splitlines() if "_ws.lua.error" in line]
    if "lua" in errors.lower() or in_tree:
        sys.exit("\n".join(["Lua complains:", errors, *in_tree[:3]]))
    return {
        number: [proto for proto in packet.findall("proto") if proto.get("name") == "snowdist"]
        for number, packet in enumerate(ElementTree.fromstring(shown).findall("packet"), 1)
    }


KINDS = {
    ("Group: Malformed", "Severity level: Error"): "refused",
    ("Group: Malformed", "Severity level: Warning"): "refused by a reader of terms",
    ("Group: Undecoded", "Severity level: Warning"): "tolerated",
}


def marks(item):
    """Requirements by kind: `refused`, `tolerated`."""
    found = collections.defaultdict(set)
    for field in item.iter("field"):
        if field.get("name") != "_ws.expert":
            continue
        inside = {inner.get("name"): inner for inner in field}
        group = inside["_ws.expert.group"].get("showname"), inside["_ws.expert.severity"].get("showname")
        rule = inside["_ws.expert.message"].get("show").split(":")[0]
        kind = KINDS.get(group)
        if kind:
            found[kind].add(rule)
    return found


def expected(vector):
    if vector["strict"] == "valid":
        return None
    return "tolerated" if vector["compatible"] == "valid" else "refused"


def judge_signal(vector, item):
    """A signal that cannot be read is a message like any other: only what is shown of it differs."""
    found, kind = shown_values(item), expected(vector)
    if marks(item):
        return f"marked as a frame is: {marks(item)}"
    if "DIST-SIG-003" in vector["requirements"] and kind == "refused":
        return "shown as a signal" if found["signal"] else None
    if not found["signal"]:
        return "not shown as a signal"
    if bool(found["signal.refused"]) != (kind == "refused"):
        return f"refused: {dict(found['signal.refused'])}"
    if bool(found["surplus"]) != (kind == "tolerated"):
        return f"surplus: {dict(found['surplus'])}"
    return None


def judge_marks(vector, item):
    if vector["kind"] == "signal":
        return judge_signal(vector, item)
    found, kind = marks(item), expected(vector)
    if vector["kind"].startswith("term") and kind == "refused":
        kind = "refused by a reader of terms"
    if kind != "refused" and found["refused"]:
        return f"marked as refused: {found['refused']}"
    if kind is None and found["tolerated"]:
        return f"marked as tolerated: {found['tolerated']}"
    if kind and not found[kind]:
        return f"not marked as {kind}"
    twins = {TWINS[rule] for rule in vector["requirements"] if rule in TWINS}
    if kind and vector["requirements"] != CAPTURED and not found[kind] & (set(vector["requirements"]) | ENDS | twins):
        return f"marked by {found[kind]}, not by {vector['requirements']}"
    return None


def pid_text(pid):
    node, creation, local = int(pid["node"]), int(pid["creation"]), int(pid["local"])
    return f"<0.{local}>" if node == creation == 0 else f"<{node}.{local}.{creation}>"


# Values that are shown in another form are compared in that form; lists, reasons and blocks by their parts.
def leaves(tag, fields):
    """Field names and values as tshark shows them."""
    for name, value in fields.items():
        if name == "code":
            yield {"CLOSE": "close.code", "REJECT": "reject.code"}[tag], str(value)
        elif name == "reason":
            yield from reason_leaves(value)
        elif name == "names":
            yield from [("names", str(len(value))), *(("name", text) for text in value)]
        elif name == "entries":
            yield "entries", str(len(value))
            for entry in value:
                yield from leaves(tag, entry)
        elif name == "extension":
            yield from block_leaves(value)
        elif isinstance(value, dict):
            yield name, pid_text(value)
        elif name == "incarnation":
            yield name, f"0x{int(value):016x}"
        elif name == "flags":
            yield name, f"0x{int(value):02x}"
        else:
            yield name, str(value)


def reason_leaves(reason):
    hops = reason.get("hops", [])
    yield "reason.hops", str(len(hops))
    for hop in hops[:64]:
        yield "reason.hop", pid_text(hop)
    root = reason.get("root", reason)
    if "text" in root:
        yield "reason.text", root["text"]


def block_leaves(block):
    for name, value in block.items():
        if name == "versions":
            yield from (("versions", str(version)) for version in value)
        elif name in ("capabilities", "incarnation"):
            yield name, f"0x{int(value):016x}"
        elif name == "unknown":
            for kind, content in value.items():
                yield "tlv.type", f"0x{int(kind):04x}"
                yield "tlv.value", content
        else:
            yield name, str(value)


def shown_values(item):
    found = collections.defaultdict(collections.Counter)
    for field in item.iter("field"):
        name = field.get("name", "")
        if name.startswith("snowdist."):
            found[name.removeprefix("snowdist.")][field.get("show").replace(":", "")] += 1
    return found


def judge_values(vector, item):
    """The first value that differs, and how many were compared."""
    value = vector.get("value")
    if not value or vector["kind"] in ("term", "term_2", "reason"):
        return None, 0
    found, compared = shown_values(item), 0
    if value["tag"] in ("UNKNOWN", "EMPTY"):
        return ("has a name" if found["message_name"] else None), 0
    if vector["kind"] != "signal" and value["tag"] not in found["message_name"]:
        return f"is not {value['tag']} but {dict(found['message_name'])}", 0
    pairs = list(leaves(value["tag"], value["fields"])) if "fields" in value else []
    if value.get("trailing"):
        pairs.append(("surplus", value["trailing"]))
    for name, text in pairs:
        wanted = LINE_ENDS.sub(" ", NOT_IN_XML.sub("?", text.replace("\0", "\\0").replace("\x7f", "\\x7f").replace(":", "")))
        if found[name][wanted] == 0:
            return f"{name} is not {wanted!r} but {dict(found[name])}", compared
        found[name][wanted] -= 1
        compared += 1
    return None, compared


def main():
    dissector = sys.argv[1] if len(sys.argv) > 1 else HERE / "snow_dist.lua"
    sender, cases = Sender(), []
    for file in FILES:
        for vector in load(file):
            payload = hex_of(vector["hex"])
            cases.append((file, vector, sender.place(vector["kind"], payload)))
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/vectors.pcap"
        sender.capture.write(path)
        packets = tshark(dissector, path)
    failed, values, counts = 0, 0, collections.Counter()
    for file, vector, number in cases:
        items = packets[number]
        problem, compared = "is not shown", 0
        if items:
            problem = judge_marks(vector, items[-1])
            if not problem:
                problem, compared = judge_values(vector, items[-1])
        values += compared
        counts[file] += 1
        if problem:
            failed += 1
            print(f"{file} {vector['id']} (packet {number}): {problem}")
    print(", ".join(f"{file} {count}" for file, count in counts.items()))
    print(f"{values} values compared, {failed} failed")
    sys.exit(1 if failed or not values or any(counts[file] == 0 for file in FILES) else 0)


if __name__ == "__main__":
    main()
