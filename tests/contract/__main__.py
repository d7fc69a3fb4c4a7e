"""The imitation of a version as a program: `python -m contract 2.6.18 --port 19530`, until it is interrupted.

Root's password is `Milvus`, as on a new server.
"""

import argparse
import signal
import sys
import threading

import contract


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m contract", description=__doc__.partition(":")[0])
    parser.add_argument("version", help="like 2.6.18")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0 = a free one")
    parser.add_argument("--authorization", choices=["on", "off"], default="on")
    options = parser.parse_args(arguments)
    server = contract.ContractServer(options.version, authorization=options.authorization == "on")
    server.collections = {"default": []}
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with contract.serving(server, port=options.port) as (_, address):
        print(f"http://{address}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
