"""Drawings of networks, as SVG: boxes, arrows, and networks within them as frames."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from fastnn.layers.base import Part
from fastnn.network.layered import Layout, layout
from fastnn.network.tokens import make_input, tokens_of
from fastnn.network.trace import Node, Trace, trace
from fastnn.network.wiring import Wiring
from fastnn.plan.tape import Tape

FONT = 12.0
LINE, PAD, MARGIN, TIP = 16.0, 10.0, 14.0, 7.0
LONGEST = 40  # letters of a line
INK, PALE = "#33507e", "#5a6b85"
FILLS = {"part": "#eef3fb", "join": "#ffffff", "input": "#e7f4ea"}
FROZEN, FRAME, FROZEN_FRAME = "#d3d7dd", "#fafbfd", "#e9ebee"


class Drawing(str):
    """The text of an SVG picture, which notebooks show as a picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def draw(network: Wiring, input_shape: Any = None) -> Drawing:
    """Draw a network.

    Parameters
    ----------
    network : Network
    input_shape : tuple of int, default=None
        Of one sample; None draws no shapes and counts no parameters.

    Returns
    -------
    drawing : Drawing
    """
    traced = trace(network, input_shape)
    sizes = {} if input_shape is None else _sizes(network, traced)
    picture = _Pen(sizes).body(traced, not network.trainable, outermost=True)
    width, height = picture.width + 2 * MARGIN, picture.height + 2 * MARGIN
    return Drawing(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}" '
        f'font-family="DejaVu Sans, Verdana, sans-serif" font-size="{FONT:g}">'
        '<rect width="100%" height="100%" fill="white"/>'
        f'<g transform="translate({MARGIN:g} {MARGIN:g})">{picture.svg}</g></svg>'
    )


def _sizes(network: Wiring, traced: Trace) -> dict[str, int]:
    """How many numbers each parameter has."""
    tape = Tape()
    given = [node for node in traced.nodes if node.part is None]
    names = [name for node in given for name in _names(node)]
    tokens = tokens_of(network, names)
    inputs = [_input(tape, node, tokens) for node in given]
    network.lower(tape, inputs if network.many_inputs else inputs[0], "")
    return {parameter.name: parameter.size for parameter in tape.parameters}


def _names(node: Node) -> list[str]:
    """What an input is called, or several that branches name."""
    return list(node.shape) if isinstance(node.shape, dict) else [node.name]


def _input(tape: Tape, node: Node, tokens: dict[str, int]) -> Any:
    """A value of the input's shape, or several where branches name what they read."""
    if isinstance(node.shape, dict):
        return {
            name: make_input(tape, each, name, tokens)
            for name, each in node.shape.items()
        }
    return make_input(tape, node.shape, node.name, tokens)


@dataclass(frozen=True)
class _Picture:
    """A piece of the drawing, and where arrows leave it."""

    width: float
    height: float
    svg: str
    exit: float = 0.0


class _Pen:
    def __init__(self, sizes: dict[str, int]):
        self._sizes = sizes

    def body(self, traced: Trace, frozen: bool, *, outermost: bool) -> _Picture:
        """The nodes of a network with the arrows between them."""
        pictures = [self._node(node, frozen, outermost) for node in traced.nodes]
        edges = [
            (source, number)
            for number, node in enumerate(traced.nodes)
            for source in node.reads
        ]
        given = traced.outputs.get("")
        if not outermost and given is not None:  # to the lower edge of the frame
            edges.append((given, len(pictures)))
            pictures.append(_Picture(0, 0, ""))
        boxes = layout([(each.width, each.height) for each in pictures], edges)
        lefts = [
            x - picture.width / 2 for x, picture in zip(boxes.x, pictures, strict=True)
        ]
        entries = _entries(edges, boxes, pictures)
        drawn = []
        for (start, end), way, entry in zip(edges, boxes.ways, entries, strict=True):
            leaves = lefts[start] + pictures[start].exit
            bottom = boxes.y[start] + pictures[start].height
            points = [(leaves, bottom, boxes.bottoms[start]), *way]
            ends = (entry, boxes.y[end])
            drawn.append(_arrow(points, ends, tip=pictures[end].height > 0))
        for left, y, picture in zip(lefts, boxes.y, pictures, strict=True):
            if picture.svg:
                drawn.append(
                    f'<g transform="translate({left:.1f} {y:.1f})">{picture.svg}</g>'
                )
        leaves = boxes.x[-1] if not outermost and given is not None else 0.0
        return _Picture(boxes.width, boxes.height, "".join(drawn), leaves)

    def _node(self, node: Node, frozen: bool, outermost: bool) -> _Picture:
        part = node.part
        if part is None:
            if not outermost:
                return _Picture(0, 0, "")
            return _box([node.name, *_shape(node.shape)], FILLS["input"], round_by=12)
        frozen = frozen or not part.trainable
        name = [node.name] if node.listed else []
        kind = type(part).__name__
        if node.inner is None:
            fill = FROZEN if frozen else FILLS["part" if node.listed else "join"]
            words = _call(part) if node.listed else _joint(part)
            return _box(
                [*name, words, *self._facts(node)],
                fill,
                round_by=5 if node.listed else 12,
                bold=node.listed,
                hint=_call(part, longest=1000),
            )
        body = self.body(node.inner, frozen, outermost=False)
        title = [*name, " · ".join([kind, *self._facts(node)])]
        head = _box(title, FROZEN if frozen else FILLS["part"], bold=True)
        return _framed(head, title, body, frozen)

    def _facts(self, node: Node) -> list[str]:
        """A line with shape and number of parameters, as far as they are known."""
        facts = _shape(node.shape)
        if node.again and node.listed:
            facts.append("shared")
        else:
            count = sum(
                size
                for name, size in self._sizes.items()
                if name.startswith(f"{node.path}/")
            )
            facts += [f"{count:,} parameters"] * (count > 0)
        return [" · ".join(facts)] if facts else []


def _entries(
    edges: Sequence[tuple[int, int]], boxes: Layout, pictures: Sequence[_Picture]
) -> list[float]:
    """Where arrows enter the boxes at their ends: side by side, in order."""
    entries = [0.0] * len(edges)
    for number, picture in enumerate(pictures):
        came = [i for i, (_, end) in enumerate(edges) if end == number]
        came.sort(key=lambda i: [*boxes.ways[i], (boxes.x[edges[i][0]],)][-1][0])
        step = min(16.0, picture.width / (len(came) + 1))
        for place, i in enumerate(came):
            entries[i] = boxes.x[number] + step * (place - (len(came) - 1) / 2)
    return entries


def _arrow(
    ranks: Sequence[tuple[float, float, float]], end: tuple[float, float], *, tip: bool
) -> str:
    """A line straight down through ranks, and curved between them."""
    (x, top, y), *others = ranks
    way = f"M{x:.1f} {top:.1f}V{y:.1f}"
    to_x, to_y = end
    last = to_y - TIP if tip else to_y
    for next_x, next_top, next_y in (*others, (to_x, last, last)):
        middle = (y + next_top) / 2
        way += (
            f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} "
            f"{next_top:.1f}V{next_y:.1f}"
        )
        x, y = next_x, next_y
    line = f'<path d="{way}" fill="none" stroke="{INK}" stroke-width="1.2"/>'
    if not tip:
        return line
    corners = f"M{to_x - 4:.1f} {last - 1:.1f}h8L{to_x:.1f} {to_y:.1f}z"
    return line + f'<path d="{corners}" fill="{INK}"/>'


def _box(
    lines: Sequence[str],
    fill: str,
    *,
    round_by: float = 5.0,
    bold: bool = False,
    hint: str = "",
) -> _Picture:
    """A rounded box around lines of text, of which the first may be a name."""
    width = max(_width(line) * (1.08 if bold else 1) for line in lines) + 2 * PAD
    height = LINE * len(lines) + PAD
    told = f"<title>{escape(hint)}</title>" if hint else ""
    return _Picture(
        width,
        height,
        f'<g>{told}<rect width="{width:.1f}" height="{height:.1f}" rx="{round_by:g}" '
        f'fill="{fill}" stroke="{INK}"/>{_text(lines, width / 2, bold)}</g>',
        width / 2,
    )


def _framed(
    head: _Picture, title: Sequence[str], body: _Picture, frozen: bool
) -> _Picture:
    """A head over a body, in a frame around both."""
    width = max(head.width, body.width + 2 * PAD)
    left = (width - body.width) / 2
    height = head.height + body.height + (0 if body.exit else PAD)
    fill = FROZEN_FRAME if frozen else FRAME
    return _Picture(
        width,
        height,
        f'<rect width="{width:.1f}" height="{height:.1f}" rx="5" fill="{fill}" '
        f'stroke="{INK}"/><rect width="{width:.1f}" height="{head.height:.1f}" rx="5" '
        f'fill="{FROZEN if frozen else FILLS["part"]}" stroke="{INK}"/>'
        f"{_text(title, width / 2, True)}"
        f'<g transform="translate({left:.1f} {head.height:.1f})">{body.svg}</g>',
        left + body.exit,
    )


def _text(lines: Sequence[str], middle: float, bold: bool) -> str:
    drawn = []
    for number, line in enumerate(lines):
        y = PAD / 2 + LINE * number + LINE - 4
        look = ' font-weight="bold"' if bold and not number else ""
        ink = INK if not number else PALE
        drawn.append(
            f'<text x="{middle:.1f}" y="{y:.1f}" text-anchor="middle" fill="{ink}"'
            f"{look}>{escape(line)}</text>"
        )
    return "".join(drawn)


def _width(text: str) -> float:
    """At least as wide as the text is in the wider of the usual fonts."""
    narrow, wide = "iljtfr.,:;'()[]|! ·", "mwMW@%"
    return FONT * sum(
        0.4 if letter in narrow else 1.0 if letter in wide or letter > "ÿ" else 0.68
        for letter in text
    )


def _shape(shape: Any) -> list[str]:
    """A line with a shape; several shapes are those of the heads."""
    return [] if shape is None or isinstance(shape, dict) else [str(shape)]


def _joint(part: Part) -> str:
    """What merges or selects, in a word or two."""
    return _cut(repr(part).lstrip("_").removesuffix("()"), LONGEST)


def _call(part: Part, longest: int = LONGEST) -> str:
    """A part as it is written down, without what has its default value."""
    arguments: list[str] = []
    by_place = True
    for name, argument in inspect.signature(type(part)).parameters.items():
        value = getattr(part, name)
        if value is argument.default or repr(value) == repr(argument.default):
            by_place = False
            continue
        by_place = by_place and argument.kind is argument.POSITIONAL_OR_KEYWORD
        told = " ".join(repr(value).split())
        arguments.append(told if by_place else f"{name}={told}")
    text = f"{type(part).__name__}({', '.join(arguments)})"
    return _cut(text, longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
