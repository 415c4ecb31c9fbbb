"""``python -m benchmarks.peers.measure PEER WORKLOAD``: one measurement.

Run by ``benchmarks.peers`` in a fresh process each time, so that no library's threads,
caches or just-in-time code help or hurt another. Prints one line of JSON.
"""

import argparse
import importlib
import json

from threadpoolctl import threadpool_info

from benchmarks.suite.workloads import WORKLOADS


def measure(peer, workload, threads, seconds):
    """Samples per second of an epoch.

    The time of an epoch is the difference between two fits, one of 1 epoch (the faster
    of two) and one of 1 + n, divided by n, which takes validation, initialisation and
    other costs of a fit out. Before them a fit warms everything up; it is in the order
    of the rows, so that its loss tells whether the peers train the same net on the same
    batches.
    """
    module = importlib.import_module(f"benchmarks.peers.{peer}")
    X, y = workload.data()
    _, loss = module.fit(workload, X, y, 1, threads, shuffle=False)
    first = min(module.fit(workload, X, y, 1, threads)[0] for _ in range(2))
    epochs = max(1, round(seconds / first))
    total, _ = module.fit(workload, X, y, 1 + epochs, threads)
    return {
        "peer": peer,
        "version": module.version(),
        "threads": threads,
        "samples_per_second": workload.n_samples * epochs / (total - first),
        "epochs": epochs,
        "loss": float(loss),
        "blas": sorted(
            {
                f"{pool['internal_api']} {pool['version']} ({pool['architecture']})"
                for pool in threadpool_info()
                if pool["user_api"] == "blas"
            }
        ),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    print(
        json.dumps(
            measure(
                arguments.peer,
                WORKLOADS[arguments.workload],
                arguments.threads,
                arguments.seconds,
            )
        )
    )
