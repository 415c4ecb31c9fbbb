"""What the measurements of all peers come to: medians, ratios and tables."""

from statistics import median

from benchmarks.suite.workloads import WORKLOADS
from benchmarks.tables import at_least, duration, short, table

OURS = "fastnn"
REFERENCE = "sklearn"
LOWER_PRECISION = ("torch_bf16",)  # not a peer of a net in float32

# The ratios that fastnn is to reach, by workload and, where they differ, threads.
GOALS = {
    "float32": {
        "fastest": {
            "W1": 1.5,
            "W2": 1.5,
            "W3": 1.2,
            "W4": 1.1,
            ("W5", 1): 1.05,
            ("W5", 2): 1,
            "W7": 1.5,
        },
        "sklearn": {
            "W1": 15,
            "W2": 15,
            "W3": 2.8,
            "W4": 2.3,
            "W5": 1.5,
            "W6": 5,
            "W7": 12,
        },
        "threads": {
            "W1": 1.3,
            "W2": 1,
            "W3": 1.6,
            "W4": 1.8,
            "W5": 1.8,
            "W6": 1,
            "W7": 1,
        },
    },
    "float64": {"fastest": {}, "sklearn": {"W1": 6, "W2": 6, "W7": 6}, "threads": {}},
}


def speed(results, workload, peer, threads):
    """Median samples per second, or None where the peer cannot do it."""
    found = [
        result["samples_per_second"]
        for result in results
        if result["workload"] == workload
        and result["peer"] == peer
        and result["threads"] == threads
    ]
    return median(found) if found else None


def spread(results):
    """(max - min) / median of the repeats, at its worst."""
    groups = {}
    for result in results:
        key = result["workload"], result["peer"], result["threads"]
        groups.setdefault(key, []).append(result["samples_per_second"])
    return max((max(v) - min(v)) / median(v) for v in groups.values())


def in_order(results, key):
    """The values of a key, in the order of their first results."""
    return list(dict.fromkeys(result[key] for result in results))


def compare(value, goals, workload, threads):
    goal = goals.get((workload, threads), goals.get(workload))
    return f"{value:.2f}" if goal is None else at_least(value, goal)


def speed_table(results, threads, dtype):
    peers = in_order(results, "peer")
    fewest = min(in_order(results, "threads"))
    goals = GOALS[dtype]
    others = [p for p in peers if p != OURS and p not in LOWER_PRECISION]
    head = ["", "n x d, hidden, task, batch", *peers]
    if OURS in peers:
        head += [f"{OURS} / fastest {dtype}"] * (len(others) > 1)
        head += [f"{OURS} / {REFERENCE}"] * (REFERENCE in peers)
        head += [f"{OURS}, {threads} / {fewest} threads"] * (threads > fewest)
    rows = []
    for name in in_order(results, "workload"):
        speeds = {peer: speed(results, name, peer, threads) for peer in peers}
        row = [name, str(WORKLOADS[name])]
        row += [short(speeds[p]) if speeds[p] else "-" for p in peers]
        if OURS in peers:
            ours = speeds[OURS]
            if len(others) > 1:
                best = max(others, key=lambda peer: speeds[peer] or 0)
                ratio = compare(ours / speeds[best], goals["fastest"], name, threads)
                row.append(f"{best} {ratio}")
            if REFERENCE in peers:
                ratio = ours / speeds[REFERENCE]
                row.append(compare(ratio, goals["sklearn"], name, threads))
            if threads > fewest:
                gain = ours / speed(results, name, OURS, fewest)
                row.append(compare(gain, goals["threads"], name, threads))
        rows.append(row)
    return table(head, rows, n_left=2)


def loss_table(results):
    """The loss after one epoch in order, which shows that all train the same net."""
    peers = in_order(results, "peer")
    rows = []
    for name in in_order(results, "workload"):
        losses = {r["peer"]: r["loss"] for r in results if r["workload"] == name}
        rows.append(
            [name, *(f"{losses[p]:.4f}" if p in losses else "-" for p in peers)]
        )
    return table(["", *peers], rows)


def warm_up_table(results):
    """What the first fit of a process costs beyond a later one, at its largest."""
    peers = in_order(results, "peer")
    rows = []
    for name in in_order(results, "workload"):
        worst = {peer: [] for peer in peers}
        for result in results:
            if result["workload"] == name:
                worst[result["peer"]].append(result["warm_up_seconds"])
        rows.append([name, *(duration(max(v)) if v else "-" for v in worst.values())])
    return table(["", *peers], rows)


def report(results):
    """Lines of Markdown."""
    skipped = list(dict.fromkeys(r["skipped"] for r in results if "skipped" in r))
    results = [result for result in results if "skipped" not in result]
    lines = [f"- {version}" for version in sorted(set(in_order(results, "version")))]
    libraries = {blas for result in results for blas in result["blas"]}
    lines += [f"- BLAS: {blas}" for blas in sorted(libraries)]
    lines += [f"- {reason}" for reason in skipped]
    for dtype in in_order(results, "dtype"):
        chosen = [result for result in results if result["dtype"] == dtype]
        for threads in in_order(chosen, "threads"):
            these = [result for result in chosen if result["threads"] == threads]
            lines += [
                "",
                f"Samples per second with {threads} thread{'s' * (threads > 1)}, "
                f"{dtype}, medians (repeats differ by up to {spread(these):.0%}):",
                "",
                *speed_table(chosen, threads, dtype),
            ]
        lines += [
            "",
            f"Loss after one epoch in the order of the rows, {dtype} (with the penalty "
            "for fastnn and sklearn, without it for the others):",
            "",
            *loss_table(chosen),
        ]
    lines += [
        "",
        "What the first fit of a process takes beyond later ones (compilation):",
        "",
        *warm_up_table(results),
    ]
    return lines
