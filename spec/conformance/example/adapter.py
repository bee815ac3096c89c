"""A minimal adapter for `snow-dist conform`, here of the node in Python: put your node's library in the place of `snow_dist`."""

import asyncio
import json
import sys

from snow_dist import Exit, Message, Node, Pid, Reason, SnowError

UNSUPPORTED = {"answer": "unsupported"}
node, processes, seen, dials, met = None, {}, {}, set(), {}


def numbered(pid, number):  # another process of the same start of its node
    return Pid(pid.node, pid.process - pid.number + number)


def other(line):  # the process that a command is about: of the session with its node, or of the last one
    return numbered(met[line["node"]], line["other"])


def of(pid):  # a process, as a line names it
    names = [name for name, one in met.items() if numbered(one, pid.number) == pid]
    return {"node": names[0] if names else None, "process": pid.number}


async def note(process):  # what a process of the runner does: it notes what it sees
    while True:
        match await process.recv():
            case Message(value, is_term=False):
                seen[process.pid.number].append({"message": value.hex()})
            case Message():
                seen[process.pid.number].append({"term": []})
            case Exit(sender, Reason(kind, text, through)):
                reason = {"kind": kind} if text is None else {"kind": kind, "text": text}
                if through:
                    reason = {"kind": "linked", "hops": [of(pid) for pid in through], "root": reason}
                seen[process.pid.number].append({"exit": of(sender), "reason": reason})


async def dial(to):  # the runner asks again if it fails
    try:
        await node.connect(to)
    except SnowError:
        pass


async def done(line):
    global node
    match line:
        case {"do": "start", "name": name, "cookie": cookie, **more} if not more:
            node = await Node.start(name, cookie=cookie)
            return {"name": node.name}
        case {"do": "connect", "to": to}:
            dials.add(asyncio.create_task(dial(to)))
        case {"do": "disconnect", "node": peer}:
            node.disconnect(peer)
        case {"do": "session", "node": peer}:
            if up := peer in node.nodes():
                met[peer] = node.pid_on(peer, 1)
            return {"up": up}
        case {"do": "spawn", **more} if not more:
            process = node.spawn(note)
            processes[process.pid.number], seen[process.pid.number] = process, []
            return {"process": process.pid.number}
        case {"do": "report", "process": own}:
            return {"alive": processes[own].reason is None, "seen": seen[own], "sent": 0}
        case {"do": "trap_exit", "process": own, "on": on}:
            processes[own].trap_exit(on)
        case {"do": _, "earlier": _} | {"do": _, "other_name": _}:
            return UNSUPPORTED
        case {"do": "link", "process": own}:
            await processes[own].link(other(line))
        case {"do": "unlink", "process": own}:
            processes[own].unlink(other(line))
        case {"do": "send", "process": own, "message": message}:
            await processes[own].send(other(line), bytes.fromhex(message))
        case {"do": "kill", "process": own}:
            node.kill(processes[own].pid)
        case {"do": "stop"}:
            await node.shutdown() if node else None
        case _:
            return UNSUPPORTED
    return {}


async def main():
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer = {"answer": "ok"} | await done(json.loads(line))
        except (SnowError, KeyError) as error:
            answer = {"answer": "error", "text": repr(error)}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
