"""The page about augmentation shows what runs."""

import re

import numpy as np


def test_the_code_of_the_page_runs(repository):
    page = (repository / "docs" / "augmentation.md").read_text()
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    X, y = names["X"], names["y"]
    assert names["model"].score(X, y) > 0.95
    x = np.ones((5, 2, 2, 1), np.float32)
    brighter = names["brightness"](x, np.random.default_rng(0))
    assert brighter.dtype == np.float32
    assert len(np.unique(brighter)) == 5
