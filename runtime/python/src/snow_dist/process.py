"""A process of a node of this program."""

import asyncio
import contextlib
import ctypes

from . import _library as lib
from .errors import Ended
from .events import NORMAL, Event, Reason
from .terms import Pid, encode

# Events in the library's queue of a process; what is more waits in its mailbox.
QUEUE_EVENTS = 256
# How long a call that waits for room keeps a thread before it looks whether it is still wanted.
SLICE_MILLIS = 200


class Process:
    """A process: has a pid, sends, links and monitors, and receives what comes to its mailbox.

    `Node.spawn` and `Node.process` give it. All of it is used on the event loop that the node was started on.

    A `send`, `send_named`, `send_exit`, `link` or `monitor` that is cancelled while it waits for room can still be done within
    the next 200 ms, on the thread that waits. Whoever cancels one cannot know which: a message may arrive, and a `Down` may
    come whose reference nobody was given.
    """

    def __init__(self, node, handle):
        self._loop = asyncio.get_running_loop()
        # If one of these fails, what those before it have made is freed.
        with contextlib.ExitStack() as made:
            self._queue = lib.give(lib.Queue, "snow_queue_new", QUEUE_EVENTS)
            made.callback(lib.call, "snow_queue_free", self._queue)
            self._handle = lib.give(lib.Process, "snow_spawn", handle, self._queue)
            made.callback(lib.call, "snow_process_free", self._handle)
            self._descriptor = lib.give(ctypes.c_int32, "snow_queue_descriptor", self._queue).value
            self._pid = lib.of_pid(lib.give(lib.CPid, "snow_self", self._handle))
            made.pop_all()
        self._waiter = None
        self._is_closed = False
        self.node = node
        self.task = None
        self.reason = None

    @property
    def pid(self) -> Pid:
        """Who it is: others send to this."""
        return self._pid

    def __repr__(self):
        return f"<Process {self._pid.number} of {self.node!r}>"

    async def recv(self, timeout: "float | None" = None) -> Event:
        """The next thing in the mailbox; waits for it, for at most so many seconds if a timeout is given.

        Raises Ended, with the reason, when the process has ended and all that came before has been received; TimeoutError
        when the time is over. Nothing is lost if the wait is cancelled.
        """
        if timeout is None:
            return await self._recv()
        return await asyncio.wait_for(self._recv(), timeout)

    async def _recv(self):
        while True:
            try:
                event = lib.next_event(self._open()._queue)
            except TimeoutError:
                await self._readable()
                continue
            if not isinstance(event, Reason):
                return event
            self.reason = event

    def _open(self):
        """This, unless it has ended and all has been received."""
        if self._is_closed or self.reason is not None:
            raise Ended(f"the process has ended: {self.reason}", self.reason)
        return self

    async def _readable(self):
        if self._waiter is not None:
            raise RuntimeError("another task receives for this process")
        self._waiter = self._loop.create_future()
        self._loop.add_reader(self._descriptor, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if not self._is_closed:
                self._loop.remove_reader(self._descriptor)

    def _wake(self):
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _patient(self, name, *arguments):
        """Calls a function that can wait for room: at once, and on another thread if it must."""
        try:
            return self._call(name, *arguments, 0)
        except TimeoutError:
            pass
        while True:
            try:
                return await self._loop.run_in_executor(None, self._call, name, *arguments, SLICE_MILLIS)
            except TimeoutError:
                pass

    def _call(self, name, *arguments):
        try:
            lib.call(name, self._handle, *arguments)
        except Ended as ended:
            ended.reason = self.reason
            raise

    async def send(self, to: Pid, message) -> None:
        """Sends a message: bytes as they are, any other value as a term. Waits while there is no room."""
        if isinstance(message, (bytes, bytearray, memoryview)):
            data = bytes(message)
            await self._patient("snow_send", lib.to_pid(to), data, len(data))
        else:
            term, pids = encode(message)
            await self._patient("snow_send_term", lib.to_pid(to), term, len(term), *lib.to_pids(pids))

    async def send_named(self, name: str, node: str, message) -> None:
        """Sends a message, as `send` does, to whoever is registered under a name on a node."""
        to = (lib.text(name), lib.text(node))
        if isinstance(message, (bytes, bytearray, memoryview)):
            data = bytes(message)
            await self._patient("snow_send_named", *to, data, len(data))
        else:
            term, pids = encode(message)
            await self._patient("snow_send_named_term", *to, term, len(term), *lib.to_pids(pids))

    async def link(self, to: Pid) -> None:
        """Links this process and another: the end of one is an exit signal for the other."""
        await self._patient("snow_link", lib.to_pid(to))

    def unlink(self, other: Pid) -> None:
        """Ends a link, if there is one."""
        self._call("snow_unlink", lib.to_pid(other))

    async def monitor(self, of: Pid) -> int:
        """Monitors a process: its end becomes one `Down` with the reference that this returns."""
        reference = ctypes.c_uint64()

        def monitor(timeout):
            self._call("snow_monitor", lib.to_pid(of), timeout, ctypes.byref(reference))
            return reference.value

        try:
            return monitor(0)
        except TimeoutError:
            pass
        while True:
            try:
                return await self._loop.run_in_executor(None, monitor, SLICE_MILLIS)
            except TimeoutError:
                pass

    def demonitor(self, reference: int) -> None:
        """Ends a monitor, if it is not over."""
        self._call("snow_demonitor", reference)

    def monitor_node(self, name: str) -> None:
        """Receives `NodeUp` and `NodeDown` when a session with the node begins and ends."""
        self._call("snow_monitor_node", lib.text(name))

    def demonitor_node(self, name: str) -> None:
        """Stops monitoring a node."""
        self._call("snow_demonitor_node", lib.text(name))

    def trap_exit(self, trap: bool = True) -> None:
        """Sets whether exit signals become events. Otherwise one with another reason than normal and shutdown ends this."""
        self._call("snow_trap_exit", trap)

    async def send_exit(self, to: Pid, reason: Reason) -> None:
        """Sends another process an exit signal, linked or not."""
        await self._patient("snow_send_exit", lib.to_pid(to), ctypes.byref(lib.to_reason(reason)))

    def register(self, name: str) -> None:
        """Registers this process under a name on its node, until it ends."""
        self.node.register(name, self._pid)

    def exit(self, reason: Reason = NORMAL) -> None:
        """Ends this process. Does nothing if it has ended.

        Of a text that is too long for a reason the beginning is told, and a question mark stands for what is not Unicode.
        """
        if self._is_closed:
            return
        with contextlib.suppress(Ended):
            self._call("snow_exit", ctypes.byref(lib.to_reason(reason)))

    def close(self) -> None:
        """Ends this process if it lives, and frees what the library keeps of it. The node does so when it is closed."""
        if self._is_closed:
            return
        self._is_closed = True
        self._loop.remove_reader(self._descriptor)
        self._wake()
        lib.call("snow_process_free", self._handle)
        lib.call("snow_queue_free", self._queue)
        self.node._forget(self)

    def _end(self, reason):
        """Ends this process and closes it, whatever the reason is: those who are linked to it learn of its end.

        Raises why a reason cannot be told; another is told then, since it was no normal end.
        """
        try:
            self.exit(reason)
        except BaseException:
            self.exit(Reason.error("the reason of its end cannot be told"))
            raise
        finally:
            self.close()

    def _ended(self, reason):
        """The node has learned of the end: the task of the process ends with it."""
        if self.task is not None and not self.task.done():
            self.reason = reason
            self.task.cancel()

    async def __aenter__(self):
        return self

    async def __aexit__(self, _kind, error, _trace):
        self._end(NORMAL if error is None else reason_of(error))


def reason_of(error):
    """What others are told of an exception. Its own text is the program's, and may fail itself."""
    try:
        return Reason.error(f"{type(error).__name__}: {error}")
    except Exception:
        return Reason.error(type(error).__name__)
