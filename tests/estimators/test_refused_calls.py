"""A call that fails is as if it had never been, and a stream of calls costs no more."""

import copy
import pickle
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_iris

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.averaging import EMA
from fastnn.callbacks import Callback, EarlyStopping, ModelCheckpoint
from fastnn.exceptions import NotFiniteError
from fastnn.layers import BatchNorm, Dense, Dropout
from fastnn.optimizers import SGD, Adam
from fastnn.schedules import CosineDecay
from fastnn.training.history import History

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)

ESTIMATORS = {
    "MLP": lambda **options: MLPClassifier((5,), max_iter=2, **options),
    "MLP with a hidden mask": lambda **options: MLPClassifier(
        (5,), dropout=0.5, max_iter=2, **options
    ),
    "network": lambda **options: NeuralNetClassifier(
        Sequential([Dense(5, "relu"), BatchNorm(), Dropout(0.5)]), epochs=2, **options
    ),
    "average": lambda **options: NeuralNetClassifier(
        Sequential([Dense(5, "relu"), Dropout(0.5)]),
        epochs=2,
        averaging=EMA(),
        **options,
    ),
}
WRONG = {
    "y": {"y": np.full(150, "unknown")},
    "NaN": {"X": np.where(X > 2, np.nan, X)},
    "width": {"X": X[:, :3]},
    "weights": {"sample_weight": np.zeros(150)},
    "validation": {"X_val": X[:, :2], "y_val": y},
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fingerprint(model):
    state = model._training_state
    return pickle.dumps(
        (
            model._fitted.parameters,
            state.optimizer.slots.host,
            state.optimizer.step,
            state.random_state.get_state(),
            model.loss_curve_,
        )
    )


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("random_state", [0, np.random.RandomState])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_refused_call_has_never_been(name, random_state, wrong):
    def source():
        return random_state if random_state == 0 else random_state(0)

    model, twin = (ESTIMATORS[name](random_state=source()).fit(X, y) for _ in range(2))
    before, attributes = fingerprint(model), dict(vars(model))
    for call in (model.partial_fit, model.fit):
        if call == model.fit and wrong in ("y", "width"):
            continue  # it starts afresh
        with pytest.raises(ValueError, match=r"X|y|weight"):
            call(**({"X": X, "y": y} | WRONG[wrong]))
        assert vars(model) == attributes
        assert fingerprint(model) == before
    for each in (model, twin):
        each.partial_fit(X, y)
    assert fingerprint(model) == fingerprint(twin)


@pytest.mark.parametrize("fails", [False, True])
def test_others_see_the_model_from_before(fails):
    seen, models = [], []

    def loss(target, z):
        for model in models:
            seen.append((model.predict(X), len(model.history_["loss"])))
            if fails:
                raise RuntimeError("inside")
        return ((z - target) ** 2).sum(axis=1) / 2, z - target

    model = NeuralNetRegressor(loss=loss, epochs=2, random_state=0).fit(X, X[:, 0])
    before = model.predict(X)
    models.append(model)
    if fails:
        with pytest.raises(RuntimeError, match="inside"):
            model.partial_fit(X, X[:, 0])
        np.testing.assert_array_equal(model.predict(X), before)
    else:
        model.partial_fit(X, X[:, 0])
        assert len(model.history_["loss"]) == 3
    assert seen
    for predictions, n_epochs in seen:
        np.testing.assert_array_equal(predictions, before)
        assert n_epochs == 2


class Copies(Callback):
    """Trains the copies that it is handed, and changes their parts."""

    def on_epoch_end(self, run):
        model = run.estimator()
        model.callbacks = []
        model.set_params(network__dense__units=5)
        model.partial_fit(X[::-1], y[::-1])
        model.network.layers[0].units = 77
        model.coefs_[0][:] = 0


def test_copies_share_nothing_with_the_fit():
    models = [
        ESTIMATORS["average"](random_state=0, callbacks=callbacks).fit(X, y)
        for callbacks in ([], [Copies()])
    ]
    assert fingerprint(models[0]) == fingerprint(models[1])
    assert models[1].network.layers[0].units == 5


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_stream_of_calls_copies_no_history(name):
    model = ESTIMATORS[name](random_state=0).fit(X, y)
    epochs = model._training_state.history._epochs
    for n in range(5):
        known = model.loss_curve_
        model.partial_fit(X[n : n + 1], y[n : n + 1])
        assert model._training_state.history._epochs is epochs
        assert len(known) == 2 + n
        assert model.loss_curve_[:-1] == known
    other = copy.deepcopy(model).partial_fit(X, y)
    assert other.loss_curve_[:-1] == model.loss_curve_


def test_a_history_and_its_copy_part():
    history = History(["loss", "score"])
    history.append({"loss": 3, "score": 1})
    history.append({"loss": 2})
    other = history.copy()
    other.append({"loss": 1, "score": 2})
    assert history["loss"] == [3, 2]
    history.append({"loss": 0, "other": 7})
    assert history["loss"] == [3, 2, 0]
    assert other["loss"] == [3, 2, 1]
    np.testing.assert_array_equal(history["score"], [1, np.nan, np.nan])
    assert other.measured("score") == [1, 2]
    assert "other" not in history
    assert history.latest["loss"] == 0
    for each in (history, other):
        again = pickle.loads(pickle.dumps(each))
        np.testing.assert_equal(dict(again), dict(each))
        assert again.measured("other") == each.measured("other")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_parts_of_the_table_of_steps(name, monkeypatch):
    options = {"batch_size": 10, "random_state": 0}
    if name.startswith("MLP"):
        options |= {"solver": Adam(0.01), "learning_rate": CosineDecay()}
    else:
        options |= {"optimizer": Adam(0.01), "schedule": CosineDecay()}
    whole = ESTIMATORS[name](**options).fit(X, y)
    for module in ("fastnn.training.trainer", "fastnn.engine.engine"):
        monkeypatch.setattr(f"{module}.STEPS_AT_ONCE", 4)
    assert fingerprint(ESTIMATORS[name](**options).fit(X, y)) == fingerprint(whole)


DIVERGING = {
    "squared error": {"solver": "sgd", "learning_rate_init": 2.0},
    "float64": {"solver": "sgd", "learning_rate_init": 2.0, "dtype": "float64"},
    "exponential": {"solver": "adam", "learning_rate_init": 5.0, "loss": "poisson"},
    "slow": {"solver": "sgd", "learning_rate_init": 0.2, "loss": "poisson"},
    "object": {"solver": SGD(3.0), "loss": "gamma"},
}


def diverging_data():
    X = np.random.default_rng(0).normal(size=(150, 5))
    return X, np.abs(X[:, 0] * 3 + X[:, 1]) + 0.1


@pytest.mark.parametrize("name", DIVERGING)
def test_what_divergence_leaves_is_of_use(name):
    X, y = diverging_data()
    model = MLPRegressor(random_state=0, max_iter=300, **DIVERGING[name])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(X, y)
        except NotFiniteError:
            assert not hasattr(model, "_fitted")
            return
    if any("diverged" in str(each.message) for each in caught):
        assert np.isfinite(model.predict(X)).all()
        assert np.isnan(model.loss_curve_[-1])
        assert np.isfinite(model.loss_curve_[:-1]).all()


@pytest.mark.parametrize("convert", [np.asarray, csr_array])
@pytest.mark.parametrize("max_iter", range(1, 13))
@pytest.mark.parametrize("name", DIVERGING)
def test_the_last_step_is_judged_as_well(name, max_iter, convert):
    X, y = diverging_data()
    X = convert(X)
    model = MLPRegressor(random_state=0, max_iter=max_iter, **DIVERGING[name])
    try:
        model.fit(X, y)
    except NotFiniteError:
        assert not hasattr(model, "_fitted")
    else:
        assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("averaging", [None, EMA(0.5)])
def test_a_stream_that_diverges_keeps_what_is_of_use(averaging):
    X, y = diverging_data()
    model = NeuralNetRegressor(
        loss="poisson", optimizer=Adam(5.0), averaging=averaging, random_state=0
    )
    with pytest.raises(NotFiniteError):
        model.partial_fit(X, y)
    assert not hasattr(model, "_fitted")
    model.set_params(optimizer__learning_rate=1e-3).partial_fit(X, y)
    before = fingerprint(model)
    model.set_params(optimizer__learning_rate=5.0)
    diverged = False
    while not diverged:
        before = fingerprint(model)
        try:
            model.partial_fit(X, y)
        except NotFiniteError:
            diverged = True
        assert np.isfinite(model.predict(X)).all()
    assert fingerprint(model) == before


class Fail(Callback):
    """Fails where it is told to."""

    at = ""

    def on_fit_begin(self, run):
        self.fail("begin")

    def on_epoch_end(self, run):
        self.fail("epoch")

    def on_fit_end(self, run):
        self.fail("end")

    def fail(self, moment):
        if self.at == moment:
            raise InterruptedError


@pytest.mark.parametrize("restore_best", [True, False])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("moment", ["begin", "epoch", "end"])
def test_callbacks_keep_nothing_of_a_failed_call(
    moment, method, restore_best, tmp_path
):
    def trained():
        stop = EarlyStopping(patience=3, restore_best=restore_best)
        save = ModelCheckpoint(tmp_path / "net", save_best_only=True)
        model = NeuralNetRegressor(
            epochs=4, callbacks=[stop, save, Fail()], warm_start=True, random_state=0
        )
        for _ in range(2):
            model.partial_fit(X, y, X_val=X, y_val=y)
        return model

    model, twin = trained(), trained()
    model.callbacks[2].at = moment
    with pytest.raises(InterruptedError):
        # A best that no later call comes near.
        getattr(model, method)(X, 0 * y, X_val=0 * X, y_val=0 * y)
    model.callbacks[2].at = ""
    for _ in range(3):
        for each in (model, twin):
            getattr(each, method)(X, y, X_val=X, y_val=y)
        ours, theirs = model.callbacks[0], twin.callbacks[0]
        assert ours.best_epoch_ == theirs.best_epoch_
        assert ours.best_value_ == theirs.best_value_
        assert ours.stopped_epoch_ == theirs.stopped_epoch_
        assert model.callbacks[1].best_value_ == twin.callbacks[1].best_value_
        assert fingerprint(model) == fingerprint(twin)


def test_scores_that_are_no_numbers_do_not_switch_early_stopping_off():
    model = MLPRegressor(max_iter=50, n_iter_no_change=3)
    model.set_params(early_stopping=True, hidden_layer_sizes=(3,), random_state=0)
    scores = iter([0.5] + [np.nan] * 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "fastnn.estimators.data.targets.RegressionTargets.score",
            lambda *arguments: next(scores),
        )
        model.fit(X, X[:, 0])
    assert model.n_iter_ == 5  # the best one, three more, and the one that is too many


@pytest.mark.parametrize("where", ["thread", "atexit"])
def test_a_large_predict_at_the_end_of_the_interpreter(where):
    code = f"""
    import atexit, threading, time
    import numpy as np
    import fastnn.engine.predictor
    from fastnn import MLPRegressor
    fastnn.engine.predictor.OPERATIONS_PER_THREAD = 1
    X = np.random.default_rng(0).normal(size=(3000, 8)).astype("f4")
    model = MLPRegressor(hidden_layer_sizes=(8,), max_iter=500, n_jobs=2, tol=1e-2)
    expected = model.fit(X[:200], X[:200, 0]).predict(X)
    def work():
        time.sleep(0.2)
        print((model.predict(X) == expected).all(), flush=True)
    if {where!r} == "atexit":
        atexit.register(work)
    else:
        threading.Thread(target=work).start()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["True"]


class Holder(Callback):
    """Holds what has no copy."""

    def __init__(self, resource=None):
        self.resource = resource

    def on_epoch_end(self, run):
        self.predictions = run.estimator().predict(X)


def test_copies_need_no_copy_of_a_resource(tmp_path):
    with open(tmp_path / "log", "w") as file:
        holder = Holder(file)
        model = NeuralNetClassifier(
            epochs=2, validation=0.2, callbacks=[holder], metrics=["neg_log_loss"]
        ).fit(X, y)
    assert holder.predictions.shape == y.shape
    assert len(model.history_["validation_neg_log_loss"]) == 2
