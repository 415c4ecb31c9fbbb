"""Numbers and tables as Markdown."""


def short(number):
    """6403211 -> 6.4M"""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def duration(seconds):
    """0.00123 -> 1.23 ms"""
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(head, rows, n_left=1):
    """Lines of a table; all but the first ``n_left`` columns are numbers."""
    rule = ["---"] * n_left + ["---:"] * (len(head) - n_left)
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def at_least(value, goal, shown="{:.2f}"):
    """The value and its goal, with a word where it falls short."""
    verdict = "" if value >= goal else ", missed"
    return f"{shown.format(value)} (≥ {goal}{verdict})"


def at_most(value, goal, shown="{:.2f}", shown_goal=None):
    verdict = "" if value <= goal else ", missed"
    return f"{shown.format(value)} (≤ {shown_goal or goal}{verdict})"
