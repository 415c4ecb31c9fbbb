"""``python -m benchmarks.sequences.measure PEER NET``: one measurement of training.

Run by ``benchmarks.sequences`` in a fresh process each time. Prints one line of JSON.
"""

import argparse
import json

from benchmarks.peers.measure import measure

from .net import NETS

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer")
    parser.add_argument("net", choices=NETS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    chosen = parser.parse_args()
    found = measure(
        chosen.peer, NETS[chosen.net], chosen.threads, chosen.seconds,
        package=__package__,
    )  # fmt: skip
    print(json.dumps({"net": chosen.net} | found))
