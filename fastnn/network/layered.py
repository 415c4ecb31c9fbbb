"""Places of boxes in layers, so that arrows lead downward: Sugiyama's method.

Boxes lie in ranks by the longest way to them; arrows over several ranks have a place of
their own in each; the order within a rank is that of the neighbours' means, and so are
the positions, as far as boxes leave room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

GAP, LANE, RANK_GAP = 26.0, 14.0, 34.0
SWEEPS = 12

Edge = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Where boxes lie, and which way arrows go.

    Parameters
    ----------
    width, height : float
        Of all.
    x, y : list of float
        Middle of the top edge of each box.
    bottoms : list of float
        For each box the lower end of its rank.
    ways : list of list of (float, float, float)
        For each arrow the ranks that it passes: x, and where they begin and end.
    """

    width: float
    height: float
    x: list[float]
    y: list[float]
    bottoms: list[float]
    ways: list[list[tuple[float, float, float]]]


def layout(sizes: Sequence[tuple[float, float]], edges: Sequence[Edge]) -> Layout:
    """Place boxes of these sizes.

    Parameters
    ----------
    sizes : sequence of (float, float)
        Width and height of each box.
    edges : sequence of (int, int)
        Arrows from box to box, to one of a higher number.

    Returns
    -------
    layout : Layout
    """
    n_boxes = len(sizes)
    rank = _ranks(n_boxes, edges)
    widths = [width for width, _ in sizes]
    links: list[Edge] = []  # between neighbouring ranks
    lanes: list[list[int]] = []  # what stands for an arrow in the ranks it passes
    for start, end in edges:
        lane = []
        for between in range(rank[start] + 1, rank[end]):
            lane.append(len(widths))
            widths.append(LANE)
            rank.append(between)
        way = [start, *lane, end]
        links += pairwise(way)
        lanes.append(lane)
    rows: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for number, own in enumerate(rank):
        rows[own].append(number)
    above: list[list[int]] = [[] for _ in widths]
    below: list[list[int]] = [[] for _ in widths]
    for start, end in links:
        above[end].append(start)
        below[start].append(end)
    rows = _ordered(rows, above, below)
    x = _positions(rows, widths, above, below)
    left = min(x[i] - widths[i] / 2 for i in range(len(widths)))
    x = [each - left for each in x]
    tops: list[float] = []
    bottoms: list[float] = []
    y = 0.0
    for row in rows:
        height = max(sizes[i][1] for i in row if i < n_boxes)
        if tops and not height:  # the lower edge of a frame
            y -= RANK_GAP / 2
        tops.append(y)
        bottoms.append(y + height)
        y += height + RANK_GAP
    return Layout(
        width=max(x[i] + widths[i] / 2 for i in range(len(widths))),
        height=bottoms[-1],
        x=x[:n_boxes],
        y=[tops[rank[i]] for i in range(n_boxes)],
        bottoms=[bottoms[rank[i]] for i in range(n_boxes)],
        ways=[
            [(x[i], tops[rank[i]], bottoms[rank[i]]) for i in lane] for lane in lanes
        ],
    )


def _ranks(n_boxes: int, edges: Sequence[Edge]) -> list[int]:
    rank = [0] * n_boxes
    for start, end in sorted(edges, key=lambda edge: edge[1]):
        rank[end] = max(rank[end], rank[start] + 1)
    return rank


def _ordered(
    rows: list[list[int]], above: list[list[int]], below: list[list[int]]
) -> list[list[int]]:
    """The order within each rank with the fewest crossings that was met."""
    best, fewest = rows, _crossings(rows, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        if sweep % 2 == 0:
            rows, others = rows[:1], rows[1:]
            for row in others:
                rows.append(_by_neighbours(row, rows[-1], above))
        else:
            others, rows = rows[:-1], rows[-1:]
            for row in reversed(others):
                rows.insert(0, _by_neighbours(row, rows[0], below))
        found = _crossings(rows, below)
        if found < fewest:
            best, fewest = rows, found
    return best


def _by_neighbours(
    row: list[int], next_row: list[int], near: list[list[int]]
) -> list[int]:
    """A row in the order of the means of its neighbours in the next one."""
    place = {number: i for i, number in enumerate(next_row)}
    means = {
        number: sum(place[j] for j in near[number]) / len(near[number])
        if near[number]
        else i
        for i, number in enumerate(row)
    }
    return sorted(row, key=means.__getitem__)


def _crossings(rows: list[list[int]], below: list[list[int]]) -> int:
    count = 0
    for row, next_row in pairwise(rows):
        place = {number: i for i, number in enumerate(next_row)}
        ends = [sorted(place[end] for end in below[start]) for start in row]
        count += sum(
            b < a
            for i, left in enumerate(ends)
            for right in ends[i + 1 :]
            for a in left
            for b in right
        )
    return count


def _positions(
    rows: list[list[int]],
    widths: list[float],
    above: list[list[int]],
    below: list[list[int]],
) -> list[float]:
    """Middles of the boxes: near the mean of their neighbours, and apart."""
    x = [0.0] * len(widths)
    # Boxes stand under boxes, and what passes by them goes round.
    pull = [0.1 if width == LANE else 1.0 for width in widths]
    for sweep in range(2 * SWEEPS + 1):
        down = sweep % 2 == 0
        near = above if down else below
        for row in rows[:: 1 if down else -1]:
            wanted = [
                sum(x[j] * pull[j] for j in near[i]) / sum(pull[j] for j in near[i])
                if near[i]
                else x[i]
                for i in row
            ]
            places = _apart(wanted, [widths[i] for i in row], [pull[i] for i in row])
            for i, place in zip(row, places, strict=True):
                x[i] = place
    return x


def _apart(wanted: list[float], widths: list[float], pull: list[float]) -> list[float]:
    """The places nearest to those wanted, by squares, at which boxes do not overlap.

    Less the room that is taken on their left they must rise, which pooling the
    neighbours that do not makes sure of.
    """
    room = [0.0]
    for left, right in pairwise(widths):
        gap = LANE if LANE in (left, right) else GAP
        room.append(room[-1] + (left + right) / 2 + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, and how many
    for target, taken, weight in zip(wanted, room, pull, strict=True):
        mean, count = target - taken, 1
        while pools and pools[-1][0] > mean:
            other, heavy, many = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, count = weight + heavy, count + many
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + taken for mean, taken in zip(means, room, strict=True)]
