"""The events that a process receives."""

import dataclasses
from typing import Any, Union

from .terms import Pid


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """A reason why a process has ended.

    `kind` is "normal", "error", "killed", "shutdown", "custom", "noconnection" or "unknown". A reason of the kind
    "error" or "custom" has a `text`, and one of the kind "unknown" has bytes as its `text`. `through` contains the
    processes whose links have passed the end on, the last one first.
    """

    kind: str
    text: "str | bytes | None" = None
    through: tuple[Pid, ...] = ()

    @classmethod
    def error(cls, text: str) -> "Reason":
        """Returns the reason of a process that has failed. `text` describes the error."""
        return cls("error", text)

    @classmethod
    def custom(cls, text: str) -> "Reason":
        """Returns a reason that the program defines. `text` contains it."""
        return cls("custom", text)


NORMAL = Reason("normal")
SHUTDOWN = Reason("shutdown")


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A message.

    If the sender has marked the message as a term, `is_term` is True, and `value` is the decoded value. Otherwise
    `value` is the bytes of the message. A term that this package cannot decode also has its bytes as `value`.
    """

    value: Any
    is_term: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Exit:
    """An exit signal: the linked process `sender` has ended, or `sender` has sent the signal (`Process.send_exit`)."""

    sender: Pid
    reason: Reason


@dataclasses.dataclass(frozen=True, slots=True)
class Down:
    """The monitored process `sender` has ended. `reference` is the value that `Process.monitor` returned."""

    reference: int
    sender: Pid
    reason: Reason


@dataclasses.dataclass(frozen=True, slots=True)
class NodeUp:
    """A session with a watched node has begun (`Process.monitor_node`)."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class NodeDown:
    """The session with a watched node has ended."""

    name: str


Event = Union[Message, Exit, Down, NodeUp, NodeDown]
