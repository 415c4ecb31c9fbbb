"""``python -m benchmarks.cuda.measure PEER NET``: one measurement.

Run by ``benchmarks.cuda`` in a fresh process each time. Prints one line of JSON.
"""

import argparse
import importlib
import json

from .nets import NETS, n_steps
from .peers import PEERS


def measure(peer, net, seconds, device="cuda"):
    """Seconds of a step, over epochs that follow the first one of a fit; in a random
    order, and in the order of the rows.

    A first fit warms everything up and compiles what is compiled; it is in the order of
    the rows, so that its loss tells whether the peers train the same net on the same
    batches.
    """
    name, options, _ = PEERS[peer]
    module = importlib.import_module(f"benchmarks.cuda.peers.{name}")
    train = module.prepare(net, *net.data(), device, **options)
    _, loss = train(1, shuffle=False)
    train(1)
    epochs = max(2, round(seconds / seconds_per_epoch(train, 2)))
    per_step = [
        seconds_per_epoch(train, epochs, shuffle) / n_steps(net)
        for shuffle in (True, False)
    ]
    return {
        "peer": peer,
        "version": module.version(),
        "seconds": per_step[0],
        "in_order": per_step[1],
        "loss": float(loss),
    }


def seconds_per_epoch(train, epochs, shuffle=True):
    """Between the end of a first epoch and that of the last."""
    ends, _ = train(1 + epochs, shuffle)
    return (ends[-1] - ends[0]) / epochs


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("net", choices=NETS)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    chosen = parser.parse_args()
    try:
        result = measure(chosen.peer, NETS[chosen.net], chosen.seconds, chosen.device)
    except NotImplementedError as reason:
        result = {"skipped": str(reason)}
    print(json.dumps(result))
