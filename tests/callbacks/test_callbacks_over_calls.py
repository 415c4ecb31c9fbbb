"""Several calls of ``partial_fit``, or of a warm-started ``fit``, are one training."""

import copy
import csv
import os
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from fastnn import NeuralNetClassifier, Sequential
from fastnn.averaging import EMA
from fastnn.callbacks import Callback, CSVLogger, EarlyStopping, ModelCheckpoint
from fastnn.layers import BatchNorm, Dense
from fastnn.optimizers import SGD, Adam
from fastnn.schedules import ReduceOnPlateau

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X).astype(np.float32)
VALIDATED = {"X_val": X[::5], "y_val": y[::5]}


class Judged(Callback):
    """Overwrites what was measured in each epoch of a training."""

    def __init__(self, values, name="validation_loss"):
        self.values, self.name = values, name

    def on_epoch_end(self, run):
        if self.name in run.history:
            run.history[self.name][-1] = self.values[run.epoch - 1]


class Recorder(Callback):
    """Writes down where it stands in a training, and the weights."""

    def on_fit_begin(self, run):
        if not run.resumed:
            self.epochs, self.calls, self.weights = [], [], []
        self.calls.append((run.training, run.epoch, run.n_epochs, run.incremental))

    def on_epoch_end(self, run):
        self.epochs.append((run.epoch, run.n_epochs))
        self.weights.append(run.parameters.copy())


def net(*called, **params):
    params = {"epochs": 3, "random_state": 0, "callbacks": called} | params
    return NeuralNetClassifier(Sequential([Dense(4, "relu")]), **params)


def train(model, how, n_epochs):
    """Train for so many epochs, in a loop of one way or the other."""
    if how == "partial_fit":
        for _ in range(n_epochs):
            model.partial_fit(X, y, classes=[0, 1, 2], **VALIDATED)
    else:
        model.set_params(warm_start=True)
        for _ in range(n_epochs // model.epochs):
            model.fit(X, y, **VALIDATED)
    return model


both = pytest.mark.parametrize("how", ["fit", "partial_fit"])


# ------------------------------------------------------------------- what a run tells


def test_epochs_are_counted_over_calls():
    recorder = Recorder()
    model = train(net(recorder), "fit", 6)
    train(model, "partial_fit", 2)
    (name,) = {call[0] for call in recorder.calls}
    assert [call[1:] for call in recorder.calls] == [
        (0, 3, False),
        (3, 6, False),
        (6, 7, True),
        (7, 8, True),
    ]
    assert [epoch for epoch, _ in recorder.epochs] == list(range(1, 9))
    assert len(model.history_["loss"]) == 8
    assert model.n_epochs_ == 1
    train(model.set_params(warm_start=False), "partial_fit", 1)
    assert recorder.calls[-1][0] == name
    model.fit(X, y)
    assert recorder.calls[0][0] != name
    assert recorder.calls[0][1:] == (0, 3, False)


def test_a_copy_knows_how_many_epochs_its_call_took():
    taken = []

    class Take(Callback):
        def on_epoch_end(self, run):
            taken.append(run.estimator())

    train(net(Take()), "fit", 6)
    assert [each.n_epochs_ for each in taken] == [1, 2, 3, 1, 2, 3]
    assert [len(each.history_["loss"]) for each in taken] == [1, 2, 3, 4, 5, 6]


def test_lines_count_over_calls(capsys):
    train(net(verbose=True), "fit", 6)
    assert "epoch 6/6" in capsys.readouterr().out


# ------------------------------------------------------------------- early stopping


def weights_of(model):
    return model._fitted.parameters


@pytest.mark.parametrize(
    ("values", "best", "stops"),
    [
        ([5, 4, 3, 4, 4, 4, 4, 4], 3, [5, 7]),
        ([5, 4, 3, 4, 2, 4, 4, 4], 5, [7]),
        ([5, 4, 3, 4, 4, 2, 1, 0], 8, [5]),
        ([3, 4, 5, 6, 7, 8, 9, 9], 1, [3, 5, 7]),
        ([9, 8, 7, 6, 5, 4, 3, 2], 8, []),
    ],
)
@pytest.mark.parametrize("restore_best", [True, False])
@pytest.mark.parametrize("saved", [True, False])
def test_patience_over_partial_fit(values, best, stops, restore_best, saved):
    recorder = Recorder()
    stop = EarlyStopping(patience=2, restore_best=restore_best)
    model = net(Judged(values), stop, recorder, optimizer="sgd")
    found = []
    for call in range(1, len(values) + 1):
        train(model, "partial_fit", 1)
        if saved:
            model = pickle.loads(pickle.dumps(model))
        _, stop, recorder = model.callbacks
        if stop.stopped_epoch_ == call:
            found.append(call)
        back = restore_best and stop.stopped_epoch_ == call
        expected = recorder.weights[stop.best_epoch_ - 1 if back else -1]
        np.testing.assert_array_equal(weights_of(model), expected)
    assert (stop.best_epoch_, found) == (best, stops)
    assert stop.stopped_epoch_ == (stops[-1] if stops else None)
    assert stop.best_value_ == min(values)


@pytest.mark.parametrize("averaging", [None, EMA(0.5)])
def test_the_best_of_warm_fits_survives(averaging):
    recorder = Recorder()
    stop = EarlyStopping(patience=2)
    values = [5, 1, 4, 3, 3, 0, 3, 3, 3]
    model = net(Judged(values), stop, recorder, averaging=averaging)
    model.set_params(network__dense__units=4)
    train(model, "fit", 3)
    assert (stop.best_epoch_, stop.stopped_epoch_) == (2, None)
    best = recorder.weights[1]
    np.testing.assert_array_equal(weights_of(model), best)
    train(model, "fit", 3)
    # New patience in each fit, and the best of all calls.
    assert (stop.best_epoch_, stop.stopped_epoch_, model.n_epochs_) == (2, 5, 2)
    np.testing.assert_array_equal(weights_of(model), best)
    train(model, "fit", 3)
    assert (stop.best_epoch_, stop.stopped_epoch_, model.n_epochs_) == (6, 8, 3)
    np.testing.assert_array_equal(weights_of(model), recorder.weights[5])


def test_the_best_of_a_fit_survives_in_partial_fit():
    recorder = Recorder()
    stop = EarlyStopping(patience=3)
    model = net(Judged([2, 1, 2, 3, 3, 3, 3, 3]), stop, recorder)
    train(model, "fit", 3)
    for call in (4, 5, 6):
        train(model, "partial_fit", 1)
        assert stop.stopped_epoch_ == (6 if call == 6 else None)
    assert stop.best_epoch_ == 2
    np.testing.assert_array_equal(weights_of(model), recorder.weights[1])


def test_a_stop_of_fit_does_not_end_a_loop_of_partial_fit():
    stop = EarlyStopping(patience=1)
    model = train(net(Judged([1, 2, 3, 0]), stop), "fit", 3)
    assert stop.stopped_epoch_ == 2
    train(model.set_params(callbacks=[Judged([1, 2, 0]), stop]), "partial_fit", 1)
    assert (stop.best_epoch_, stop.stopped_epoch_) == (3, None)


@pytest.mark.parametrize("another", ["fit", "estimator", "clone", "monitor"])
def test_another_training_starts_afresh(another):
    stop = EarlyStopping(patience=5)
    values = [1, 2, 3, 4, 5, 6]
    model = train(net(Judged(values), stop, epochs=2), "partial_fit", 2)
    assert (stop.best_epoch_, stop.best_value_) == (1, 1)
    values[:] = [9, 8, 7, 6, 5, 4]
    if another == "fit":
        model.set_params(warm_start=False).fit(X, y, **VALIDATED)
    elif another == "estimator":
        train(net(Judged(values), stop), "partial_fit", 2)
    elif another == "clone":
        model = clone(model)
        assert model.callbacks[1].best_value_ is None
        stop = train(model, "partial_fit", 2).callbacks[1]
    else:
        stop.set_params(monitor="validation_score")
        train(model.set_params(callbacks=[stop]), "partial_fit", 1)
        assert (stop.best_epoch_, stop.stopped_epoch_) == (3, None)
        return
    assert (stop.best_epoch_, stop.best_value_) == (2, 8)


def test_two_trainings_by_turns_share_no_best():
    stop = EarlyStopping(patience=1)
    models = [net(Judged(values), stop) for values in ([1, 2, 3], [5, 4, 3])]
    for _ in range(3):
        for model in models:
            train(model, "partial_fit", 1)
            assert (stop.best_epoch_, stop.stopped_epoch_) == (
                len(model.loss_curve_),
                None,
            )


@pytest.mark.parametrize("turn", [True, False])
def test_restoring_may_be_switched_between_calls(turn):
    stop = EarlyStopping(patience=1, restore_best=not turn)
    recorder = Recorder()
    model = net(Judged([1, 2, 3, 4]), stop, recorder)
    train(model, "partial_fit", 2)
    stop.set_params(restore_best=turn)
    train(model, "partial_fit", 2)
    # Weights that nobody has kept cannot come back: the best of those since.
    assert stop.best_epoch_ == (3 if turn else 1)
    expected = recorder.weights[2 if turn else 3]
    np.testing.assert_array_equal(weights_of(model), expected)


def test_calls_without_validation_data_are_not_judged(tmp_path):
    stop = EarlyStopping(patience=2)
    save = ModelCheckpoint(tmp_path / "net", save_best_only=True)
    log = CSVLogger(tmp_path / "log.csv")
    model = net(Judged([3, 0, 4, 0, 4, 0, 4]), stop, save, log)
    model.set_params(schedule=ReduceOnPlateau(patience=3), optimizer=SGD(1e-12))
    for call in range(1, 8):
        if call % 2:
            train(model, "partial_fit", 1)
        else:
            model.partial_fit(X, y)
    assert (stop.best_epoch_, stop.stopped_epoch_) == (1, 5)
    assert len(joblib.load(tmp_path / "net").history_["loss"]) == 1
    assert model._training_state.optimizer.learning_rate == pytest.approx(2e-13)
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == list("1234567")
    assert [bool(row["validation_loss"]) for row in rows] == [True, False] * 3 + [True]


def test_a_copy_of_a_callback_is_independent():
    model = net(Judged([3, 2, 1, 4, 4, 4]), EarlyStopping(patience=2))
    stop = train(model, "partial_fit", 2).callbacks[1]
    there = copy.copy(stop)
    kept = there._best.host.copy()
    train(model, "partial_fit", 4)
    assert (stop.best_epoch_, there.best_epoch_) == (3, 2)
    np.testing.assert_array_equal(there._best.host, kept)


def test_weights_of_another_precision_come_back():
    stop = EarlyStopping(patience=1)
    recorder = Recorder()
    model = train(net(Judged([1, 2]), stop, recorder), "partial_fit", 1)
    train(model.set_params(dtype="float64"), "partial_fit", 1)
    assert weights_of(model).dtype == np.float64
    np.testing.assert_array_equal(weights_of(model), recorder.weights[0])


def test_normalised_networks_come_back():
    """Statistics of the mini-batches are among what is restored."""
    recorder = Recorder()
    stop = EarlyStopping(patience=1)
    model = net(Judged([1, 2]), stop, recorder)
    model.set_params(network=Sequential([Dense(4), BatchNorm()]))
    train(model, "partial_fit", 2)
    np.testing.assert_array_equal(weights_of(model), recorder.weights[0])


def test_callbacks_that_have_not_begun_have_nothing_to_end(tmp_path):
    class Broken(Callback):
        def on_fit_begin(self, run):
            other.on_fit_end(run)
            raise RuntimeError("broken")

    for other in (
        EarlyStopping(),
        ModelCheckpoint(tmp_path / "net"),
        CSVLogger(tmp_path / "log"),
    ):
        train(net(Judged([1, 2, 3]), other), "partial_fit", 2)
        with pytest.raises(RuntimeError, match="broken"):
            net(Broken(), other).set_params(network=Sequential([Dense(9, "relu")])).fit(
                X, y
            )


# ------------------------------------------------------------------- files


@both
@pytest.mark.parametrize("saved", [True, False])
def test_a_checkpoint_keeps_the_best_of_all_calls(how, saved, tmp_path):
    path = tmp_path / "best"
    save = ModelCheckpoint(path, save_best_only=True)
    model = net(Judged([5, 3, 4, 4, 4, 4, 4, 2, 3]), save)
    for n_epochs, best in [(3, 2), (3, 2), (3, 8)]:
        train(model, how, n_epochs)
        if saved:
            model = pickle.loads(pickle.dumps(model))
        assert len(joblib.load(path).history_["loss"]) == best
    assert model.callbacks[1].best_value_ == 2
    assert model.callbacks[1].saved_path_ == str(path)


@both
def test_files_of_earlier_calls_are_not_replaced(how, tmp_path):
    train(net(ModelCheckpoint(tmp_path / "{epoch}")), how, 6)
    assert sorted(os.listdir(tmp_path)) == list("123456")
    for name in os.listdir(tmp_path):
        assert len(joblib.load(tmp_path / name).history_["loss"]) == int(name)


def test_a_loaded_checkpoint_knows_its_best(tmp_path):
    path = tmp_path / "best"
    values = [5, 3, 4, 4, 4, 1]
    stop = EarlyStopping(patience=3)
    train(
        net(Judged(values), stop, ModelCheckpoint(path, save_best_only=True)), "fit", 3
    )
    model = joblib.load(path)
    _, stop, save = model.callbacks
    assert (stop.best_value_, save.best_value_, save.saved_path_) == (3, 3, str(path))
    train(model, "partial_fit", 3)
    assert stop.stopped_epoch_ == 5
    assert len(joblib.load(path).history_["loss"]) == 2
    train(model, "partial_fit", 1)
    assert len(joblib.load(path).history_["loss"]) == 6


def test_a_best_that_could_not_be_saved_is_none(tmp_path, monkeypatch):
    save = ModelCheckpoint(tmp_path / "net", save_best_only=True)
    model = train(net(Judged([3, 2, 2.5]), save), "partial_fit", 1)
    with monkeypatch.context() as patched:

        def interrupt(*arguments):
            raise KeyboardInterrupt

        patched.setattr(joblib, "dump", interrupt)
        with pytest.warns(UserWarning, match="interrupted by user"):
            train(model, "partial_fit", 1)
    assert save.best_value_ == 3
    train(model, "partial_fit", 1)
    assert save.best_value_ == 2.5


@both
def test_a_log_goes_on(how, tmp_path):
    path = tmp_path / "log.csv"
    model = train(net(CSVLogger(path)), how, 3)
    model = pickle.loads(pickle.dumps(model))
    train(model, how, 3)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == list("123456")
    assert [float(row["loss"]) for row in rows] == model.history_["loss"]
    model.set_params(warm_start=False).fit(X, y)
    assert len(path.read_text().splitlines()) == 4


def test_a_log_that_was_removed_begins_anew(tmp_path):
    path = tmp_path / "log.csv"
    model = train(net(CSVLogger(path)), "partial_fit", 2)
    path.unlink()
    train(model, "partial_fit", 1)
    assert len(path.read_text().splitlines()) == 2
    other = tmp_path / "other.csv"
    other.write_text("something else\n")
    train(model.set_params(callbacks=[CSVLogger(other)]), "partial_fit", 1)
    assert other.read_text().startswith("epoch,")


# ------------------------------------------------------------------- schedules


def test_a_plateau_of_one_number_is_none_of_another():
    model = net(schedule=ReduceOnPlateau(patience=2), optimizer=Adam(0.01))
    model.set_params(warm_start=True, epochs=20)
    # One class alone has a much smaller loss than all have.
    model.fit(X, y, X_val=X[:20], y_val=y[:20])
    assert min(model.history_["validation_loss"]) < min(model.history_["loss"]) / 2
    model.fit(X, y)
    assert model.history_["learning_rate"] == [0.01] * 40


def test_a_warm_fit_has_new_patience():
    schedule = ReduceOnPlateau(patience=4)
    model = train(net(schedule=schedule, optimizer=SGD(1e-12)), "fit", 6)
    assert model.history_["learning_rate"] == [1e-12] * 6
    train(model, "partial_fit", 3)
    assert model.history_["learning_rate"][-1] == pytest.approx(2e-13)
