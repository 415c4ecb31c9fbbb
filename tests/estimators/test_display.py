"""LossCurveDisplay draws what the attributes say."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import LossCurveDisplay, MLPClassifier, MLPRegressor

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
)
X, y = load_iris(return_X_y=True)


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def model(**parameters):
    return MLPClassifier((4,), max_iter=5, random_state=0, **parameters)


def test_one_model():
    fitted = model().fit(X, y)
    display = LossCurveDisplay.from_estimator(fitted)
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(line.get_ydata(), fitted.loss_curve_)
    assert display.ax_.get_xlabel() == "Epoch"
    assert display.ax_.get_ylabel() == "Loss"
    assert display.score_ax_ is None
    assert display.figure_ is display.ax_.figure
    display.figure_.canvas.draw()


def test_scores_have_an_axis_of_their_own():
    fitted = model(early_stopping=True).fit(X, y)
    display = LossCurveDisplay.from_estimator(fitted)
    losses, validation, scores = display.lines_
    assert losses.axes is validation.axes is display.ax_
    assert scores.axes is display.score_ax_ is not display.ax_
    assert len({line.get_color() for line in display.lines_}) == 3
    np.testing.assert_array_equal(scores.get_ydata(), fitted.validation_scores_)
    legend = display.score_ax_.get_legend()
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["training loss", "validation loss", "validation score"]


def test_validation_losses_share_the_axis_of_the_losses():
    fitted = model().fit(X, y, X_val=X[::2], y_val=y[::2])
    display = LossCurveDisplay.from_estimator(fitted)
    _, validation, _ = display.lines_
    assert validation.axes is display.ax_
    np.testing.assert_array_equal(validation.get_ydata(), fitted.validation_loss_curve_)


def test_several_models_on_one_axes():
    _, ax = pyplot.subplots()
    for rate in (0.001, 0.01):
        fitted = model(early_stopping=True, learning_rate_init=rate).fit(X, y)
        display = LossCurveDisplay.from_estimator(fitted, ax=ax, name=f"rate {rate}")
    assert display.ax_ is ax
    assert len(ax.figure.axes) == 2
    labels = [text.get_text() for text in display.score_ax_.get_legend().get_texts()]
    assert labels == [
        "rate 0.001: training loss",
        "rate 0.001: validation loss",
        "rate 0.01: training loss",
        "rate 0.01: validation loss",
        "rate 0.001: validation score",
        "rate 0.01: validation score",
    ]
    colors = [line.get_color() for line in [*ax.lines, *display.score_ax_.lines]]
    assert colors[0] == colors[1] == colors[4]
    assert colors[2] == colors[3] == colors[5]
    assert colors[0] != colors[2]


def test_style():
    fitted = model().fit(X, y)
    display = LossCurveDisplay.from_estimator(fitted, color="k", label="ours", lw=3)
    (line,) = display.lines_
    assert (line.get_color(), line.get_label(), line.get_linewidth()) == (
        "k",
        "ours",
        3,
    )
    again = display.plot(name="again")
    assert again is display
    assert display.lines_[0] is not line
    assert display.lines_[0].get_label() == "again: training loss"


def test_folds_and_their_mean():
    pipeline = make_pipeline(StandardScaler(), model(early_stopping=True))
    results = cross_validate(pipeline, X, y, cv=3, return_estimator=True)
    display = LossCurveDisplay.from_cv_results(results)
    curves = [fitted[-1].loss_curve_ for fitted in results["estimator"]]
    for line, curve in zip(display.lines_[:3], curves, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), curve)
        assert line.get_alpha() < 0.5
    mean = display.lines_[3]
    np.testing.assert_allclose(mean.get_ydata(), np.mean(curves, axis=0))
    assert mean.get_label() == "training loss (mean of 3)"
    assert len(display.lines_) == 12
    assert len(display.score_ax_.get_legend().get_texts()) == 3


def test_the_mean_ends_with_the_shortest_fold():
    display = LossCurveDisplay(loss_curves=[[3, 2, 1], [5, 4]]).plot()
    assert [len(line.get_ydata()) for line in display.lines_] == [3, 2, 2]
    assert list(display.lines_[-1].get_ydata()) == [4, 3]


def test_models_inside_others():
    search = GridSearchCV(make_pipeline(model()), {"mlpclassifier__alpha": [1]}, cv=2)
    target = TransformedTargetRegressor(
        MLPRegressor(max_iter=3), transformer=StandardScaler()
    )
    theirs = neural_network.MLPRegressor(max_iter=3)
    for outer, n_epochs in ((search, 5), (target, 3), (theirs, 3)):
        display = LossCurveDisplay.from_estimator(outer.fit(X, y))
        assert len(display.lines_[0].get_ydata()) == n_epochs


def test_a_fit_that_diverged():
    display = LossCurveDisplay(loss_curves=[[1.0, 2.0, np.nan]]).plot()
    display.figure_.canvas.draw()


def test_errors():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(model())
    with pytest.raises(ValueError, match=r"has no loss_curve_.*solver='lbfgs'"):
        LossCurveDisplay.from_estimator(model(solver="lbfgs").fit(X, y))
    results = cross_validate(model(), X, y, cv=2)
    with pytest.raises(ValueError, match="return_estimator=True"):
        LossCurveDisplay.from_cv_results(results)


def test_without_matplotlib():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import fastnn\n"
        "display = fastnn.LossCurveDisplay(loss_curves=[[1]])\n"
        "try: display.plot()\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert "LossCurveDisplay.plot requires matplotlib" in done.stdout


def test_import_does_not_import_matplotlib():
    code = "import sys, fastnn; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
