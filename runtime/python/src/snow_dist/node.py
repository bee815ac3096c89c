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
    """A node of the system. `await Node.start(..)` makes one, and `async with` shuts it down at the end."""

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
        """Starts a node of this name, `name@host:port`; port 0 lets the system choose.

        `cookie`, bytes or str, or `cookie_file` is the secret that all nodes share, and `accepted` are further ones that are
        accepted. `certificates` are the paths of three PEM files: the node's own chain, its key, and the authorities that it
        trusts; peers need certificates as well, unless `certificates_required` is false. The settings are those of
        `snow_builder_set`: `threads`, `heartbeat_interval_millis` and so on. `remote_exit` is True, False, or the names of the
        nodes that may send exit signals: a str, or an iterable of them; an empty one allows no node.
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
        """Starts a process: `function(process, *arguments)` runs as an asyncio task.

        The process ends when the function returns: normally, with the `Reason` that it returns, or with an error if it
        raises. When the process is ended by an exit signal, the task is cancelled.
        """
        process = self.process()
        process.task = self._loop.create_task(_run(process, function, arguments))
        # A task that is cancelled before its first step never runs.
        process.task.add_done_callback(lambda _task: process._end(SHUTDOWN))
        return process

    def process(self) -> Process:
        """Starts a process that is not a function: whoever asks for it acts for it. `async with` ends it."""
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
        """Makes sure that there is a session with a node."""
        wanted, millis = lib.text(name), 0
        while True:
            try:
                return await self._loop.run_in_executor(None, lib.call, "snow_connect", self._handle, wanted, millis)
            except TimeoutError:
                millis = SLICE_MILLIS

    def reload(self) -> None:
        """Reads the files of cookies and certificates again, for each handshake that begins from now on."""
        lib.call("snow_reload", self._handle)

    def disconnect(self, name: str) -> None:
        """Begins to end the session with a node."""
        lib.call("snow_disconnect", self._handle, lib.text(name))

    def nodes(self) -> list[str]:
        """The names of all nodes with which there is a session."""
        return lib.text_of("snow_nodes", self._handle).splitlines()

    def pid_on(self, node: str, number: int) -> Pid:
        """The process of this number on a node with which there is a session."""
        return lib.of_pid(lib.give(lib.CPid, "snow_pid_on", self._handle, lib.text(node), number))

    def node_of(self, pid: Pid) -> str:
        """The name of the node that a process runs on."""
        return lib.text_of("snow_node_of", self._handle, lib.to_pid(pid))

    def register(self, name: str, pid: Pid) -> None:
        """Registers a process of this node under a name, until it ends."""
        lib.call("snow_register", self._handle, lib.text(name), lib.to_pid(pid))

    def unregister(self, name: str) -> None:
        """Takes a name away from whoever has it."""
        lib.call("snow_unregister", self._handle, lib.text(name))

    def whereis(self, name: str) -> Pid:
        """Who is registered under a name."""
        return lib.of_pid(lib.give(lib.CPid, "snow_whereis", self._handle, lib.text(name)))

    def kill(self, pid: Pid) -> None:
        """Kills a process of this node."""
        lib.call("snow_kill", self._handle, lib.to_pid(pid))

    async def shutdown(self) -> None:
        """Ends all sessions gracefully, all processes, their tasks, and the node. Does nothing the second time.

        If it is cancelled it still ends the node before it raises that.
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
    """The number of the setting, and the names that are added to it. Where names are given, however few, it is 0: nobody else."""
    if isinstance(value, int):
        return value, []
    if value is None:
        raise TypeError("remote_exit is True, False, or names of nodes")
    return 0, [value] if isinstance(value, str) else list(value)


async def _on_a_thread(name, *arguments):
    """Makes a call that waits on another thread, and sees it through."""
    await _to_the_end(asyncio.get_running_loop().run_in_executor(None, lib.call, name, *arguments))


async def _to_the_end(call):
    """What a call on another thread gives. Nothing cancels such a call: so this raises that it was cancelled when it is done."""
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
