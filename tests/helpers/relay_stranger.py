# SPDX-License-Identifier: Apache-2.0
"""A stranger on the network of a relay, which listens: relay_stranger.py LISTEN CONNECT WHAT..., until SIGTERM.

exporter TEXT: has a token of front/cam that is older than the real one's, and describes the ring by TEXT.
noise: sends bytes of any kind to each key of the runs that it sees, and asks queries of any kind.
"""

import json
import random
import signal
import sys
import threading

import zenoh

over = threading.Event()
RUN = "vshm/1/front/cam/00000000deadbeef"


def session(listen: str, connect: str) -> zenoh.Session:
    config = zenoh.Config()
    config.insert_json5("scouting/multicast/enabled", "false")
    config.insert_json5("listen/endpoints", json.dumps([listen]))
    config.insert_json5("connect/endpoints", json.dumps([connect]))
    return zenoh.open(config)


def exporter(listen: str, connect: str, text: str) -> None:
    with session(listen, connect) as one:
        kept = [
            one.declare_queryable(f"{RUN}/about", lambda query: query.reply(f"{RUN}/about", text)),
            one.liveliness().declare_token(f"{RUN}/alive"),
            one.liveliness().declare_token("vshm/1/front/%2e%2e/nonsense/alive"),
        ]
        print(json.dumps({"did": "announce"}), flush=True)
        over.wait()
        for declared in kept:  # which Zenoh would have undeclared with the last reference to it
            declared.undeclare()


def noise(listen: str, connect: str) -> None:
    chance = random.Random(23)
    with session(listen, connect) as one:
        runs: set[str] = set()
        token = one.liveliness().declare_subscriber(
            "vshm/1/*/*/*/alive", lambda sample: runs.add(str(sample.key_expr).removesuffix("/alive")), history=True
        )
        sent = 0
        while not over.wait(0.01):
            for run in list(runs):
                for what in ("unit", "heard/x", f"heard/{'y' * 90}", "about", "gop", "clock"):
                    data = chance.randbytes(chance.choice([0, 1, 8, 16, 72, 100_000]))
                    one.put(f"{run}/{what}", data, attachment=chance.randbytes(chance.choice([0, 72, 500])))
                for what in ("about", "gop", "clock"):
                    one.get(f"{run}/{what}?x=1", lambda reply: None, payload=chance.randbytes(50), timeout=1)
                sent += 1
                if sent == 100:
                    print(json.dumps({"did": "make noise"}), flush=True)
        token.undeclare()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    globals()[sys.argv[3]](*sys.argv[1:3], *sys.argv[4:])
