"""What a process receives."""

import dataclasses
from typing import Any, Union

from .terms import Pid


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """Why a process ended.

    `kind` is one of normal, error, killed, shutdown, custom, noconnection, unknown. Errors and reasons of a program's own
    have a text. `through` are the processes through which the end was passed on, the last one first.
    """

    kind: str
    text: "str | bytes | None" = None
    through: tuple[Pid, ...] = ()

    @classmethod
    def error(cls, text: str) -> "Reason":
        """It failed."""
        return cls("error", text)

    @classmethod
    def custom(cls, text: str) -> "Reason":
        """A reason of the program's own."""
        return cls("custom", text)


NORMAL = Reason("normal")
SHUTDOWN = Reason("shutdown")


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A message. `value` is what a term says if its sender has marked it as one and it is one, and bytes
    otherwise."""

    value: Any
    is_term: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Exit:
    """A linked process has ended, or another has sent an exit signal."""

    sender: Pid
    reason: Reason


@dataclasses.dataclass(frozen=True, slots=True)
class Down:
    """A monitored process has ended: `reference` is what `Process.monitor` gave."""

    reference: int
    sender: Pid
    reason: Reason


@dataclasses.dataclass(frozen=True, slots=True)
class NodeUp:
    """A session with a monitored node has begun."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class NodeDown:
    """The session with a monitored node is over."""

    name: str


Event = Union[Message, Exit, Down, NodeUp, NodeDown]
