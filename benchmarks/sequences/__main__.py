"""Measure networks that read sequences, and print the table.

    python -m benchmarks.sequences                      # everything
    python -m benchmarks.sequences --nets N4,N8 --peers fastnn,torch --repeats 5

What samples per second mean, and how processes take turns, is as in
``benchmarks.peers``; Adam, float32.
"""

import sys

from benchmarks import fresh
from benchmarks.images.__main__ import training_table
from benchmarks.options import add_turns, installed, names, new_parser, run

from .net import NETS

OURS = "fastnn"
# Which package each peer needs.
PEERS = {"torch": "torch", "torch_padded": "torch", "jax_scan": "jax", OURS: OURS}
THREADS = 1, 2


def measure(nets, peers, repeats, seconds):
    results = []
    able = installed({peer: (PEERS[peer],) for peer in peers}, results)
    for _ in range(repeats):
        for net in nets:
            for threads in THREADS:
                for peer in able:
                    if peer == "torch_padded" and NETS[net].mean_length is None:
                        continue
                    print(f"{net} {peer}, {threads} threads", file=sys.stderr)
                    found = fresh.measure(
                        "benchmarks.sequences.measure",
                        *(peer, net, "--threads", threads, "--seconds", seconds),
                        threads=threads,
                    )
                    results.append(found)
    return results


def report(results):
    """Lines of Markdown."""
    skipped = list(dict.fromkeys(r["skipped"] for r in results if "skipped" in r))
    trained = [each for each in results if "peer" in each]
    nets = dict.fromkeys(each["net"] for each in trained)
    lines = [*(f"- {reason}" for reason in skipped), "", "Training, Adam, float32:", ""]
    lines += [f"- {net}: {NETS[net]}" for net in nets]
    return [*lines, "", *training_table(trained)]


def main(arguments=None):
    parser = new_parser("benchmarks.sequences", __doc__)
    parser.add_argument(
        "--nets", type=names(NETS), default=list(NETS), help="such as N3,N8"
    )
    parser.add_argument(
        "--peers", type=names(PEERS), default=list(PEERS), help="such as fastnn,torch"
    )
    add_turns(parser, seconds=2.0)
    chosen = parser.parse_args(arguments)
    run(
        chosen,
        lambda: measure(chosen.nets, chosen.peers, chosen.repeats, chosen.seconds),
        report,
    )


if __name__ == "__main__":
    main()
