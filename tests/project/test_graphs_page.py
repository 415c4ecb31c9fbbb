"""The page about graphs shows what runs: its code, its table and its picture."""

import re
from pathlib import Path

import numpy as np
import pytest

from fastnn import Heads
from fastnn.layers import LayerNorm


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "graphs.md").read_text()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_code_of_the_page_runs(page, repository, tmp_path, monkeypatch, capsys):
    from sklearn.model_selection import GridSearchCV

    names = {
        "GridSearchCV": GridSearchCV,
        "Heads": Heads,
        "LayerNorm": LayerNorm,
        "Path": Path,
    }
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    assert len(blocks) == 13
    for block in blocks:
        exec(block, names)
        if "search" in names:
            search = names.pop("search").set_params(estimator__epochs=1, cv=2)
            search.fit(names["X"], names["y"])
    table, _ = capsys.readouterr().out.split("memory")
    assert f"```\n{table}```" in page
    assert names["network"].output_shape((12,)) == {"churn": (2,), "value": (1,)}
    assert names["buyers"].score(names["customers"], names["bought"]) > 0.8
    together = names["prices"].predict(dict(names["X_both"].items()))
    assert np.corrcoef(together, names["customers"]["income"])[0, 1] > 0.9
    assert list(names["predicted"]) == ["churn", "value"]
    assert names["probability"].shape == (400,)
    assert min(names["scores"]["test_auc"]) > 0.9
    assert min(names["scores"]["test_r2"]) > 0.5
    assert names["deep"].output_shape((8,)) == (64,)
    picture = repository / "docs" / "network.svg"
    assert (tmp_path / "network.svg").read_text() == picture.read_text()
