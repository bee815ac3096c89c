"""The processes of the nodes of this program."""

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
    """A process: it has a pid and a mailbox, and can send, link and monitor.

    `Node.spawn` and `Node.process` return it.

    Use a process only on the event loop on which its node was started.

    If a `send`, `send_named`, `send_exit`, `link` or `monitor` is cancelled while it waits for room, a thread can
    still carry it out within the next 200 ms. The caller does not learn whether that has happened: the message may
    arrive, and a `Down` with an unknown reference may come.
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
        """The pid of the process, to which other processes send."""
        return self._pid

    def __repr__(self):
        return f"<Process {self._pid.number} of {self.node!r}>"

    async def recv(self, timeout: "float | None" = None) -> Event:
        """Waits for the next event in the mailbox, for at most `timeout` seconds if that is not None, and returns it.

        Raises TimeoutError when the time is over. Raises Ended, with the reason, when the process has ended and all
        earlier events have been received. Nothing is lost if the wait is cancelled.
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
        """Sends a message: bytes as they are, and any other value as a term.

        Waits while the queue of the session with the other node, or a bounded mailbox, is full. A message to a process
        that does not exist, or to a node without a session, is dropped.
        """
        if isinstance(message, (bytes, bytearray, memoryview)):
            data = bytes(message)
            await self._patient("snow_send", lib.to_pid(to), data, len(data))
        else:
            term, pids = encode(message)
            await self._patient("snow_send_term", lib.to_pid(to), term, len(term), *lib.to_pids(pids))

    async def send_named(self, name: str, node: str, message) -> None:
        """Sends a message, as `send` does, to the process that is registered under `name` on the node `node`."""
        to = (lib.text(name), lib.text(node))
        if isinstance(message, (bytes, bytearray, memoryview)):
            data = bytes(message)
            await self._patient("snow_send_named", *to, data, len(data))
        else:
            term, pids = encode(message)
            await self._patient("snow_send_named_term", *to, term, len(term), *lib.to_pids(pids))

    async def link(self, to: Pid) -> None:
        """Links this process with another one: when one of them ends, the other receives an exit signal."""
        await self._patient("snow_link", lib.to_pid(to))

    def unlink(self, other: Pid) -> None:
        """Removes a link, if there is one. An exit signal that has already arrived stays in the mailbox."""
        self._call("snow_unlink", lib.to_pid(other))

    async def monitor(self, of: Pid) -> int:
        """Monitors a process, and returns the reference of the monitor.

        When the other process ends, this process receives one `Down` with that reference.
        """
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
        """Removes a monitor, if it still exists. A `Down` that has already arrived stays in the mailbox."""
        self._call("snow_demonitor", reference)

    def monitor_node(self, name: str) -> None:
        """Starts watching a node.

        This process receives `NodeUp` when a session with the node begins, and `NodeDown` when the session ends.
        """
        self._call("snow_monitor_node", lib.text(name))

    def demonitor_node(self, name: str) -> None:
        """Stops watching a node. Events that have already arrived stay in the mailbox."""
        self._call("snow_demonitor_node", lib.text(name))

    def trap_exit(self, trap: bool = True) -> None:
        """Sets whether this process traps exits.

        A process that traps exits receives each exit signal as an `Exit`. Any other process receives only signals with
        the reasons normal and shutdown, and is ended by all others.
        """
        self._call("snow_trap_exit", trap)

    async def send_exit(self, to: Pid, reason: Reason) -> None:
        """Sends an exit signal to another process, whether the two are linked or not.

        Raises Refused if one of the two nodes does not let the other send exit signals.
        """
        await self._patient("snow_send_exit", lib.to_pid(to), ctypes.byref(lib.to_reason(reason)))

    def register(self, name: str) -> None:
        """Registers this process under a name on its node, until it ends.

        Raises NameTaken if a process has the name.
        """
        self.node.register(name, self._pid)

    def exit(self, reason: Reason = NORMAL) -> None:
        """Ends this process with a reason. Has no effect if it has ended.

        A text that is too long for a reason is cut, and characters that are not valid Unicode are replaced by question
        marks.
        """
        if self._is_closed:
            return
        with contextlib.suppress(Ended):
            self._call("snow_exit", ctypes.byref(lib.to_reason(reason)))

    def close(self) -> None:
        """Ends this process if it is alive, and frees its memory in the library.

        A node does this for all its processes.
        """
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
