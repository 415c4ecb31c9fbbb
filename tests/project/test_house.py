"""The picture of the folders is that of the imports."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
needs_checkout = pytest.mark.skipif(
    not (DOCS / "draw_house.py").exists(), reason="needs the checkout"
)


@needs_checkout
def test_the_picture_is_up_to_date():
    house = runpy.run_path(str(DOCS / "draw_house.py"))
    assert (DOCS / "house.svg").read_text() == house["drawing"](), (
        "run python docs/draw_house.py"
    )


@needs_checkout
def test_every_folder_is_in_a_rank_and_no_arrow_goes_up():
    house = runpy.run_path(str(DOCS / "draw_house.py"))
    rank = {name: i for i, row in enumerate(house["ranks"]()) for name in row}
    package = DOCS.parent / "fastnn"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert folders <= rank.keys()
    arrows = house["arrows"](set(rank))
    assert ("network", "layers") in arrows
    assert all(rank[above] < rank[below] for above, below in arrows)
