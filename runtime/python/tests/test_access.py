"""Who may connect to a node, and who may end its processes."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

from snow_dist import ConnectError, Ended, Node, Reason, Refused, StartError, Unusable, WrongArgument
from test_node import COOKIE, ENOUGH, start

# The node that the certificates in `SNOW_CERTIFICATES` are of. Nobody dials it, so it listens elsewhere.
NAME = "python@127.0.0.1:1"


class Certificates(unittest.IsolatedAsyncioTestCase):
    """Beside a node in Rust, `SNOW_PEER`, that requires them."""

    def setUp(self):
        self.peer = os.environ["SNOW_PEER"]
        # The test changes files, so it has its own.
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name, "certificates")
        shutil.copytree(os.environ["SNOW_CERTIFICATES"], self.folder)
        self.chain, self.key, self.anchors = (self.folder / f"{file}.pem" for file in ("chain", "key", "anchors"))

    async def start(self, name, **settings):
        certificates = (self.chain, self.key, self.anchors)
        return await Node.start(name, cookie=COOKIE, certificates=certificates, listen="127.0.0.1:0", **settings)

    async def test_a_node_proves_its_name_by_the_files_that_it_has_read_last(self):
        with self.assertRaises(StartError):
            await self.start("another@127.0.0.1:1")
        async with await self.start(NAME) as node:
            await node.connect(self.peer)
            # A file that is no key changes nothing.
            self.key.write_bytes(b"")
            self.assertRaises(Unusable, node.reload)
            node.disconnect(self.peer)
            await node.connect(self.peer)
            # A certificate of an authority that the other node does not trust counts from the next session on.
            for file in (self.chain, self.key, self.anchors):
                shutil.copy(self.folder / "other" / file.name, file)
            node.reload()
            self.assertEqual(node.nodes(), [self.peer])
            node.disconnect(self.peer)
            with self.assertRaises(ConnectError):
                await node.connect(self.peer)

    async def test_a_peer_without_one_is_for_nodes_that_do_not_require_it(self):
        async with await start("a") as without:
            with self.assertRaises(ConnectError):
                await without.connect(self.peer)
            async with await self.start(NAME) as node:
                with self.assertRaises(ConnectError):
                    await node.connect(without.name)
            async with await self.start(NAME, certificates_required=False) as node:
                await node.connect(without.name)


class ExitSignals(unittest.IsolatedAsyncioTestCase):
    async def test_nodes_that_are_allowed_may_send_them(self):
        somebody = "somebody@127.0.0.1:1"
        async with await start("a") as a, a.process() as me:
            rules = [
                (True, True), (False, False), (a.name, True), (somebody, False), ([somebody, a.name], True),
                ([somebody], False), ((name for name in [a.name]), True), ([], False), ((name for name in []), False),
            ]
            for rule, may in rules:
                with self.subTest(rule):
                    async with await start("b", remote_exit=rule) as b:
                        await a.connect(b.name)
                        other = b.process()
                        there = a.pid_on(b.name, other.pid.number)
                        if may:
                            await me.send_exit(there, Reason.custom("enough"))
                            with self.assertRaises(Ended):
                                await other.recv(ENOUGH)
                        else:
                            with self.assertRaises(Refused):
                                await me.send_exit(there, Reason.custom("enough"))

    async def test_what_names_no_nodes_starts_none(self):
        unfit = [
            (None, TypeError), (1.5, TypeError), (2, WrongArgument), ("no name", WrongArgument), (["a@h:1", ""], WrongArgument),
        ]
        for rule, error in unfit:
            with self.subTest(rule), self.assertRaises(error):
                await start("a", remote_exit=rule)


if __name__ == "__main__":
    unittest.main()
