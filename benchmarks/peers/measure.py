"""``python -m benchmarks.peers.measure PEER WORKLOAD``: one measurement.

Run by ``benchmarks.peers`` in a fresh process each time, so that no library's threads,
caches or just-in-time code help or hurt another. Prints one line of JSON.
"""

import argparse
import importlib
import json

from threadpoolctl import threadpool_info

from benchmarks.suite.workloads import WORKLOADS


def measure(peer, workload, threads, seconds, dtype="float32", package=None):
    """Samples per second of an epoch.

    The module of the peer is in ``package``, which is this one if None.

    A first fit warms everything up and compiles what is compiled; it is in the order of
    the rows, so that its loss tells whether the peers train the same net on the same
    batches.
    """
    module = importlib.import_module(f"{package or 'benchmarks.peers'}.{peer}")
    X, y = workload.data(dtype)
    train = module.prepare(workload, X, y, threads)
    warm_up, loss = train(1, shuffle=False)
    first, epoch = time_epoch(train, seconds)
    return {
        "peer": peer,
        "version": module.version(),
        "threads": threads,
        "dtype": dtype,
        "samples_per_second": workload.n_samples / epoch,
        "warm_up_seconds": max(0.0, warm_up - first),
        "loss": float(loss),
        "blas": sorted(
            {
                f"{pool['internal_api']} {pool['version']} ({pool['architecture']})"
                for pool in threadpool_info()
                if pool["user_api"] == "blas"
            }
        ),
    }


def time_epoch(train, seconds):
    """Seconds of a fit of one epoch, and of an epoch within a fit.

    An epoch is timed as the difference between a fit of 1 epoch (the faster of two) and
    one of 1 + n, divided by n, which takes validation, initialisation and other costs
    of a fit out. Where an epoch lasts longer than ``seconds`` they hardly count, and
    the fit of one epoch is taken as it is.
    """
    first = train(1)[0]
    if first > seconds:
        return first, first
    first = min(first, train(1)[0])
    epochs = max(2, round(seconds / first))
    total, _ = train(1 + epochs)
    return first, (total - first) / epochs


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument("peer")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    arguments = parser.parse_args()
    try:
        result = measure(
            arguments.peer,
            WORKLOADS[arguments.workload],
            arguments.threads,
            arguments.seconds,
            arguments.dtype,
        )
    except NotImplementedError as reason:
        result = {"skipped": str(reason)}
    print(json.dumps(result))
