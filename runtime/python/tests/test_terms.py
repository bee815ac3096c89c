"""Terms against the vectors of the specification, and Python values against themselves."""

import dataclasses
import json
import os
import unittest
from pathlib import Path

from snow_dist import UNIT, Err, NamedVariant, Ok, Pid, Set, Some, Struct, TermError, Variant, decode, encode

SPEC = Path(os.environ["SNOW_SPEC"])


def parts(pieces):
    """The bytes of a vector: hexadecimal, and pieces that are repeated."""
    return b"".join(
        bytes.fromhex(piece) if isinstance(piece, str) else bytes.fromhex(piece["hex"]) * piece["times"] for piece in pieces
    )


class Vectors(unittest.TestCase):
    def test_each_is_judged_as_the_strict_reading_does(self):
        vectors = json.loads((SPEC / "vectors" / "stf.json").read_text())["vectors"]
        self.assertGreater(len(vectors), 100)
        for vector in vectors:
            with self.subTest(vector["id"]):
                data, kind = parts(vector["hex"]), {"term": 1, "term_2": 2}[vector["kind"]]
                if vector["strict"] != "valid":
                    self.assertRaises(TermError, decode, data, (), kind)
                    continue
                value = decode(data, (), kind)
                written = encode(value)[0]
                # What Python has once only is written once: keys and fields that stood twice. Sets have no order, empty maps
                # no keys that have a type, and pids are numbered.
                if not vector["id"].endswith(("-twice", "-most-pairs", "-struct-most", "-variant-most")):
                    self.assertEqual(len(written), len(data))
                    if not any(word in vector["id"] for word in ("set", "map-empty", "pid", "term-2-variant")):
                        self.assertEqual(written, data)


class Values(unittest.TestCase):
    def test_values_come_back(self):
        pids = [Pid(0, 1 << 40 | 7), Pid(3, 9)]
        for value in [
            0, -(1 << 63), (1 << 63) - 1, 1.5, float("-inf"), True, False, "", "nö", None, UNIT, [], [1, [2]], (), (1, "a"),
            {}, {1: 2}, {"a": {"b": None}}, frozenset({1, 2}), Set(([1], [1])), Set((1, True)), Some(None), Ok(1), Err("x"),
            Struct("P", {"x": 1}), Variant("E", 2, (1, 2)), b"", b"\xff\x00", (1 << 64) - 1, {1 << 63: 1, 2: 3},
            NamedVariant("E", "V", {"x": b"y"}), pids[0], [pids[1], {"p": pids[0]}],
        ]:
            with self.subTest(value):
                self.assertEqual(decode(*encode(value)), value)

    def test_a_dataclass_is_a_struct(self):
        @dataclasses.dataclass
        class Point:
            x: int
            y: float

        self.assertEqual(decode(*encode(Point(1, 2.5))), Struct("Point", {"x": 1, "y": 2.5}))

    def test_what_is_no_term_is_refused(self):
        deep = None
        for _ in range(64):
            deep = [deep]
        for value in [1 << 64, object(), {b"k": 1}, {1: 1, "a": 2}, {True: 1}, {2.5: 1}, deep, "\ud800", tuple(range(256)), Variant("E", 256)]:
            with self.subTest(repr(value)[:40]):
                self.assertRaises(TermError, encode, value)


if __name__ == "__main__":
    unittest.main()
