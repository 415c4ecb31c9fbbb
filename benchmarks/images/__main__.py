"""Measure networks that convolve, and print the tables.

    python -m benchmarks.images                      # everything
    python -m benchmarks.images --nets N1 --peers fastnn,torch --repeats 5
    python -m benchmarks.images --peers ""           # no training, no single image

Training: what samples per second mean, and how processes take turns, is as in
``benchmarks.peers``; batches of 64, Adam, float32. A single image: seconds per call on
one thread. Convolutions: the time of a product of the same size over their own.
"""

import sys
from statistics import median

from benchmarks import fresh
from benchmarks.options import add_turns, installed, names, new_parser, run, some_of
from benchmarks.tables import duration, short, table

from .image import LIBRARIES
from .net import NETS

OURS = "fastnn"
# Which package each peer needs.
PEERS = {"torch": "torch", "jax_step": "jax", OURS: OURS}
THREADS = 1, 2


def measure(nets, peers, repeats, seconds):
    results = []
    packages = {peer: (PEERS[peer],) for peer in peers}
    able = installed(packages, results)
    libraries = {name: LIBRARIES[name][1] for name in LIBRARIES} if peers else {}
    libraries = installed(libraries, results)
    for _ in range(repeats):
        for net in nets:
            for threads in THREADS:
                for peer in able:
                    print(f"{net} {peer}, {threads} threads", file=sys.stderr)
                    found = fresh.measure(
                        "benchmarks.images.measure",
                        *(peer, net, "--threads", threads, "--seconds", seconds),
                        threads=threads,
                    )
                    results.append(found)
        for library in libraries:
            print(f"an image, {library}", file=sys.stderr)
            results.append(fresh.measure("benchmarks.images.image", library))
        print("convolutions", file=sys.stderr)
        results.append(fresh.measure("benchmarks.images.convolutions"))
    return results


def training_table(results):
    rows = []
    for net, peer in dict.fromkeys((each["net"], each["peer"]) for each in results):
        found = [r for r in results if (r["net"], r["peer"]) == (net, peer)]
        row = [net, peer, found[0]["version"], f"{found[0]['loss']:.4f}"]
        for threads in THREADS:
            speed, ours = (
                speed_of(results, net, each, threads) for each in (peer, OURS)
            )
            row += [short(speed), f"{ours / speed:.2f}"]
        rows.append(row)
    head = ["", "peer", "", "loss after an epoch"]
    for threads in THREADS:
        count = f"{threads} thread{'s' * (threads > 1)}"
        head += [f"{count}, samples/s", f"{OURS} / peer"]
    return table(head, rows, n_left=3)


def speed_of(results, net, peer, threads):
    return median(
        each["samples_per_second"]
        for each in results
        if (each["net"], each["peer"], each["threads"]) == (net, peer, threads)
    )


def image_table(results):
    rows = []
    ours = seconds_of(results, OURS)
    for library in dict.fromkeys(each["library"] for each in results):
        (version, *_) = (r["version"] for r in results if r["library"] == library)
        seconds = seconds_of(results, library)
        rows.append([version, duration(seconds), f"{ours / seconds:.2f}"])
    return table(["", "a call", f"{OURS} / library"], rows)


def seconds_of(results, library):
    return median(each["image"] for each in results if each["library"] == library)


def convolutions_table(results):
    by_op = {}
    for each in results:
        for found in each["convolutions"]:
            key = found["net"], found["layer"], found["what"]
            by_op.setdefault(key, []).append(found)
    rows = []
    for key, found in by_op.items():
        operations = found[0]["operations"]
        seconds, product = (
            median(each[which] for each in found) for which in ("seconds", "product")
        )
        rows.append(
            [
                *key,
                f"{operations / 1e6:.0f}",
                duration(seconds),
                duration(product),
                f"{operations / seconds / 1e9:.0f}",
                f"{operations / product / 1e9:.0f}",
                f"{product / seconds:.2f}",
            ]
        )
    head = ["", "layer", "", "MFLOP", "measured", "product", "GFLOP/s", "product's"]
    return table([*head, "reached"], rows, n_left=3)


def report(results):
    """Lines of Markdown."""
    skipped = list(dict.fromkeys(r["skipped"] for r in results if "skipped" in r))
    lines = [f"- {reason}" for reason in skipped]
    trained = [each for each in results if "peer" in each]
    if any(each["peer"] == OURS for each in trained):
        lines += ["", "Training in batches of 64, Adam, float32:", ""]
        nets = dict.fromkeys(each["net"] for each in trained)
        lines += [f"- {net}: {NETS[net]}" for net in nets]
        lines += ["", *training_table(trained)]
    images = [each for each in results if "library" in each]
    if images:
        lines += ["", "Probabilities of one image by N1, one thread:", ""]
        lines += image_table(images)
    convolutions = [each for each in results if "convolutions" in each]
    peak = median(each["peak"] for each in convolutions)
    return [
        *lines,
        "",
        "Convolutions of a batch of 64, each beside a product of the same size; one "
        f"thread, whose peak is {peak / 1e9:.0f} GFLOP/s:",
        "",
        *convolutions_table(convolutions),
    ]


def main(arguments=None):
    parser = new_parser("benchmarks.images", __doc__)
    parser.add_argument(
        "--nets", type=names(NETS), default=list(NETS), help="such as N1,N7"
    )
    parser.add_argument(
        "--peers",
        type=some_of(PEERS),
        default=list(PEERS),
        help="such as fastnn,torch",
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
