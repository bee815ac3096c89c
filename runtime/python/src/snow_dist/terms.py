"""Terms (STF) as Python values. Specification: `spec/stf.md`.

| term | Python |
|---|---|
| int, float, true and false, string | int, float, bool, str |
| unit; none; Some, Ok, Err | UNIT; None; Some, Ok, Err |
| list, tuple | list, tuple |
| map | dict whose keys are all int or all str |
| set | set or frozenset; decoded as a frozenset, or as a Set if a frozenset cannot hold the same values |
| struct | Struct; any dataclass is encoded as a struct |
| bytes | bytes; a bytearray is encoded as bytes |
| sum | Variant |
| variant | NamedVariant |
| pid | Pid |

An int must be from -2^63 to 2^64 - 1. Ints of 2^63 or more, bytes and NamedVariant need a term of the second kind.
Sending such a term to a node that cannot read it raises Refused, with a text that names the capability `terms_2`.
"""

import dataclasses
import struct
from typing import Any

from .errors import TermError

VERSION = 1
DEPTH_MAX = 64
ELEMENTS_MAX = 1_000_000
STRING_BYTES_MAX = 16 * 1024 * 1024
BYTES_MAX = 16 * 1024 * 1024
LOCAL_MAX = (1 << 40) - 1

_INT, _FLOAT, _TRUE, _FALSE, _STRING, _UNIT = 1, 2, 3, 4, 5, 6
_LIST, _MAP, _SET, _TUPLE = 10, 11, 12, 13
_STRUCT, _SUM, _PID = 20, 21, 30
_SOME, _NONE, _OK, _ERR = 40, 41, 42, 43
_BYTES, _U64, _NAMED = 7, 8, 22


@dataclasses.dataclass(frozen=True, slots=True)
class Pid:
    """The id of a process on any node. It is valid only at the node from which it came."""

    node: int
    process: int

    @property
    def number(self) -> int:
        """The number of the process on its node, as `Node.pid_on` expects it."""
        return self.process & LOCAL_MAX


@dataclasses.dataclass(frozen=True, slots=True)
class Some:
    """The value of an option that holds a value. None is an option without a value."""

    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Ok:
    """The value of a result that is a success."""

    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Err:
    """The value of a result that is an error."""

    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Set:
    """A set that a frozenset cannot hold.

    Its values are not hashable, or two of them are equal in Python but not as terms, such as 1 and True.
    """

    values: tuple


@dataclasses.dataclass(frozen=True, slots=True)
class Struct:
    """A struct: its name, and its fields by name."""

    name: str
    fields: dict


@dataclasses.dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a sum type: the name of the type, the number of the variant, and its values."""

    name: str
    variant: int
    values: tuple = ()


@dataclasses.dataclass(frozen=True, slots=True)
class NamedVariant:
    """A variant of a sum type with named fields: the name of the type, the name of the variant, and its fields."""

    name: str
    variant: str
    fields: dict


class _Unit:
    __slots__ = ()

    def __repr__(self):
        return "UNIT"


UNIT = _Unit()
_WRAPPERS = ((Some, _SOME), (Ok, _OK), (Err, _ERR))


def encode(value) -> tuple[bytes, list[Pid]]:
    """Encodes a value as a term. Returns the bytes, in which pids are numbered from 0, and the list of these pids.

    Raises TermError if the value cannot be encoded.
    """
    writer = _Writer()
    writer.value(value, DEPTH_MAX)
    return bytes(writer.out), writer.pids


def decode(data: bytes, pids: "list[Pid] | tuple[Pid, ...]" = (), kind: int = 2):
    """Decodes a term, and returns its value. `pids` contains the processes that the numbered pids in `data` stand for.

    `kind` is the highest kind of terms that is accepted, 1 or 2. Raises TermError if `data` is not a term of such a
    kind.
    """
    reader = _Reader(data, pids, kind)
    if reader.number("<B") != VERSION:
        raise TermError("the version is not 1")
    value = reader.value(DEPTH_MAX)
    if reader.at != len(data):
        raise TermError(f"{len(data) - reader.at} bytes too many")
    return value


class _Writer:
    def __init__(self):
        self.out = bytearray([VERSION])
        self.pids = []

    def tag(self, tag, form="", *numbers):
        self.out.append(tag)
        self.out += struct.pack("<" + form, *numbers)

    def name(self, name):
        text = _utf8(name)
        if len(text) > 0xFFFF:
            raise TermError("a name is longer than 65 535 bytes")
        self.out += struct.pack("<H", len(text)) + text

    def all(self, values, depth):
        for value in values:
            self.value(value, depth)

    def many(self, tag, values, depth):
        self.tag(tag, "I", _count(values, ELEMENTS_MAX))
        self.all(values, depth)

    def value(self, value, depth):
        if depth == 0:
            raise TermError(f"the value is more than {DEPTH_MAX} levels deep")
        depth -= 1
        if value is None:
            self.tag(_NONE)
        elif value is UNIT:
            self.tag(_UNIT)
        elif isinstance(value, bool):
            self.tag(_TRUE if value else _FALSE)
        elif isinstance(value, int):
            self.integer(value)
        elif isinstance(value, float):
            self.tag(_FLOAT, "d", value)
        elif isinstance(value, str):
            text = _utf8(value)
            self.tag(_STRING, "I", _count(text, STRING_BYTES_MAX))
            self.out += text
        elif isinstance(value, (bytes, bytearray)):
            self.tag(_BYTES, "I", _count(value, BYTES_MAX))
            self.out += value
        elif isinstance(value, list):
            self.many(_LIST, value, depth)
        elif isinstance(value, tuple):
            self.tag(_TUPLE, "B", _count(value, 0xFF))
            self.all(value, depth)
        elif isinstance(value, dict):
            self.map(value, depth)
        elif isinstance(value, (set, frozenset)):
            self.many(_SET, value, depth)
        else:
            self.typed(value, depth)

    def integer(self, value):
        if not -(1 << 63) <= value < 1 << 64:
            raise TermError(f"{value} does not fit into 64 bits")
        if value < 1 << 63:
            self.tag(_INT, "q", value)
        else:
            self.tag(_U64, "Q", value)

    def map(self, value, depth):
        ints = bool(value) and all(type(key) is int for key in value)
        if not ints and not all(isinstance(key, str) for key in value):
            raise TermError("the keys of a map are neither all int nor all str")
        self.tag(_MAP, "BI", 0 if ints else 1, _count(value, ELEMENTS_MAX))
        for key, held in value.items():
            self.value(key, depth)
            self.value(held, depth)

    def typed(self, value, depth):
        for wrapper, tag in _WRAPPERS:
            if isinstance(value, wrapper):
                self.tag(tag)
                return self.value(value.value, depth)
        if isinstance(value, Pid):
            self.tag(_PID, "Q", len(self.pids))
            self.pids.append(value)
        elif isinstance(value, Set):
            self.many(_SET, value.values, depth)
        elif isinstance(value, Variant):
            self.out.append(_SUM)
            self.name(value.name)
            if not 0 <= value.variant <= 0xFF:
                raise TermError("the number of a variant is from 0 to 255")
            self.out += struct.pack("<BH", value.variant, _count(value.values, 0xFFFF))
            self.all(value.values, depth)
        elif isinstance(value, NamedVariant):
            self.out.append(_NAMED)
            self.name(value.name)
            self.name(value.variant)
            self.fields(value.fields, depth)
        elif isinstance(value, Struct):
            self.structure(value.name, value.fields, depth)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            self.structure(type(value).__name__, fields, depth)
        else:
            raise TermError(f"a {type(value).__name__} is no term")

    def structure(self, name, fields, depth):
        self.out.append(_STRUCT)
        self.name(name)
        self.fields(fields, depth)

    def fields(self, fields, depth):
        self.out += struct.pack("<H", _count(fields, 0xFFFF))
        for field, held in fields.items():
            self.name(field)
            self.value(held, depth)


def _utf8(text):
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TermError(str(error)) from None


def _count(values, most):
    if len(values) > most:
        raise TermError(f"{len(values)} are more than {most}")
    return len(values)


class _Reader:
    def __init__(self, data, pids, kind):
        self.kind = kind
        self.data = data
        self.pids = pids
        self.at = 0

    def take(self, length):
        end = self.at + length
        if end > len(self.data):
            raise TermError(f"the term ends at byte {len(self.data)}, within a value")
        taken = self.data[self.at:end]
        self.at = end
        return taken

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, length):
        at = self.at
        try:
            return str(self.take(length), "utf-8")
        except UnicodeDecodeError:
            raise TermError(f"the text at byte {at} is not UTF-8") from None

    def count(self, form, least_bytes, most):
        """A number of values, which is held against the bytes that are there before anything is made of it."""
        count = self.number(form)
        if count > most or count * least_bytes > len(self.data) - self.at:
            raise TermError(f"{count} values are more than can be")
        return count

    def all(self, count, depth):
        return [self.value(depth) for _ in range(count)]

    def value(self, depth):
        at = self.at
        tag = self.number("<B")
        if depth == 0:
            raise TermError(f"the term is more than {DEPTH_MAX} levels deep")
        read = _READERS.get(tag)
        if read is None or tag in _SECOND_KIND and self.kind < 2:
            raise TermError(f"there is no value of the tag {tag}, at byte {at}")
        return read(self, depth - 1)

    def string(self, _depth):
        length = self.number("<I")
        if length > STRING_BYTES_MAX:
            raise TermError("a string is longer than 16 MiB")
        return self.text(length)

    def map(self, depth):
        kind = self.number("<B")
        if kind > 1:
            raise TermError(f"there are no keys of the type {kind}")
        wanted, values = ((_INT, _U64), (_STRING,))[kind], {}
        for _ in range(self.count("<I", 2, ELEMENTS_MAX)):
            if self.at < len(self.data) and self.data[self.at] not in wanted:
                raise TermError(f"the key at byte {self.at} is not of the map's type")
            key = self.value(depth)
            values[key] = self.value(depth)
        return values

    def set(self, depth):
        values = tuple(self.all(self.count("<I", 1, ELEMENTS_MAX), depth))
        try:
            held = frozenset(values)
        except TypeError:
            return Set(values)
        return held if len(held) == len(values) else Set(values)

    def bytes(self, _depth):
        length = self.number("<I")
        if length > BYTES_MAX:
            raise TermError("bytes are longer than 16 MiB")
        return bytes(self.take(length))

    def large(self, _depth):
        number = self.number("<Q")
        if number < 1 << 63:
            raise TermError(f"{number} is an int, and is written as a u64")
        return number

    def structure(self, depth):
        return Struct(self.text(self.number("<H")), self.fields(depth))

    def named_variant(self, depth):
        name, variant = self.text(self.number("<H")), self.text(self.number("<H"))
        return NamedVariant(name, variant, self.fields(depth))

    def fields(self, depth):
        fields = {}
        for _ in range(self.count("<H", 3, 0xFFFF)):
            field = self.text(self.number("<H"))
            fields[field] = self.value(depth)
        return fields

    def variant(self, depth):
        name, variant = self.text(self.number("<H")), self.number("<B")
        return Variant(name, variant, tuple(self.all(self.count("<H", 1, 0xFFFF), depth)))

    def pid(self, _depth):
        number = self.number("<Q")
        if number >= len(self.pids):
            return Pid((1 << 64) - 1, number & ((1 << 48) - 1))
        return self.pids[number]


_SECOND_KIND = {_BYTES, _U64, _NAMED}
_READERS = {
    _INT: lambda reader, _: reader.number("<q"),
    _FLOAT: lambda reader, _: reader.number("<d"),
    _TRUE: lambda reader, _: True,
    _FALSE: lambda reader, _: False,
    _STRING: _Reader.string,
    _BYTES: _Reader.bytes,
    _U64: _Reader.large,
    _NAMED: _Reader.named_variant,
    _UNIT: lambda reader, _: UNIT,
    _LIST: lambda reader, depth: reader.all(reader.count("<I", 1, ELEMENTS_MAX), depth),
    _MAP: _Reader.map,
    _SET: _Reader.set,
    _TUPLE: lambda reader, depth: tuple(reader.all(reader.count("<B", 1, 0xFF), depth)),
    _STRUCT: _Reader.structure,
    _SUM: _Reader.variant,
    _PID: _Reader.pid,
    _SOME: lambda reader, depth: Some(reader.value(depth)),
    _NONE: lambda reader, _: None,
    _OK: lambda reader, depth: Ok(reader.value(depth)),
    _ERR: lambda reader, depth: Err(reader.value(depth)),
}
