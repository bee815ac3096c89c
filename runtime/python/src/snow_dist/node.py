"""A node: its processes, and its sessions with other nodes."""

import asyncio
import ctypes

from . import _library as lib
from .errors import Ended, SnowError, Stopped
from .events import NORMAL, SHUTDOWN, Down, Reason
from .process import SLICE_MILLIS, Process, reason_of
from .terms import Pid

# The numbers of `snow_setting`, by the names that `Node.start` takes.
SETTINGS = {
    "threads": 1,
    "heartbeat_interval_millis": 2,
    "heartbeat_timeout_millis": 3,
    "frame_bytes_max": 4,
    "reassembly_bytes_max": 5,
    "fragmented_messages_max": 6,
    "links_and_monitors_max": 7,
    "handshakes_max": 8,
    "handshakes_per_address_max": 9,
    "sessions_max": 10,
    "sessions_per_address_max": 11,
    "mailbox_remote_bytes_max": 12,
    "remote_exit": 13,
    "key_log": 14,
}


class Node:
    """A node. `await Node.start(..)` starts a node, and `async with` shuts it down at the end."""

    def __init__(self, handle):
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._processes = {}
        # Held by whoever shuts the node down: others wait until it is down.
        self._stopping = asyncio.Lock()
        self._is_closed = False
        self.name = lib.text_of("snow_node_name", handle)
        # A process of its own that learns of the ends of all others, so that it can end their tasks.
        self._guardian = Process(self, handle)
        self._loop.add_reader(self._guardian._descriptor, self._guard)

    @classmethod
    async def start(
        cls, name: str, *, cookie=None, cookie_file=None, accepted=(), certificates=None, certificates_required=True,
        listen=None, **settings
    ) -> "Node":
        """Starts a node with this name, `name@host:port`, and returns it.

        With port 0 the operating system chooses a port.

        `cookie` (bytes or str) or `cookie_file` (a path) is the secret that all nodes share. `accepted` contains
        further cookies that the node accepts. `certificates` contains the paths of three PEM files: the node's own
        certificate chain, its key, and the trusted authorities. Peers then need certificates as well, unless
        `certificates_required` is False. `listen` is an address, `host:port`, at which the node listens instead of the
        address in its name.

        The `settings` are those of `snow_setting` in `snow_dist.h`: `threads`, `heartbeat_interval_millis`, and so on.
        `remote_exit` is True (the default), False, or the names of the nodes that may send exit signals to processes
        of this node: a str or an iterable of str. An empty iterable allows no node.

        Raises StartError if the node cannot start, WrongArgument if a value is out of range, and TypeError if a setting
        does not exist.
        """
        builder = lib.give(lib.Builder, "snow_builder_new", lib.text(name))
        try:
            for secret in ([] if cookie is None else [cookie]) + list(accepted):
                secret = secret.encode() if isinstance(secret, str) else bytes(secret)
                lib.call("snow_builder_cookie", builder, secret, len(secret))
            if cookie_file is not None:
                lib.call("snow_builder_cookie_file", builder, lib.text(str(cookie_file)))
            if certificates is not None:
                chain, key, anchors = (lib.text(str(path)) for path in certificates)
                lib.call("snow_builder_certificates", builder, chain, key, anchors, certificates_required)
            if listen is not None:
                lib.call("snow_builder_listen", builder, lib.text(listen))
            for setting, value in settings.items():
                if setting not in SETTINGS:
                    raise TypeError(f"there is no setting {setting!r}")
                number, peers = _remote_exit(value) if setting == "remote_exit" else (value, [])
                lib.call("snow_builder_set", builder, SETTINGS[setting], int(number))
                for peer in peers:
                    lib.call("snow_builder_remote_exit", builder, lib.text(peer))
            starting = asyncio.get_running_loop().run_in_executor(None, lib.give, lib.Node, "snow_start", builder)
        except BaseException:
            lib.call("snow_builder_free", builder)
            raise
        try:
            return cls(await _to_the_end(starting))
        except BaseException:
            # It was cancelled, or the node has no room for what it needs: one that runs is not left behind.
            if starting.exception() is None:
                await _on_a_thread("snow_node_free", starting.result())
            raise

    def __repr__(self):
        return f"<Node {self.name}>"

    def spawn(self, function, *arguments) -> Process:
        """Starts a process that runs `function(process, *arguments)` as an asyncio task, and returns it.

        The process ends when the function returns. Its reason is the `Reason` that the function returns, an error if
        the function raises an exception, and otherwise normal. When an exit signal ends the process, the task is
        cancelled.
        """
        process = self.process()
        process.task = self._loop.create_task(_run(process, function, arguments))
        # A task that is cancelled before its first step never runs.
        process.task.add_done_callback(lambda _task: process._end(SHUTDOWN))
        return process

    def process(self) -> Process:
        """Starts a process without a task, and returns it. The caller acts for the process. `async with` ends it."""
        process = Process(self, self._handle)
        self._processes[process.pid] = process
        reference = ctypes.c_uint64()
        try:
            # A monitor within the node waits for nothing.
            self._guardian._call("snow_monitor", lib.to_pid(process.pid), 0, ctypes.byref(reference))
        except BaseException:
            process.close()
            raise
        return process

    def _guard(self):
        while True:
            try:
                event = lib.next_event(self._guardian._queue)
            except (TimeoutError, SnowError):
                return
            if isinstance(event, Reason):
                self._loop.remove_reader(self._guardian._descriptor)
                return
            if isinstance(event, Down) and event.sender in self._processes:
                self._processes[event.sender]._ended(event.reason)

    def _forget(self, process):
        self._processes.pop(process.pid, None)

    async def connect(self, name: str) -> None:
        """Establishes a session with a node, and returns when the session exists.

        Raises ConnectError if no session could be established.
        """
        wanted, millis = lib.text(name), 0
        while True:
            try:
                return await self._loop.run_in_executor(None, lib.call, "snow_connect", self._handle, wanted, millis)
            except TimeoutError:
                millis = SLICE_MILLIS

    def reload(self) -> None:
        """Reads the files of cookies and certificates again, and uses their content in each later handshake.

        Sessions are not affected. If one of the files cannot be used, nothing changes, and Unusable is raised.
        """
        lib.call("snow_reload", self._handle)

    def disconnect(self, name: str) -> None:
        """Starts to end the session with a node, and returns at once. Queued data is still sent, for at most 5 s.

        Raises ConnectError if there is no session with the node.
        """
        lib.call("snow_disconnect", self._handle, lib.text(name))

    def nodes(self) -> list[str]:
        """Returns the names of all nodes with which there is a session, in alphabetical order."""
        return lib.text_of("snow_nodes", self._handle).splitlines()

    def pid_on(self, node: str, number: int) -> Pid:
        """Returns the pid of the process with this number (`Pid.number`) on a node. The process need not exist.

        Raises ConnectError if there is no session with the node.
        """
        return lib.of_pid(lib.give(lib.CPid, "snow_pid_on", self._handle, lib.text(node), number))

    def node_of(self, pid: Pid) -> str:
        """Returns the name of the node on which a process runs.

        Raises ConnectError if that is another node, and there is no session with it.
        """
        return lib.text_of("snow_node_of", self._handle, lib.to_pid(pid))

    def register(self, name: str, pid: Pid) -> None:
        """Registers a process of this node under a name, until the process ends or the name is removed.

        Raises NameTaken if a process has the name, and NoProcess if the process does not exist on this node.
        """
        lib.call("snow_register", self._handle, lib.text(name), lib.to_pid(pid))

    def unregister(self, name: str) -> None:
        """Removes a name on this node from the process that has it. Raises NoProcess if no process has the name."""
        lib.call("snow_unregister", self._handle, lib.text(name))

    def whereis(self, name: str) -> Pid:
        """Returns the pid of the process that is registered under a name on this node.

        Raises NoProcess if there is none.
        """
        return lib.of_pid(lib.give(lib.CPid, "snow_whereis", self._handle, lib.text(name)))

    def kill(self, pid: Pid) -> None:
        """Kills a process of this node. The process cannot trap this. Raises NoProcess if it runs on another node."""
        lib.call("snow_kill", self._handle, lib.to_pid(pid))

    async def shutdown(self) -> None:
        """Shuts the node down: ends all sessions gracefully, then all processes and their tasks.

        A second call has no effect. If the call is cancelled, it still shuts the node down before it raises
        CancelledError.
        """
        async with self._stopping:
            if not self._is_closed:
                await self._shut_down()

    async def _shut_down(self):
        try:
            await _on_a_thread("snow_shutdown", self._handle)
        except Stopped:
            pass
        finally:
            self._guardian.close()
            current = asyncio.current_task()
            tasks = [process.task for process in self._processes.values() if process.task not in (None, current)]
            for process in list(self._processes.values()):
                process._ended(SHUTDOWN)
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                for process in list(self._processes.values()):
                    process.close()
                self._is_closed = True
                await _on_a_thread("snow_node_free", self._handle)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_error):
        await self.shutdown()


def _remote_exit(value):
    """The number of the setting, and the names that are added to it.

    Where names are given, however few, it is 0: nobody else.
    """
    if isinstance(value, int):
        return value, []
    if value is None:
        raise TypeError("remote_exit is True, False, or names of nodes")
    return 0, [value] if isinstance(value, str) else list(value)


async def _on_a_thread(name, *arguments):
    """Makes a call that waits on another thread, and sees it through."""
    await _to_the_end(asyncio.get_running_loop().run_in_executor(None, lib.call, name, *arguments))


async def _to_the_end(call):
    """What a call on another thread gives.

    Nothing cancels such a call: so this raises that it was cancelled when it is done.
    """
    cancelled = None
    while not call.done():
        try:
            await asyncio.wait([call])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return call.result()
    # That is said, whatever the call has said.
    call.exception()
    raise cancelled


async def _run(process, function, arguments):
    """The task of a process. An exception is the process's end, of which whoever is linked to it learns."""
    reason = NORMAL
    try:
        returned = await function(process, *arguments)
        reason = returned if isinstance(returned, Reason) else NORMAL
        return returned
    except Ended:
        reason = process.reason or SHUTDOWN
    except (asyncio.CancelledError, GeneratorExit):
        reason = SHUTDOWN
        raise
    except BaseException as error:
        # What ends the whole program is no normal end of the process either.
        reason = reason_of(error)
        raise
    finally:
        process._end(reason)
