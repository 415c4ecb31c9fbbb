"""``python -m benchmarks.graphs.measure PEER``: one measurement of two branches.

Run by ``benchmarks.graphs`` in a fresh process each time. Prints one line of JSON.
"""

import argparse
import json

from benchmarks.peers.measure import measure

from .net import WORKLOAD

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    chosen = parser.parse_args()
    found = measure(
        chosen.peer, WORKLOAD, chosen.threads, chosen.seconds, package=__package__
    )
    print(json.dumps(found))
