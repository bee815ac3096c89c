"""Links with a process of another node and waits for its end: SNOW_COOKIE=.. python watch.py node@host:port number"""

import asyncio
import os
import sys

from snow_dist import ConnectError, Exit, Message, Node


async def watch(me, other):
    me.trap_exit()  # otherwise the other's end would be this process's end
    await me.link(other)
    await me.send(other, {"from": me.pid, "text": "go on"})
    while True:
        match await me.recv():
            case Message(value):
                print("message:", value, flush=True)
            case Exit(sender, reason):
                print(f"process {sender.number} has ended: {reason.kind}, {reason.text}", flush=True)
                return


async def main(peer, number):
    async with await Node.start("watch@127.0.0.1:0", cookie=os.environ["SNOW_COOKIE"]) as node:
        await node.connect(peer)
        await node.spawn(watch, node.pid_on(peer, number)).task


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1], int(sys.argv[2])))
    except ConnectError as error:
        sys.exit(f"no session: {error}")
