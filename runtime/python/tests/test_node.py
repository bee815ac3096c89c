"""Nodes and processes in one program."""

import asyncio
import os
import re
import threading
import unittest
from pathlib import Path

from snow_dist import (
    ConnectError, Down, Ended, Exit, LimitReached, Message, NameTaken, Node, NodeDown, NodeUp, NoProcess, Reason, Some, StartError,
    Stopped, TermError, WrongArgument, _library,
)

ENOUGH = 60
COOKIE = "a cookie of thirty-two letters.."


async def start(name, **settings):
    return await Node.start(f"{name}@127.0.0.1:0", cookie=COOKIE, **settings)


class Header(unittest.TestCase):
    def test_every_function_of_the_header_is_declared_with_its_arguments(self):
        header = Path(os.environ["SNOW_HEADER"]).read_text()
        found = re.findall(r"^snow_status (snow_\w+)\(([^)]*)\);", header, re.MULTILINE)
        counts = {name: len(arguments.split(",")) for name, arguments in found}
        self.assertEqual(counts, {name: len(arguments) for name, arguments in _library.FUNCTIONS.items()})
        texts = re.findall(r"^const char \*(snow_\w+)\(", header, re.MULTILINE)
        self.assertEqual(sorted(texts), sorted(_library.TEXTS))


class Readme(unittest.TestCase):
    def test_its_example_runs(self):
        text = (Path(__file__).parent.parent / "README.md").read_text()
        exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], {})


class Processes(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.a, self.b = await start("a"), await start("b")
        await self.a.connect(self.b.name)

    async def asyncTearDown(self):
        await self.a.shutdown()
        await self.b.shutdown()

    def there(self, process):
        """A process of b, as a knows it."""
        return self.a.pid_on(self.b.name, process.pid.number)

    async def test_messages_terms_and_names(self):
        with self.assertRaises(NoProcess):
            self.b.whereis("nobody")
        async with self.a.process() as one, self.b.process() as other:
            there = self.there(other)
            self.assertEqual(self.a.node_of(there), self.b.name)
            await one.send(there, b"bytes")
            self.assertEqual(await other.recv(ENOUGH), Message(b"bytes", False))
            await one.send(there, {"from": one.pid, "to": there, "what": [Some(1.5)]})
            value = (await other.recv(ENOUGH)).value
            self.assertEqual((value["to"], value["what"]), (other.pid, [Some(1.5)]))
            await other.send(value["from"], "back")
            self.assertEqual(await one.recv(ENOUGH), Message("back", True))
            other.register("worker")
            self.assertEqual(self.b.whereis("worker"), other.pid)
            self.assertRaises(NameTaken, other.register, "worker")
            await one.send_named("worker", self.b.name, b"by name")
            self.assertEqual((await other.recv(ENOUGH)).value, b"by name")
            await one.send_named("worker", self.b.name, ["from", one.pid])
            word, whom = (await other.recv(ENOUGH)).value
            await other.send(whom, word)
            self.assertEqual((await one.recv(ENOUGH)).value, "from")
            self.b.unregister("worker")
            with self.assertRaises(TermError):
                await one.send(there, object())

    async def test_ends_are_told_to_those_who_are_linked_and_those_who_monitor(self):
        async def fails(me):
            await me.recv()
            raise ValueError("on purpose")

        async with self.a.process() as me:
            me.trap_exit()
            other = self.b.spawn(fails)
            await me.link(self.there(other))
            reference = await me.monitor(self.there(other))
            me.demonitor(await me.monitor(self.there(other)))
            await me.send(self.there(other), b"go on")
            reason = Reason.error("ValueError: on purpose")
            events = {type(event): event for event in [await me.recv(ENOUGH), await me.recv(ENOUGH)]}
            self.assertEqual(events[Exit], Exit(self.there(other), reason))
            self.assertEqual(events[Down], Down(reference, self.there(other), reason))
            with self.assertRaises(ValueError):
                await other.task
            with self.assertRaises(TimeoutError):
                await me.recv(0.05)

    async def end_of(self, process):
        """What a process learns that is linked to this one."""
        async with self.a.process() as me:
            me.trap_exit()
            await me.link(process.pid)
            event = await me.recv(ENOUGH)
            self.assertEqual(event.sender, process.pid)
            return event.reason

    async def test_every_failure_is_told_whatever_its_text(self):
        class Mute(Exception):
            def __str__(self):
                raise ValueError("it has no text")

        async def fails(_me, error):
            raise error

        # Of a long one the node tells the beginning.
        long = "ö" * 40_000
        told = [
            (ValueError("\ud800"), "ValueError: ?"), (ValueError("\0"), "ValueError: \0"), (Mute(), "Mute"),
            (ValueError(long), f"ValueError: {long}"[:2_045]), (BaseException("of all"), "BaseException: of all"),
        ]
        for error, text in told:
            with self.subTest(text[:40]):
                process = self.a.spawn(fails, error)
                self.assertEqual(await self.end_of(process), Reason.error(text))
                with self.assertRaises(type(error)):
                    await process.task
                process = self.a.process()
                ending = asyncio.create_task(self.end_of(process))
                await asyncio.sleep(0)
                with self.assertRaises(type(error)):
                    async with process:
                        raise error
                self.assertEqual(await ending, Reason.error(text))

    async def test_an_end_is_told_whose_reason_cannot_be(self):
        async def returns(_me, reason):
            return reason

        for reason in [Reason("no such kind"), Reason("error", b"\xFF"), Reason("error", 7), Reason("unknown"), Reason("error", "", (7,))]:
            with self.subTest(reason):
                process = self.a.spawn(returns, reason)
                self.assertEqual(await self.end_of(process), Reason.error("the reason of its end cannot be told"))
                with self.assertRaises(Exception):
                    await process.task
        through = (self.a._guardian.pid,) * 2_000
        told = await self.end_of(self.a.spawn(returns, Reason("error", "far", through)))
        self.assertEqual(told.text, "far")

    async def test_a_task_that_is_cancelled_before_it_begins_ends_its_process(self):
        async def never(_me):
            self.fail()

        process = self.a.spawn(never)
        process.task.cancel()
        self.assertEqual(await self.end_of(process), Reason("shutdown"))

    async def test_a_signal_ends_a_process_and_its_task(self):
        async def forever(_me):
            await asyncio.Event().wait()

        async with self.a.process() as me:
            other, own = self.b.spawn(forever), self.a.spawn(forever)
            await me.send_exit(self.there(other), Reason.custom("enough"))
            with self.assertRaises(asyncio.CancelledError):
                await other.task
            self.assertEqual(other.reason, Reason("custom", "enough", other.reason.through))
            self.a.kill(own.pid)
            with self.assertRaises(asyncio.CancelledError):
                await own.task
            self.assertEqual(own.reason.kind, "killed")

    async def test_whoever_has_ended_says_so(self):
        me = self.a.process()
        await me.send(me.pid, b"before")
        me.exit(Reason.custom("done"))
        while self.a._processes[me.pid].reason is None:
            try:
                await me.recv(ENOUGH)
            except Ended as ended:
                self.assertEqual(ended.reason, Reason.custom("done"))
        with self.assertRaises(Ended):
            await me.send(me.pid, b"after")
        me.exit()
        me.close()
        me.close()

    async def test_nodes_come_and_go(self):
        async with self.a.process() as me:
            me.monitor_node(self.b.name)
            self.assertEqual(self.a.nodes(), [self.b.name])
            self.a.disconnect(self.b.name)
            self.assertEqual(await me.recv(ENOUGH), NodeDown(self.b.name))
            with self.assertRaises(ConnectError):
                self.a.pid_on(self.b.name, 1)
            await self.a.connect(self.b.name)
            self.assertEqual(await me.recv(ENOUGH), NodeUp(self.b.name))
            self.assertRaises(WrongArgument, me.monitor_node, "no name")

    async def test_a_sender_waits_for_who_does_not_receive(self):
        message = bytes(1 << 20)
        async with self.a.process() as sender, self.b.process() as reader:
            there, count = self.there(reader), 100
            sending = asyncio.create_task(self.send_all(sender, there, message, count))
            for _ in range(count):
                self.assertEqual(len((await reader.recv(ENOUGH)).value), len(message))
            await sending

    async def send_all(self, sender, to, message, count):
        for _ in range(count):
            await sender.send(to, message)

    async def test_a_wait_that_is_cancelled_loses_nothing(self):
        async with self.a.process() as me:
            waiting = asyncio.create_task(me.recv())
            await asyncio.sleep(0)
            with self.assertRaises(RuntimeError):
                await me.recv()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await me.send(me.pid, 7)
            self.assertEqual(await me.recv(ENOUGH), Message(7, True))

    async def test_a_node_that_stops_ends_its_tasks(self):
        async def forever(me):
            await me.recv()

        node = await start("c")
        process = node.spawn(forever)
        async with self.a.process() as me:
            me.monitor_node(node.name)
            await self.a.connect(node.name)
            self.assertEqual(await me.recv(ENOUGH), NodeUp(node.name))
            await node.shutdown()
            self.assertEqual(await me.recv(ENOUGH), NodeDown(node.name))
        self.assertTrue(process.task.done())
        await node.shutdown()

    async def test_what_cannot_be_is_refused(self):
        with self.assertRaises(StartError):
            await Node.start("a@127.0.0.1:0")
        with self.assertRaises(TypeError):
            await Node.start("a@127.0.0.1:0", cookie=COOKIE, no_such_setting=1)
        with self.assertRaises(WrongArgument):
            await Node.start("a@127.0.0.1:0", cookie=COOKIE, threads=0)
        with self.assertRaises(ConnectError):
            await self.a.connect("c@127.0.0.1:1")
        self.assertRaises(NoProcess, self.a.kill, self.a.pid_on(self.b.name, 1))


class Leftovers(unittest.IsolatedAsyncioTestCase):
    """What fails or is cancelled leaves nothing behind."""

    async def asyncSetUp(self):
        # A call by its name, which then does what a test wants before the library is asked.
        self.before, self.call, self.freed = {}, _library.call, []

        def call(name, *arguments):
            self.before.get(name, lambda: None)()
            self.call(name, *arguments)
            if name.endswith("_free"):
                self.freed.append(name)

        _library.call = call
        self.addCleanup(setattr, _library, "call", self.call)

    def fail_at(self, name):
        def fail():
            raise LimitReached("on purpose")

        self.before[name] = fail

    def hold_at(self, name):
        """Holds the thread of a call; gives what tells that it is there, and what lets it go on."""
        there, go_on = threading.Event(), threading.Event()

        def hold():
            there.set()
            self.assertTrue(go_on.wait(ENOUGH))

        self.before[name] = hold
        return there, go_on

    async def cancel_at(self, name, call):
        """Cancels a call twice while its thread is there, and awaits its end."""
        there, go_on = self.hold_at(name)
        task = asyncio.create_task(call)
        await asyncio.to_thread(there.wait, ENOUGH)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
        go_on.set()
        with self.assertRaises(asyncio.CancelledError):
            await task

    async def test_of_a_process_without_a_descriptor(self):
        async with await start("a") as node:
            for name in ["snow_spawn", "snow_queue_descriptor", "snow_self", "snow_monitor"]:
                with self.subTest(name):
                    self.freed.clear()
                    self.fail_at(name)
                    with self.assertRaises(LimitReached):
                        node.process()
                    self.before.clear()
                    spawned = ["snow_process_free"] if name != "snow_spawn" else []
                    self.assertEqual(self.freed, [*spawned, "snow_queue_free"])
                    self.assertEqual(node._processes, {})

    async def test_of_a_node_that_cannot_be_used(self):
        for name in ["snow_queue_descriptor", "snow_node_name"]:
            with self.subTest(name):
                self.freed.clear()
                self.fail_at(name)
                with self.assertRaises(LimitReached):
                    await start("a")
                self.assertEqual(self.freed[-1], "snow_node_free")
                self.assertEqual(self.freed.count("snow_queue_free"), name == "snow_queue_descriptor")

    async def test_of_a_start_that_is_cancelled(self):
        await self.cancel_at("snow_start", start("a"))
        self.assertEqual(self.freed[-1], "snow_node_free")

    async def test_of_a_shutdown_that_is_cancelled(self):
        async def forever(me):
            await me.recv()

        for name in ["snow_shutdown", "snow_node_free"]:
            with self.subTest(name):
                self.freed.clear()
                node = await start("a")
                process = node.spawn(forever)
                await self.cancel_at(name, node.shutdown())
                self.assertTrue(process.task.done())
                self.assertEqual(self.freed.count("snow_process_free"), 2)
                self.assertEqual(self.freed[-1], "snow_node_free")
                await node.shutdown()

    async def test_of_a_shutdown_by_a_process_of_the_node(self):
        async def ends_all(me):
            await me.node.shutdown()

        async def forever(me):
            await me.recv()

        node = await start("a")
        node.spawn(forever)
        process = node.spawn(ends_all)
        with self.assertRaises(asyncio.CancelledError):
            await process.task
        self.assertEqual(self.freed[-1], "snow_node_free")

    async def test_who_asks_while_a_node_stops_waits_for_its_end(self):
        node = await start("a")
        there, go_on = self.hold_at("snow_shutdown")
        first = asyncio.create_task(node.shutdown())
        await asyncio.to_thread(there.wait, ENOUGH)
        second = asyncio.create_task(node.shutdown())
        await asyncio.sleep(0)
        self.assertFalse(second.done())
        go_on.set()
        await second
        self.assertEqual(self.freed[-1], "snow_node_free")
        await first


class Program(unittest.TestCase):
    def test_whoever_ends_the_program_has_not_ended_normally(self):
        for end in [SystemExit(1), KeyboardInterrupt()]:
            told = []

            async def ends(_me):
                raise end

            async def main():
                async with await start("c") as node, node.process() as me:
                    me.trap_exit()
                    await me.link(node.spawn(ends).pid)
                    try:
                        await asyncio.Event().wait()
                    finally:
                        told.append((await me.recv(ENOUGH)).reason.text)

            with self.subTest(end), self.assertRaises(type(end)):
                asyncio.run(main())
            self.assertEqual(told, [f"{type(end).__name__}: {end}"])


if __name__ == "__main__":
    unittest.main()
