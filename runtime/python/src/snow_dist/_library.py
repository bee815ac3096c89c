"""The C interface by ctypes: structs and functions as `snow_dist.h` has them."""

import ctypes
import ctypes.util
import os
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char_p, c_int32, c_int64, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from pathlib import Path

from .errors import OK, SnowError, TermError, of_status
from .events import Down, Exit, Message, NodeDown, NodeUp, Reason
from .terms import Pid, decode


def _handle(name):
    return type(name, (Structure,), {"_fields_": [("id", c_uint64)]})


Builder = _handle("Builder")
Node = _handle("Node")
Queue = _handle("Queue")
Process = _handle("Process")
Memory = _handle("Memory")


class CPid(Structure):
    _fields_ = [("node", c_uint64), ("process", c_uint64)]


class CReason(Structure):
    _fields_ = [
        ("kind", c_uint32), ("text", c_void_p), ("text_length", c_size_t), ("pids", POINTER(CPid)), ("pid_count", c_size_t),
    ]


class CEvent(Structure):
    _fields_ = [
        ("kind", c_uint32), ("is_term", c_bool), ("process", Process), ("from_", CPid), ("reference", c_uint64),
        ("data", c_void_p), ("length", c_size_t), ("pids", POINTER(CPid)), ("pid_count", c_size_t), ("reason", CReason),
        ("memory", Memory),
    ]


class CBytes(Structure):
    _fields_ = [("data", c_void_p), ("length", c_size_t), ("memory", Memory)]


LOG = CFUNCTYPE(None, c_void_p, c_uint32, c_char_p)
_MESSAGE = (c_char_p, c_size_t)
_TERM = (c_char_p, c_size_t, POINTER(CPid), c_size_t)

# The arguments of each function; all of these return a status.
FUNCTIONS = {
    "snow_builder_new": (c_char_p, POINTER(Builder)),
    "snow_builder_cookie": (Builder, c_char_p, c_size_t),
    "snow_builder_cookie_file": (Builder, c_char_p),
    "snow_builder_certificates": (Builder, c_char_p, c_char_p, c_char_p, c_bool),
    "snow_builder_remote_exit": (Builder, c_char_p),
    "snow_builder_listen": (Builder, c_char_p),
    "snow_builder_set": (Builder, c_uint32, c_uint64),
    "snow_builder_version_1": (Builder, c_char_p, c_uint16),
    "snow_builder_free": (Builder,),
    "snow_start": (Builder, POINTER(Node)),
    "snow_shutdown": (Node,),
    "snow_node_free": (Node,),
    "snow_node_name": (Node, POINTER(CBytes)),
    "snow_reload": (Node,),
    "snow_connect": (Node, c_char_p, c_int64),
    "snow_disconnect": (Node, c_char_p),
    "snow_nodes": (Node, POINTER(CBytes)),
    "snow_pid_on": (Node, c_char_p, c_uint64, POINTER(CPid)),
    "snow_node_of": (Node, CPid, POINTER(CBytes)),
    "snow_register": (Node, c_char_p, CPid),
    "snow_unregister": (Node, c_char_p),
    "snow_whereis": (Node, c_char_p, POINTER(CPid)),
    "snow_kill": (Node, CPid),
    "snow_is_alive": (Node, CPid),
    "snow_spawn": (Node, Queue, POINTER(Process)),
    "snow_spawn_bounded": (Node, Queue, c_uint64, c_uint32, POINTER(Process)),
    "snow_process_free": (Process,),
    "snow_self": (Process, POINTER(CPid)),
    "snow_send": (Process, CPid, *_MESSAGE, c_int64),
    "snow_send_term": (Process, CPid, *_TERM, c_int64),
    "snow_send_named": (Process, c_char_p, c_char_p, *_MESSAGE, c_int64),
    "snow_send_named_term": (Process, c_char_p, c_char_p, *_TERM, c_int64),
    "snow_link": (Process, CPid, c_int64),
    "snow_unlink": (Process, CPid),
    "snow_monitor": (Process, CPid, c_int64, POINTER(c_uint64)),
    "snow_demonitor": (Process, c_uint64),
    "snow_monitor_node": (Process, c_char_p),
    "snow_demonitor_node": (Process, c_char_p),
    "snow_trap_exit": (Process, c_bool),
    "snow_exit": (Process, POINTER(CReason)),
    "snow_send_exit": (Process, CPid, POINTER(CReason), c_int64),
    "snow_queue_new": (c_uint64, POINTER(Queue)),
    "snow_queue_free": (Queue,),
    "snow_queue_next": (Queue, c_int64, POINTER(CEvent)),
    "snow_queue_descriptor": (Queue, POINTER(c_int32)),
    "snow_term_from_json": (c_char_p, c_size_t, POINTER(CBytes)),
    "snow_term_to_json": (c_char_p, c_size_t, POINTER(CBytes)),
    "snow_set_log": (LOG, c_void_p, c_uint32),
    "snow_event_free": (POINTER(CEvent),),
    "snow_bytes_free": (POINTER(CBytes),),
}
# Those that return a text.
TEXTS = ("snow_last_error", "snow_version")


def _find():
    """The library: the one that `SNOW_DIST_LIBRARY` names, one beside this file, or the system's."""
    named = os.environ.get("SNOW_DIST_LIBRARY")
    beside = sorted(Path(__file__).parent.glob("*snow_dist*.so")) + sorted(Path(__file__).parent.glob("*snow_dist*.dylib"))
    found = named or (str(beside[0]) if beside else ctypes.util.find_library("snow_dist"))
    if found is None:
        raise ImportError("libsnow_dist is not installed: `cargo cinstall` does it, or SNOW_DIST_LIBRARY names it")
    return found


def _load():
    library = ctypes.CDLL(_find())
    for name, arguments in FUNCTIONS.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_int32
    for name in TEXTS:
        function = getattr(library, name)
        function.argtypes, function.restype = (), c_char_p
    return library


_LIBRARY = _load()


def call(name, *arguments):
    """Calls a function; raises what its status stands for."""
    status = getattr(_LIBRARY, name)(*arguments)
    if status != OK:
        raise of_status(status, _LIBRARY.snow_last_error().decode())


def give(kind, name, *arguments):
    """Calls a function that gives something of this kind in its last argument."""
    given = kind()
    call(name, *arguments, byref(given))
    return given


def text(value):
    """A text for the library."""
    encoded = value.encode()
    if b"\0" in encoded:
        raise SnowError("a text for the library has no zero byte in it")
    return encoded


def text_of(name, *arguments):
    """The text that a function gives."""
    given = give(CBytes, name, *arguments)
    try:
        return ctypes.string_at(given.data, given.length).decode() if given.length else ""
    finally:
        call("snow_bytes_free", byref(given))


def to_pid(pid):
    """A pid for the library."""
    return CPid(pid.node, pid.process)


def of_pid(pid):
    """A pid of the library."""
    return Pid(pid.node, pid.process)


def to_pids(pids):
    """Pids for the library, and how many they are."""
    return (CPid * len(pids))(*map(to_pid, pids)), len(pids)


_KINDS = {0: "normal", 1: "error", 2: "killed", 4: "shutdown", 5: "custom", 6: "noconnection", 255: "unknown"}
_NUMBERS = {name: number for number, name in _KINDS.items()}


# As in `snow_dist.h`. What is longer is cut, as the library does for other nodes: an end is told, whatever was to be said of it.
TEXT_BYTES_MAX = 65_536
REASON_PIDS_MAX = 1_024


def _words(text):
    """The text of a reason: whole characters, and as many as there is room for."""
    if isinstance(text, bytes):
        return text
    return (text or "").encode(errors="replace")[:TEXT_BYTES_MAX].decode(errors="ignore").encode()


def to_reason(reason):
    """A reason for the library. What it points to lives as long as it."""
    if reason.kind not in _NUMBERS:
        raise SnowError(f"there is no reason of the kind {reason.kind!r}")
    words = _words(reason.text)
    pids, count = to_pids(reason.through[:REASON_PIDS_MAX])
    made = CReason(_NUMBERS[reason.kind], ctypes.cast(c_char_p(words), c_void_p), len(words), pids, count)
    made.kept = words
    return made


def of_reason(reason):
    """A reason of the library."""
    kind = _KINDS.get(reason.kind, "unknown")
    words = ctypes.string_at(reason.text, reason.text_length) if reason.text else None
    if words is not None and kind != "unknown":
        words = words.decode()
    return Reason(kind, words, tuple(of_pid(reason.pids[at]) for at in range(reason.pid_count)))


def next_event(queue):
    """The next event of a queue, and whether it is the process's end; TimeoutError if there is none."""
    event = give(CEvent, "snow_queue_next", queue, 0)
    try:
        return _EVENTS[event.kind](event)
    finally:
        call("snow_event_free", byref(event))


def _data(event):
    return ctypes.string_at(event.data, event.length) if event.length else b""


def _message(event):
    data = _data(event)
    if not event.is_term:
        return Message(data, False)
    pids = [of_pid(event.pids[at]) for at in range(event.pid_count)]
    try:
        return Message(decode(data, pids), True)
    except TermError:
        # A term of a later kind: the program has its bytes.
        return Message(data, True)


_EVENTS = {
    1: _message,
    2: lambda event: Exit(of_pid(event.from_), of_reason(event.reason)),
    3: lambda event: Down(event.reference, of_pid(event.from_), of_reason(event.reason)),
    4: lambda event: NodeUp(_data(event).decode()),
    5: lambda event: NodeDown(_data(event).decode()),
    6: lambda event: of_reason(event.reason),
}
