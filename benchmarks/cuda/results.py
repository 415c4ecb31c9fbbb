"""What the measurements on a card come to: medians, ratios, goals and tables."""

from statistics import median

from benchmarks.tables import at_least, at_most, table

from .nets import FASTER_THAN, MICROSECONDS, NETS, OVER_PRODUCTS
from .peers import FORMS, PEERS, REDUCED
from .roofline import Ceilings, bytes_moved, operations, predict
from .stages import in_words

OURS = "fastnn"


def micro(seconds):
    """At least three digits: 0.0000345 -> 34.5"""
    value = 1e6 * seconds
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def seconds(results, net, peer, which="seconds"):
    """Median seconds of a step, or None where the peer was not measured."""
    found = [r[which] for r in results if (r["net"], r["peer"]) == (net, peer)]
    return median(found) if found else None


def nets_of(results):
    return [net for net in NETS if any(r["net"] == net for r in results)]


def peers_of(results):
    return [peer for peer in PEERS if any(r["peer"] == peer for r in results)]


def spread(results):
    """(max - min) / median of the repeats, at its worst."""
    worst = 0.0
    for net in nets_of(results):
        for peer in peers_of(results):
            found = [
                r["seconds"] for r in results if (r["net"], r["peer"]) == (net, peer)
            ]
            if found:
                worst = max(worst, (max(found) - min(found)) / median(found))
    return worst


def slower_forms(results, net):
    """Of each library with two forms, the one that is slower on a net."""
    slower = []
    for forms in FORMS:
        times = {form: seconds(results, net, form) for form in forms}
        times = {form: time for form, time in times.items() if time is not None}
        fastest = min(times, key=times.get, default=None)
        slower += [form for form in times if form != fastest]
    return slower


def step_table(results):
    """Microseconds of a step, with our goal and the ratios to others."""
    peers = [peer for peer in peers_of(results) if peer not in REDUCED]
    others = [peer for peer in peers if peer != OURS]
    head = ["", "n x d, hidden, task, batch", *peers]
    head += [f"{peer} / {OURS}" for peer in others]
    rows = []
    for net in nets_of(results):
        times = {peer: seconds(results, net, peer) for peer in peers}
        ours = times.get(OURS)
        row = [net, str(NETS[net])]
        for peer in peers:
            row.append("-" if times[peer] is None else micro(times[peer]))
            if peer == OURS and ours is not None and net in MICROSECONDS:
                row[-1] = at_most(1e6 * ours, MICROSECONDS[net], "{:.1f}")
        for peer in others:
            if times[peer] is None or ours is None:
                row.append("-")
                continue
            ratio, goal = times[peer] / ours, FASTER_THAN.get(peer, {}).get(net)
            row.append(f"{ratio:.2f}" if goal is None else at_least(ratio, goal))
        rows.append(row)
    return table(head, rows, n_left=2)


def product_table(results, products):
    """A step of ours over the times of its products."""
    rows = []
    for net in nets_of(results):
        ours = seconds(results, net, OURS)
        row = [net, micro(products[net])]
        if ours is None:
            row += ["-", "-"]
        else:
            ratio, goal = ours / products[net], OVER_PRODUCTS.get(net)
            row.append(micro(ours))
            row.append(f"{ratio:.2f}" if goal is None else at_most(ratio, goal))
        rows.append(row)
    return table(["", "cuBLAS, sum", OURS, f"{OURS} / sum"], rows)


def precision_table(results):
    peers = [OURS, *(peer for peer in REDUCED if peer in peers_of(results))]
    rows = []
    for net in nets_of(results):
        times = [seconds(results, net, peer) for peer in peers]
        full = times[0]
        row = [net]
        for number, time in enumerate(times):
            if time is None:
                row.append("-")
            elif number == 0 or full is None:
                row.append(micro(time))
            else:
                row.append(f"{micro(time)} ({full / time:.2f})")
        rows.append(row)
    head = ["", *("float32" if p == OURS else p.partition("_")[2] for p in peers)]
    return table(head, rows)


def prediction_table(ceilings, measured=None):
    """Least microseconds of a step, in parts; with what is measured or asked for."""
    rows = []
    for name, net in NETS.items():
        parts = predict(name, ceilings)
        row = [
            name,
            f"{operations(net) / 1e6:,.0f}M",
            micro(parts["arithmetic"]),
            f"{bytes_moved(net) / 1e6:.1f} MB",
            micro(parts["bytes"]),
            in_words(name),
            micro(parts["stages"]),
            micro(max(parts.values())),
            micro(sum(parts.values())),
        ]
        if measured is None:
            goal = MICROSECONDS.get(name)
            row.append("-" if goal is None else str(goal))
        else:
            time = measured.get(name)
            row.append("-" if time is None else micro(time))
        rows.append(row)
    last = "goal" if measured is None else "measured"
    head = ["", "operations", "us", "bytes", "us", "stages", "us", "at least", "sum"]
    return table([*head, last], rows)


def order_table(results):
    """What a step takes where nothing is shuffled."""
    peers = [peer for peer in peers_of(results) if peer not in REDUCED]
    rows = []
    for net in nets_of(results):
        times = [seconds(results, net, peer, "in_order") for peer in peers]
        rows.append([net, *("-" if time is None else micro(time) for time in times)])
    return table(["", *peers], rows)


def loss_table(results):
    """The loss after one epoch in order, which shows that all train the same net."""
    peers = peers_of(results)
    rows = []
    for net in nets_of(results):
        losses = {r["peer"]: r["loss"] for r in results if r["net"] == net}
        rows.append([net, *(f"{losses[p]:.4f}" if p in losses else "-" for p in peers)])
    return table(["", *peers], rows)


def facts(card):
    """Lines of a list: the card, its driver and CUDA."""
    return [
        f"- {card['card']}, driver {card['driver']}, CUDA {card['cuda']}, "
        f"CuPy {card['cupy']}"
    ]


def report(found):
    """Lines of Markdown, of what ``benchmarks.cuda`` has measured."""
    results = [r for r in found["results"] if "skipped" not in r]
    lines = [*facts(found["card"]), *found["machine"]]
    lines += [f"- {version}" for version in sorted({r["version"] for r in results})]
    skipped = (r["skipped"] for r in found["results"] if "skipped" in r)
    lines += [f"- {reason}" for reason in dict.fromkeys(skipped)]
    lines += [
        "",
        "Microseconds of a step, float32 without TF32, medians (repeats differ by up "
        f"to {spread(results):.0%}), and how many times as fast {OURS} is:",
        "",
        *step_table(results),
        "",
        "The same where each epoch has the samples in their order, without a shuffle:",
        "",
        *order_table(results),
    ]
    if any(peer in peers_of(results) for peer in REDUCED):
        lines += [
            "",
            "Microseconds of a step of fastnn by `precision=` (and how many times as "
            "fast as float32):",
            "",
            *precision_table(results),
        ]
    if "ceilings" in found:
        ceilings = Ceilings(**found["ceilings"])
        ours = {net: seconds(results, net, OURS) for net in nets_of(results)}
        lines += [
            "",
            "Microseconds of a step beside the sum of the times that cuBLAS takes for "
            "its products, each alone in a CUDA graph:",
            "",
            *product_table(results, found["products"]),
            "",
            "What the card can do: "
            f"{ceilings.bytes / 1e12:.2f} TB/s read and written by a copy, "
            f"{ceilings.operations / 1e12:.1f} TFLOP/s in a large product, "
            f"{micro(ceilings.stage)} microseconds for an empty kernel in a graph. "
            "What follows for a step, in microseconds:",
            "",
            *prediction_table(ceilings, ours),
        ]
    lines += [
        "",
        "Loss after one epoch in the order of the rows:",
        "",
        *loss_table(results),
    ]
    return lines
