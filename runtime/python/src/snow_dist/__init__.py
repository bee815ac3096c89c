"""Snow DIST for Python: nodes on different machines whose processes send messages to each other.

A process is an asyncio task with a mailbox:

    async def greeter(me):
        message = await me.recv()
        await me.send(message.value, "hello")

    async with await Node.start("a@127.0.0.1:0", cookie=cookie) as node:
        pid = node.spawn(greeter).pid
"""

from .errors import (
    CallFailed,
    ConnectError,
    Ended,
    LimitReached,
    NameTaken,
    NoProcess,
    Refused,
    SnowError,
    StartError,
    Stopped,
    TermError,
    Unusable,
    WrongArgument,
)
from .events import Down, Event, Exit, Message, NodeDown, NodeUp, Reason
from .node import Node
from .process import Process
from .terms import UNIT, Err, NamedVariant, Ok, Pid, Set, Some, Struct, Variant, decode, encode

__all__ = [
    "CallFailed", "ConnectError", "Down", "Ended", "Err", "Event", "Exit", "LimitReached", "Message",
    "NameTaken", "NamedVariant", "NoProcess", "Node", "NodeDown", "NodeUp", "Ok", "Pid", "Process", "Reason", "Refused", "Set", "SnowError", "Some",
    "StartError", "Stopped", "Struct", "TermError", "UNIT", "Unusable", "Variant", "WrongArgument", "decode", "encode",
]
