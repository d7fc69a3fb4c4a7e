"""A TCP proxy that holds everything back for a while each way: `python delay.py HOST PORT SECONDS`. Prints its port."""

import asyncio
import sys


async def pump(reader, writer, seconds):
    """Pass on what comes, each piece `seconds` later; pieces overtake nothing and hold nothing up."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def write():
        while (item := await queue.get()) is not None:
            due, data = item
            await asyncio.sleep(max(0, due - loop.time()))
            writer.write(data)
            await writer.drain()
        writer.close()

    task = asyncio.ensure_future(write())
    while data := await reader.read(65536):
        queue.put_nowait((loop.time() + seconds, data))
    queue.put_nowait(None)
    await task


async def main():
    """Serve until killed."""
    host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

    async def serve(reader, writer):
        there, back = await asyncio.open_connection(host, port)
        pumps = (pump(reader, back, seconds), pump(there, writer, seconds))
        await asyncio.gather(*pumps, return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
