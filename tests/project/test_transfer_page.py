"""The page about building on what was trained shows what runs."""

import re

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from fastnn import NeuralNetClassifier


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_code_of_the_page_runs(repository, capsys):
    page = (repository / "docs" / "transfer.md").read_text()
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    assert len(blocks) == 6
    for number, block in enumerate(blocks):
        exec(block, names)
        if number == 1:
            frozen = names["second"].extract("base").weights
            for name, values in names["base"].weights.items():
                np.testing.assert_array_equal(frozen[name], values)
    assert f"```\n{capsys.readouterr().out}```" in page
    X, y = names["X_few"], names["loop"]
    assert names["second"].score(X, y) > 0.9
    assert names["model"].score(X, y) > 0.9
    of_part = NeuralNetClassifier(names["part"].set_params(trainable=False), epochs=1)
    np.testing.assert_array_equal(of_part.fit(X, y).coefs_[0], np.eye(64)[:, :16])
    search = GridSearchCV(
        names["second"].set_params(epochs=1), names["grid"], cv=2, error_score="raise"
    )
    assert search.fit(X, y).best_params_.keys() == names["grid"].keys()
