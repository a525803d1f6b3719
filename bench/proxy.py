"""Passes JSON-RPC on to a node and back, and puts 0x before the arguments of
state_call where it is missing: nodes take both, Chopsticks does not.

    python bench/proxy.py PORT ws://NODE
"""

import asyncio
import json
import sys

import websockets

OPTIONS = {"max_size": None, "compression": None}


def repaired(message):
    if message.get("method") == "state_call":
        args = message["params"]
        if len(args) > 1 and not args[1].startswith("0x"):
            args[1] = "0x" + args[1]
    return message


async def main():
    port, node = int(sys.argv[1]), sys.argv[2]

    async def serve(client):
        async with websockets.connect(node, **OPTIONS) as upstream:

            async def back():
                async for text in upstream:
                    await client.send(text)

            answers = asyncio.create_task(back())
            try:
                async for text in client:
                    said = json.loads(text)
                    said = list(map(repaired, said)) if isinstance(said, list) else repaired(said)
                    await upstream.send(json.dumps(said))
            finally:
                answers.cancel()

    async with websockets.serve(serve, "127.0.0.1", port, **OPTIONS):
        await asyncio.Future()


asyncio.run(main())
