"""Train nets on this machine's NVIDIA card with every peer, and print times as tables.

    python -m benchmarks.cuda                   # everything; docs/gpu_performance.md
    python -m benchmarks.cuda --only G1,G2 --peers fastnn,torch_graph
    python -m benchmarks.cuda --missing         # what this machine lacks, if anything
    python -m benchmarks.cuda --predict         # the predictions of that page alone

What a number means: microseconds of a step within an epoch, the median over fresh
processes that take turns (peer by peer, then again). Shuffling the samples and whatever
else a library does between two epochs is a part of it; the first epoch of a fit is not.
Of the two forms of PyTorch's compiler and of JAX the slower one on a net takes a single
turn. A run of all nets and peers is written into the page.
"""

import json
import sys
from importlib.util import find_spec

from benchmarks import fresh
from benchmarks.machine import describe_card, describe_machine
from benchmarks.options import names, new_parser
from benchmarks.report import PAGE as PERFORMANCE
from benchmarks.report import fill
from fastnn.engine.cuda.device import missing_piece

from .nets import NETS
from .peers import FORMS, PEERS
from .results import micro, peers_of, prediction_table, report, slower_forms
from .roofline import H100

PAGE = PERFORMANCE.with_name("gpu_performance.md")


def lacks(peers):
    """What a run of these peers needs and this machine has not."""
    found = []
    card = missing_piece()
    if card is not None:
        found.append(card)
    packages = {PEERS[peer][2] for peer in peers} | {"torch"}  # it times cuBLAS
    found += [
        f"{package} is not installed: `pip install 'fastnn[bench-cuda]'` brings it"
        for package in sorted(packages)
        if find_spec(package) is None
    ]
    return found


def measure(nets, peers, repeats, seconds):
    results = []
    for number in range(repeats):
        for net in nets:
            for peer in contenders(results, net) if number else peers:
                results.append(one(peer, net, seconds))
    return results


def contenders(results, net):
    """Those that were measured on a net, but for the slower ones of two forms."""
    measured = [r for r in results if r["net"] == net and "skipped" not in r]
    slower = slower_forms(measured, net)
    return [peer for peer in peers_of(measured) if peer not in slower]


def one(peer, net, seconds):
    """One measurement in a fresh process; what fails is left out, with its reason."""
    try:
        result = fresh.measure(
            "benchmarks.cuda.measure", peer, net, "--seconds", seconds, threads=None
        )
    except fresh.MeasurementFailed as error:
        if peer == "fastnn":
            raise
        last = str(error).splitlines()[-1]
        result = {"skipped": last}
    if "skipped" in result:
        result = {"skipped": f"{peer}, {net}: {result['skipped']}"}
        print(result["skipped"], file=sys.stderr)
    else:
        print(f"{net} {peer}: {micro(result['seconds'])} us", file=sys.stderr)
    return {"net": net} | result


def is_complete(results):
    """Whether there is a number for each net and library that the goals are about."""
    measured = {(r["net"], r["peer"]) for r in results if "skipped" not in r}
    wanted = [(peer,) for peer in ("fastnn", "torch", "torch_graph")]
    return all(
        any((net, form) in measured for form in forms)
        for net in NETS
        for forms in (*wanted, *FORMS)
    )


def predictions():
    """Lines of the page: what an H100 would need by its data sheet."""
    return ["", *prediction_table(H100), ""]


def main(arguments=None):
    parser = new_parser("benchmarks.cuda", __doc__)
    parser.add_argument(
        "--only", type=names(NETS), default=list(NETS), help="such as G1,G2"
    )
    parser.add_argument(
        "--peers", type=names(PEERS), default=list(PEERS), help="such as fastnn,torch"
    )
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="how long each is to train, about"
    )
    parser.add_argument(
        "--missing", action="store_true", help="measure nothing, look for the card"
    )
    parser.add_argument(
        "--predict", action="store_true", help="measure nothing, write predictions"
    )
    chosen = parser.parse_args(arguments)
    if chosen.predict:
        PAGE.write_text(fill(PAGE.read_text(), "prediction", predictions()))
        return
    if chosen.show:
        if chosen.json is None or not chosen.json.exists():
            parser.error("--show needs --json and a file that an earlier run wrote")
        print("\n".join(report(json.loads(chosen.json.read_text()))))
        return
    if chosen.missing:
        missing = missing_piece()
        missing = [] if missing is None else [missing]
    else:
        missing = lacks(chosen.peers)
    if missing:
        raise SystemExit("nothing is measured, because " + "; ".join(missing))
    if chosen.missing:
        return
    found = {
        "results": measure(chosen.only, chosen.peers, chosen.repeats, chosen.seconds),
        **fresh.measure("benchmarks.cuda.ceilings", threads=None),
        "card": describe_card(),
        "machine": describe_machine(),
    }
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))
    lines = report(found)
    print("\n".join(lines))
    if is_complete(found["results"]):
        PAGE.write_text(fill(PAGE.read_text(), "measured", ["", *lines, ""]))


if __name__ == "__main__":
    main()
