"""The page about sequences shows what runs."""

import inspect
import re

import pytest

from fastnn import layers
from fastnn.layers.embedding import LARGE_TABLE


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "sequences.md").read_text()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_code_of_the_page_runs(page, capsys):
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    assert blocks
    for block in blocks:
        exec(block, names)
        printed = capsys.readouterr().out
        assert not printed or f"```\n{printed}```" in page
    assert names["model"].score(names["X"], names["y"]) > 0.95


def test_the_table_of_masks_has_the_layers_that_keep_them(page):
    table = page[page.index("| layers | mask |") :]
    keep, loses = (
        re.findall(
            "`([A-Z]\\w*)", next(row for row in table.splitlines() if end in row)
        )
        for end in ("is passed on. Masked", "an error. They")
    )
    of_kind = {"keeps": keep, "loses": loses}
    for masks, names in of_kind.items():
        assert {getattr(layers, name)._masks for name in names} == {masks}
    users = [
        name
        for name, layer in vars(layers).items()
        if inspect.isclass(layer)
        and layer._masks == "uses"
        and not inspect.isabstract(layer)
        and name != "Embedding"
    ]
    assert len(users) > 5
    assert all(f"`{name}" in table for name in users)


def test_what_a_large_table_is(page):
    assert "from 4 million numbers in the table on" in page
    assert LARGE_TABLE // 10**6 == 4
