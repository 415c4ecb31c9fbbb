"""Drawings of networks: everything is there, and nothing lies on anything else."""

import functools
import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from graphs import NETWORKS
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from pairs import in_turn
from sklearn import config_context

from fastnn import Branches, Graph, Heads, Residual, Sequential
from fastnn.layers import Add, BatchNorm, Dense, Dropout
from fastnn.network import Network
from fastnn.network.drawing import FONT
from fastnn.network.layered import layout

SVG = "{http://www.w3.org/2000/svg}"


@functools.cache
def width_of(text):
    """In the wider of the fonts that are asked for, and bold."""
    font = FontProperties(family="DejaVu Sans", weight="bold")
    return TextPath((0, 0), text, size=FONT, prop=font).get_extents().width


def rectangles(drawing):
    """Left, top, right, bottom, fill and texts of all boxes, in the page's place."""
    found = []

    def visit(element, x, y):
        if move := element.get("transform"):
            dx, dy = map(float, re.findall(r"-?[\d.]+", move))
            x, y = x + dx, y + dy
        children = list(element)
        for number, each in enumerate(children):
            if each.tag == f"{SVG}rect" and each.get("width") != "100%":
                width, height = float(each.get("width")), float(each.get("height"))
                texts = [
                    (text.text, x + float(text.get("x")), y + float(text.get("y")))
                    for text in itertools.takewhile(
                        lambda other: other.tag == f"{SVG}text", children[number + 1 :]
                    )
                ]
                found.append((x, y, x + width, y + height, each.get("fill"), texts))
            visit(each, x, y)

    visit(ElementTree.fromstring(drawing), 0, 0)
    return found


def words(drawing):
    return [text for *_, texts in rectangles(drawing) for text, *_ in texts]


def inception():
    parts = [
        ("one", Dense(32, "relu")),
        ("three", Sequential([Dense(16, "relu"), Dense(32)])),
        ("five", Sequential([Dense(16), Dropout(0.2), Dense(32)], trainable=False)),
        ("passed", Sequential([])),
    ]
    return Sequential([Dense(32), Branches(parts, merge="add"), Dense(3)])


def two_heads():
    heads = Heads([("churn", Sequential([Dense(8), Dense(1)])), ("value", Dense(1))])
    return Sequential([Residual(Dense(7)), BatchNorm(), heads])


def skipping():
    nodes = [
        *(("a", Dense(8), "x"), ("b", Dense(8), "a"), ("c", Dense(8), "b")),
        *(("d", Add(), ["a", "c", "e", "x"]), ("e", Dense(8), "x")),
        *(("f", Dense(8), "d"), ("g", Add(), ["f", "a", "b", "e"])),
    ]
    return Graph(nodes)


EXAMPLES = {
    **NETWORKS,
    "inception": inception,
    "two_heads": two_heads,
    "skipping": skipping,
    "residuals": lambda: Sequential([Residual(Dense(8)) for _ in range(10)]),
    "empty": lambda: Sequential([]),
}


@in_turn(name=EXAMPLES, input_shape=[None, (8,)])
def test_nothing_lies_on_anything_else(name, input_shape):
    drawing = EXAMPLES[name]().plot(input_shape)
    page = ElementTree.fromstring(drawing)
    boxes = rectangles(drawing)
    for left, top, right, bottom, _, texts in boxes:
        assert left >= 0 <= top
        assert right <= float(page.get("width")) + 1
        assert bottom <= float(page.get("height")) + 1
        for text, x, y in texts:
            half = width_of(text) / 2
            assert left + 2 < x - half < x + half < right - 2, text
            assert top + 8 < y < bottom - 2
    for (l1, t1, r1, b1, *_), (l2, t2, r2, b2, *_) in itertools.combinations(boxes, 2):
        apart = r1 < l2 or r2 < l1 or b1 < t2 or b2 < t1
        # A frame comes before its head and what stands in it.
        within = l1 <= l2 and r2 <= r1 + 0.2 and t1 <= t2 and b2 <= b1 + 0.2
        assert apart or within


def n_places(part):
    return sum(1 + n_places(each) for _, each in part.named_parts())


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_part_has_a_box(name):
    network = EXAMPLES[name]()
    drawn = words(network.plot())
    names = []

    def visit(part):
        for own, each in part.named_parts():
            names.append(own)
            visit(each)

    visit(network)
    for own in set(names):
        assert drawn.count(own) >= names.count(own), own


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_value_that_is_read_has_an_arrow(name):
    network = EXAMPLES[name]()
    root = ElementTree.fromstring(network.plot())
    tips = [p for p in root.iter(f"{SVG}path") if p.get("fill") != "none"]

    def n_read(part):
        if not isinstance(part, Network):
            return 0
        reads = 0

        def apply(_, part, value):
            nonlocal reads
            reads += len(value) if part.many_inputs else 1
            reads += n_read(part)
            return 0

        part.forward([0] * len(part.input_names()) if part.many_inputs else 0, apply)
        return reads

    assert len(tips) == n_read(network)


def test_a_drawing_tells_shapes_and_parameters():
    drawn = words(inception().plot((5,)))
    assert drawn[:2] == ["x", "(5,)"]
    for line in (
        "Dense(32, 'relu')",
        "(32,) · 192 parameters",
        f"Sequential · (32,) · {32 * 16 + 16 + 16 * 32 + 32:,} parameters",
        "Branches · (32,) · 3,200 parameters",
        "Dropout(0.2)",
        "(16,)",
        "Add",
    ):
        assert line in drawn, line
    assert not any("parameters" in line for line in words(inception().plot()))
    shared = Dense(8)
    drawn = words(Sequential([shared, Sequential([shared])]).plot((8,)))
    assert drawn.count("(8,) · shared") == 1
    assert drawn.count("(8,) · 72 parameters") == 1
    projected = words(Residual(Dense(3)).plot((8,)))
    assert projected.count("(3,) · 24 parameters") == 1


def test_what_is_not_trained_is_shaded():
    def fills(network):
        return {
            texts[0][0]: fill for *_, fill, texts in rectangles(network.plot()) if texts
        }

    drawn = fills(inception())
    assert drawn["five"] == drawn["dropout"]
    assert drawn["five"] not in (drawn["one"], drawn["three"])
    frozen = fills(Sequential([Dense(2), Residual(Dense(2))], trainable=False))
    assert {frozen[name] for name in ("dense", "residual", "part")} == {drawn["five"]}


def test_several_inputs_are_drawn():
    network = Graph([("sum", Add(), ["left", "right"])], inputs=["left", "right"])
    assert words(network.plot()) == ["left", "right", "sum", "Add()"]
    shapes = {"right": (3,), "left": (3,)}
    assert words(network.plot(shapes)) == [
        *("left", "(3,)", "right", "(3,)", "sum", "Add()", "(3,)")
    ]
    with pytest.raises(ValueError, match=r"each of the inputs \['left', 'right'\]"):
        network.plot((3,))


def test_names_are_escaped():
    network = Sequential([("<a & 'b'>", Dense(2, kernel_initializer=[[1.0, 2.0]] * 9))])
    drawing = network.plot((9,))
    drawn = words(drawing)
    assert "<a & 'b'>" in drawn
    assert max(map(len, drawn)) <= 40
    (hint,) = [e.text for e in ElementTree.fromstring(drawing).iter(f"{SVG}title")]
    assert hint.startswith("Dense(2, kernel_initializer=[[1.0, 2.0], [1.0, 2.0]")


def test_notebooks_show_the_drawing():
    network = inception()
    bundle = network._repr_mimebundle_()
    assert bundle["text/html"] == network.plot() == network._repr_html_()
    assert bundle["text/plain"] == repr(network)
    assert network.plot()._repr_svg_() == network.plot()
    with config_context(display="text"):
        assert network._repr_mimebundle_() == {"text/plain": repr(network)}
    broken = Sequential(["<relu>"])
    assert broken._repr_html_() == (
        "<pre>Sequential(layers=[&#x27;&lt;relu&gt;&#x27;])</pre>"
    )
    with pytest.raises(TypeError, match="got '<relu>' at position 0"):
        broken.plot()


@pytest.mark.parametrize("shape", [8, "8", 2.5])
def test_an_input_shape_is_a_tuple(shape):
    with pytest.raises(ValueError, match="input_shape must be the shape of one sample"):
        inception().plot(shape)


@pytest.mark.parametrize("seed", range(30))
def test_boxes_of_random_graphs_are_apart_and_arrows_go_down(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 25))
    sizes = [(float(rng.uniform(0, 200)), float(rng.uniform(5, 80))) for _ in range(n)]
    pairs = [(a, b) for b in range(n) for a in range(b)]
    edges = [pair for pair in pairs if rng.uniform() < 3 / n]
    placed = layout(sizes, edges)
    places = zip(sizes, placed.x, placed.y, strict=True)
    ends = [(x - w / 2, y, x + w / 2, y + h) for (w, h), x, y in places]
    for box in ends:
        assert -1e-9 <= box[0] <= box[2] <= placed.width + 1e-9
        assert 0 <= box[1] < box[3] <= placed.height + 1e-9
    for one, other in itertools.combinations(ends, 2):
        assert (
            one[2] < other[0]
            or other[2] < one[0]
            or one[3] < other[1]
            or other[3] < one[1]
        )
    for (start, end), way in zip(edges, placed.ways, strict=True):
        heights = [placed.y[start], *(top for _, top, _ in way), placed.y[end]]
        assert heights == sorted(set(heights))
        for x, top, bottom in way:  # lines pass between the boxes
            for left, upper, right, lower in ends:
                assert x < left or x > right or lower <= top or upper >= bottom
