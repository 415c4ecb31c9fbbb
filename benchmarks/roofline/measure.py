"""``python -m benchmarks.roofline.measure WORKLOAD``: limits and time of a step.

One thread, float32. Prints one line of JSON.
"""

import argparse
import json

from benchmarks.peers.measure import measure as measure_peer
from benchmarks.suite.workloads import WORKLOADS

from .ceilings import peak_operations
from .prediction import operations, predict


def measure(name, seconds):
    workload = WORKLOADS[name]
    speed = measure_peer("fastnn", workload, 1, seconds)["samples_per_second"]
    return {
        "workload": name,
        "step": workload.batch_size / speed,
        "parts": predict(workload),
        "operations": operations(workload),
        "peak": peak_operations(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=WORKLOADS, metavar="WORKLOAD")
    parser.add_argument("--seconds", type=float, default=1.0)
    print(json.dumps(measure(**vars(parser.parse_args()))))
