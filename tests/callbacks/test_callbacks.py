"""scikit-learn's callbacks see every epoch, and may stop training."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
)
from fastnn.averaging import EMA

callback = pytest.importorskip("sklearn.callback")

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
)
X, y = load_iris(return_X_y=True)
words = np.array(["setosa", "versicolor", "virginica"])[y]
both = pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])


class Recorder:
    """Writes down what it is told; asks to stop after some epochs."""

    def __init__(self, n_epochs=None):
        self.n_epochs = n_epochs
        self.events = []
        self.models = []
        self.data = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.events.append(("end", context.task_name, context.task_id))
        self.models.append(fitted_estimator)
        self.data.append((X, y, metadata))
        return context.task_name == "epoch" and context.task_id + 1 == self.n_epochs


class Counter(Recorder):
    """The same, handed on by pipelines and searches."""

    max_propagation_depth = None


def make(Estimator, **parameters):
    parameters = {"max_iter": 4, "random_state": 0} | parameters
    return Estimator(hidden_layer_sizes=(5,), **parameters)


def epochs(recorder, kind):
    return [event[2] for event in recorder.events if event[:2] == (kind, "epoch")]


@both
def test_every_epoch_is_a_task(Estimator):
    recorder = Recorder()
    model = make(Estimator).set_callbacks(recorder)
    assert model.fit(X, y) is model
    tasks = [(kind, "epoch", n) for n in range(4) for kind in ("begin", "end")]
    expected = ["setup", ("begin", "fit", 0), *tasks, ("end", "fit", 0), "teardown"]
    assert recorder.events == expected
    assert not [name for name in vars(model) if "ctx" in name or "teardown" in name]


@both
def test_callbacks_do_not_change_the_result(Estimator):
    watched = make(Estimator).set_callbacks(Recorder()).fit(X, y)
    alone = make(Estimator).fit(X, y)
    np.testing.assert_array_equal(watched.coefs_[0], alone.coefs_[0])
    assert watched.loss_curve_ == alone.loss_curve_


@both
def test_a_callback_stops_training(Estimator):
    model = make(Estimator, max_iter=50).set_callbacks(Recorder(n_epochs=3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # to stop on request is no lack of convergence
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    (recorder,) = model._skl_callbacks
    assert epochs(recorder, "begin") == epochs(recorder, "end") == [0, 1, 2]


@both
def test_models_of_the_epochs(Estimator):
    recorder = Recorder()
    model = make(Estimator).set_callbacks(recorder).fit(X, y)
    *models, last = recorder.models
    assert last.n_iter_ == 4
    for epoch, each in enumerate(models, start=1):
        assert each is not model
        assert each.n_iter_ == len(each.loss_curve_) == epoch
        assert each.loss_ == model.loss_curve_[epoch - 1]
        alone = make(Estimator, max_iter=epoch).fit(X, y)
        np.testing.assert_array_equal(each.predict(X), alone.predict(X))
    np.testing.assert_array_equal(models[-1].coefs_[0], model.coefs_[0])
    models[0].coefs_[0][:] = 0
    assert np.all(model.coefs_[0] != 0)


def test_models_of_a_second_fit():
    recorder = Recorder()
    model = make(MLPClassifier).fit(X[:100], y[:100])
    model.set_callbacks(recorder).set_params(early_stopping=True).fit(X, words)
    assert len(recorder.models[1].validation_scores_) == 2
    for each in recorder.models:
        assert set(each.predict(X)) <= set(words)


def test_data_is_what_was_passed():
    pandas = pytest.importorskip("pandas")
    recorder, weights = Recorder(), np.ones(150)
    frame = pandas.DataFrame(X, columns=list("abcd"))
    make(MLPClassifier).set_callbacks(recorder).fit(frame, words, weights)
    for there, targets, metadata in recorder.data:
        assert there is frame
        assert targets is words
        assert metadata["sample_weight"] is weights
    recorder.models[0].predict(frame)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_training_that_ends_by_itself(early_stopping):
    recorder = Recorder()
    model = make(MLPClassifier, max_iter=100, tol=10.0, n_iter_no_change=2)
    model.set_params(early_stopping=early_stopping).set_callbacks(recorder).fit(X, y)
    assert model.n_iter_ < 100
    assert epochs(recorder, "begin") == epochs(recorder, "end")
    assert recorder.events[-2:] == [("end", "fit", 0), "teardown"]


def test_lbfgs_is_one_task():
    recorder = Recorder()
    make(MLPClassifier, solver="lbfgs").set_callbacks(recorder).fit(X, y)
    expected = ["setup", ("begin", "fit", 0), ("end", "fit", 0), "teardown"]
    assert recorder.events == expected


def test_partial_fit_has_no_tasks():
    recorder = Recorder()
    model = make(MLPRegressor).set_callbacks(recorder)
    model.partial_fit(X, y).partial_fit(X, y)
    assert recorder.events == []


@pytest.mark.parametrize("bad", [{"X": X * np.nan}, {"alpha": -1}])
def test_a_fit_that_fails_is_torn_down(bad):
    recorder = Recorder()
    model = make(MLPRegressor).set_callbacks(recorder)
    model.set_params(**{name: value for name, value in bad.items() if name != "X"})
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"NaN|alpha"):
        model.fit(bad.get("X", X), y)
    if "setup" in recorder.events:
        assert recorder.events[-1] == "teardown"
    assert vars(model) == before


def test_a_callback_that_fails():
    class Failing(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("no disk")

    recorder = Failing()
    model = make(MLPRegressor).fit(X, y)
    before = model.coefs_[0].copy()
    with pytest.raises(RuntimeError, match="no disk"):
        model.set_callbacks(recorder).fit(X, -y)
    assert recorder.events[-1] == "teardown"
    np.testing.assert_array_equal(model.coefs_[0], before)


def test_copies():
    recorder = Recorder()
    model = make(MLPClassifier).set_callbacks(recorder).fit(X, y)
    assert clone(model)._skl_callbacks == [recorder]
    for copied in (copy.deepcopy(model), copy.copy(model)):
        np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    model.set_callbacks()
    pickle.loads(pickle.dumps(model)).fit(X, y)
    assert recorder.events.count("setup") == 1


def test_callbacks_of_a_pipeline():
    recorder = Counter()
    pipeline = make_pipeline(StandardScaler(), make(MLPClassifier))
    pipeline.set_callbacks(recorder).fit(X, y)
    assert epochs(recorder, "begin") == epochs(recorder, "end") == [0, 1, 2, 3]
    assert recorder.events.count("setup") == recorder.events.count("teardown") == 1


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scores_of_every_epoch_in_a_search(n_jobs):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = make(MLPClassifier).set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {"mlpclassifier__alpha": [0.1, 1.0]},
        cv=2,
        n_jobs=n_jobs,
    ).fit(X, words)
    assert search.best_score_ > 0
    rows = monitor.get_logs().data
    scores = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(scores) == 5 * 4  # two candidates in two folds, and the last fit
    assert all(0 <= score <= 1 for score in scores)


def test_scoring_monitor():
    monitor = callback.ScoringMonitor(scoring=["r2", "neg_mean_squared_error"])
    model = make(MLPRegressor).set_callbacks(monitor).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert [row["task_id"] for row in rows] == [0, 1, 2, 3]
    assert rows[-1]["r2"] == pytest.approx(model.score(X, y))


def test_versions_of_scikit_learn_without_callbacks():
    code = (
        "import sklearn.callback, sklearn.model_selection, sklearn.neural_network\n"
        "del sklearn.callback.CallbackSupportMixin\n"
        "from fastnn import MLPRegressor\n"
        "model = MLPRegressor(solver='lbfgs').fit([[0.0], [1.0]], [0.0, 1.0])\n"
        "assert not hasattr(model, 'set_callbacks')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("around", ["alone", "pipeline", "search"])
def test_progress_bar(around, capsys):
    pytest.importorskip("rich")
    model = make(MLPClassifier)
    if around == "pipeline":
        model = make_pipeline(StandardScaler(), model)
    if around == "search":
        model = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2)
    depth = None if around != "alone" else 1
    model.set_callbacks(callback.ProgressBar(max_propagation_depth=depth)).fit(X, y)
    printed = capsys.readouterr().out
    assert "MLPClassifier" in printed
    assert "100%" in printed


@pytest.mark.parametrize("Estimator", [NeuralNetClassifier, NeuralNetRegressor])
def test_networks_of_ones_own_have_the_same_tasks(Estimator):
    recorder = Recorder(n_epochs=3)
    model = Estimator(epochs=5, averaging=EMA(0.5), random_state=0)
    model.set_callbacks(recorder).fit(X, y)
    assert epochs(recorder, "begin") == epochs(recorder, "end") == [0, 1, 2]
    assert model.n_epochs_ == 3
    for epoch, each in enumerate(recorder.models[:3], start=1):
        assert each.n_epochs_ == len(each.history_["loss"]) == epoch
        alone = Estimator(epochs=epoch, averaging=EMA(0.5), random_state=0).fit(X, y)
        np.testing.assert_array_equal(each.predict(X), alone.predict(X))
