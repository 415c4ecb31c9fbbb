"""The examples run."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.exceptions import ConvergenceWarning


@pytest.fixture
def demo(repository):
    path = repository / "examples" / "demo.py"
    spec = importlib.util.spec_from_file_location("demo", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning"
)
def test_demo_compares_on_equal_terms(demo, tmp_path, capsys):
    name, load, estimator, parameters = demo.TASKS[1]
    X, y = load(return_X_y=True)
    X = X.astype(np.float32)
    scores, seconds = demo.compare(X, y, estimator, parameters, folds=3, rounds=1)
    demo.print_row(name, X, scores, seconds)
    assert "x" in capsys.readouterr().out
    assert abs(scores["fastnn"].mean() - scores["scikit-learn"].mean()) < 0.02
    figure = Figure()
    axes = figure.subplots()
    demo.draw_losses(axes, name, X, y, estimator, parameters)
    ours, theirs = (line.get_ydata() for line in reversed(axes.lines))
    assert len(ours) == len(theirs) == demo.EPOCHS
    np.testing.assert_allclose(ours[-1], theirs[-1], rtol=0.2)
    figure.savefig(tmp_path / "curves.png")


@pytest.mark.parametrize("name", ["grid_search", "sparse_input"])
def test_example_runs_without_a_warning(repository, name):
    path = repository / "examples" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", path],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
