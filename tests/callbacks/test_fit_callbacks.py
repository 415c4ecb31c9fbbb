"""Callbacks of a fit: what they see, when they stop it, and what they leave behind."""

import csv
import os
import threading

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from fastnn import (
    MLPClassifier,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LearningRateFinder,
    ModelCheckpoint,
    TerminateOnNaN,
)
from fastnn.layers import Dense
from fastnn.optimizers import SGD, Adam

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X).astype(np.float32)
X_numbers, numbers = make_regression(120, 5, noise=0.1, random_state=0)
numbers = numbers / 100


def net(*called, Estimator=NeuralNetClassifier, **params):
    params = {"epochs": 6, "random_state": 0, "callbacks": called} | params
    return Estimator(Sequential([Dense(8, "relu")]), **params)


class Recorder(Callback):
    """Writes down what it is told; asks to stop after some epochs."""

    def __init__(self, n_epochs=None):
        self.n_epochs = n_epochs

    def on_fit_begin(self, run):
        self.events = [("begin", run.epoch, run.n_epochs, list(run.history))]
        self.models = []

    def on_epoch_end(self, run):
        self.events.append((run.epoch, run.latest["loss"]))
        self.models.append(run.estimator())
        return run.epoch == self.n_epochs

    def on_fit_end(self, run):
        self.events.append("end")
        self.last = run.parameters.copy()


def test_what_a_callback_is_told():
    recorder = Recorder()
    model = net(recorder, validation=0.2).fit(X, y)
    losses = model.history_["loss"]
    assert recorder.events[0] == ("begin", 0, 6, list(model.history_))
    assert recorder.events[1:-1] == list(zip(range(1, 7), losses, strict=True))
    assert recorder.events[-1] == "end"
    np.testing.assert_array_equal(recorder.last, model._fitted.parameters)


def test_a_callback_stops_training():
    recorder, other = Recorder(3), Recorder()
    model = net(recorder, other).fit(X, y)
    assert model.n_epochs_ == len(model.history_["loss"]) == 3
    assert len(other.models) == 3  # later ones hear of the last epoch too


def test_models_of_the_epochs():
    recorder = Recorder()
    model = net(recorder, metrics=["accuracy"]).fit(X, y, X_val=X, y_val=y)
    for epoch, each in enumerate(recorder.models, start=1):
        assert each.n_epochs_ == len(each.history_["loss"]) == epoch
        alone = net(epochs=epoch).fit(X, y)
        np.testing.assert_array_equal(each.predict_proba(X), alone.predict_proba(X))
    recorder.models[0].coefs_[0][:] = 0
    assert model.coefs_[0].any()
    np.testing.assert_array_equal(model.coefs_[0], recorder.models[-1].coefs_[0])


def test_a_saved_epoch_is_trained_on():
    recorder = Recorder()
    model = net(recorder, shuffle=False).fit(X, y)
    third = recorder.models[2]
    for _ in range(3):
        third.partial_fit(X, y)
    np.testing.assert_array_equal(third.coefs_[0], model.coefs_[0])
    assert third.history_["loss"] == model.history_["loss"]


def test_the_learning_rate_can_be_set():
    class Set(Callback):
        def on_epoch_end(self, run):
            run.learning_rate = 0.1 / run.epoch

    model = net(Set(), epochs=3).fit(X, y)
    assert model.history_["learning_rate"] == [0.001, 0.1, 0.05]

    class Wrong(Callback):
        def on_epoch_end(self, run):
            run.learning_rate = 0

    with pytest.raises(ValueError, match="finite number above 0, got 0"):
        net(Wrong()).fit(X, y)


def test_an_error_of_a_callback_leaves_the_model():
    class Broken(Callback):
        def on_epoch_end(self, run):
            raise RuntimeError("broken")

    model = net().fit(X, y)
    before = model.coefs_[0].copy()
    with pytest.raises(RuntimeError, match="broken"):
        model.set_params(callbacks=[Broken()]).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], before)


# ------------------------------------------------------------------- early stopping


class Judged(Callback):
    """Overwrites what was measured."""

    def __init__(self, name, values):
        self.name, self.values = name, values

    def on_epoch_end(self, run):
        run.history[self.name][-1] = self.values[run.epoch - 1]


def stopped(values, name="validation_loss", **options):
    stop = EarlyStopping(monitor=name, **options)
    model = net(
        Judged(name, values), stop, epochs=len(values), validation=0.2, shuffle=False
    ).fit(X, y)
    return stop, model


@pytest.mark.parametrize(
    ("values", "options", "best", "last"),
    [
        ([5, 4, 3, 4, 4, 4, 4], {"patience": 2}, 3, 5),
        ([5, 4, 3, 4, 4, 2, 4], {"patience": 3}, 6, 7),
        ([5, 4.9, 4.8, 4.7], {"patience": 2, "min_delta": 0.15}, 3, 4),
        ([5, np.nan, np.nan, 1], {"patience": 2}, 1, 3),
        ([5, 5, 5, 5], {"patience": 1}, 1, 2),
    ],
)
def test_when_it_stops(values, options, best, last):
    stop, model = stopped(values, **options)
    assert stop.best_epoch_ == best
    assert model.n_epochs_ == last
    at_patience = last - best == options["patience"]
    assert stop.stopped_epoch_ == (last if at_patience else None)


def test_scores_are_to_rise():
    stop, model = stopped([1, 2, 3, 2, 2, 2], "validation_score", patience=2)
    assert (stop.best_epoch_, model.n_epochs_) == (3, 5)


@pytest.mark.parametrize("restore_best", [True, False])
def test_the_best_weights_come_back(restore_best):
    values = [3, 2, 1, 4, 5, 6]
    stop, model = stopped(values, restore_best=restore_best)
    kept = net(epochs=3 if restore_best else 6, validation=0.2, shuffle=False)
    np.testing.assert_array_equal(model.coefs_[0], kept.fit(X, y).coefs_[0])
    assert not [name for name in vars(stop) if name.startswith("_best")]


def test_what_is_watched_by_default():
    stop = EarlyStopping(patience=1)
    model = net(optimizer=SGD(1e-12), early_stopping=stop, epochs=50).fit(X, y)
    assert model.n_epochs_ < 50  # the loss itself
    model = net(optimizer=Adam(0.05), early_stopping=clone(stop), epochs=500)
    model.fit(X, y, X_val=X[::5], y_val=y[::5])
    losses = model.history_["validation_loss"]
    assert model.early_stopping.best_epoch_ == np.argmin(losses) + 1
    assert len(losses) < 500


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"monitor": "validation_loss"},
            "'validation_loss' is not measured in this fit",
        ),
        ({"monitor": "val_loss"}, r"which has \['learning_rate', 'loss', 'seconds'\]"),
        ({"patience": 0}, "'patience' parameter of EarlyStopping must be"),
        ({"min_delta": -1}, "'min_delta' parameter of EarlyStopping must be"),
        ({"restore_best": "yes"}, "'restore_best' parameter of EarlyStopping must be"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        net(early_stopping=EarlyStopping(**options)).fit(X, y)


def test_a_verbose_fit_says_why_it_ends(capsys):
    stop = EarlyStopping(patience=1)
    net(optimizer=SGD(1e-12), early_stopping=stop, verbose=True).fit(X, y)
    assert "loss did not improve for 1 epochs. Stopping." in capsys.readouterr().out


# ------------------------------------------------------------------- files


def test_a_log_has_a_line_for_each_epoch(tmp_path):
    path = tmp_path / "log.csv"
    model = net(CSVLogger(path), validation=0.2).fit(X, y)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", *model.history_]
    assert [int(row["epoch"]) for row in rows] == list(range(1, 7))
    for name, values in model.history_.items():
        assert [float(row[name]) for row in rows] == values


def test_a_log_is_replaced_or_goes_on(tmp_path):
    path = tmp_path / "log.csv"
    for _ in range(2):
        net(CSVLogger(path), epochs=2).fit(X, y)
    assert len(path.read_text().splitlines()) == 3
    net(CSVLogger(path, append=True), epochs=2).fit(X, y)
    assert len(path.read_text().splitlines()) == 5
    with pytest.raises(ValueError, match=r"has the columns \['epoch', 'loss'"):
        net(CSVLogger(path, append=True), validation=0.2).fit(X, y)
    with pytest.raises(FileNotFoundError):
        net(CSVLogger(tmp_path / "no" / "log.csv")).fit(X, y)


def test_every_epoch_is_saved(tmp_path):
    save = ModelCheckpoint(str(tmp_path / "net-{epoch:02d}-{loss:.3f}.joblib"))
    model = net(save).fit(X, y)
    names = sorted(os.listdir(tmp_path))
    losses = model.history_["loss"]
    assert names == [f"net-{i:02d}-{z:.3f}.joblib" for i, z in enumerate(losses, 1)]
    loaded = joblib.load(save.saved_path_)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    second = joblib.load(tmp_path / names[1])
    assert second.n_epochs_ == 2


def test_the_best_epoch_is_saved(tmp_path):
    path = tmp_path / "best.joblib"
    save = ModelCheckpoint(path, monitor="validation_loss", save_best_only=True)
    judged = Judged("validation_loss", [3, 1, 2, 3, 4, 5])
    net(judged, save, validation=0.2).fit(X, y)
    assert joblib.load(path).n_epochs_ == 2
    assert os.listdir(tmp_path) == ["best.joblib"]


def test_a_reader_finds_a_whole_file_at_any_time(tmp_path):
    path = tmp_path / "net.joblib"
    net(ModelCheckpoint(path), epochs=1).fit(X, y)
    done, wrong = threading.Event(), []

    def read():
        while not done.is_set():
            try:
                joblib.load(path)
            except Exception as error:  # whatever half a file may raise
                wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    net(ModelCheckpoint(path), epochs=30).fit(X, y)
    done.set()
    reader.join()
    assert not wrong


def test_nothing_is_left_of_a_save_that_fails(tmp_path, monkeypatch):
    path = tmp_path / "net.joblib"
    net(ModelCheckpoint(path), epochs=1).fit(X, y)
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        net(ModelCheckpoint(path)).fit(X, y)
    assert os.listdir(tmp_path) == ["net.joblib"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("net-{epok}.joblib", ValueError, r"among \['epoch', 'learning_rate', 'loss'"),
        ("net-{validation_loss}", ValueError, "must have names in its braces"),
        ("net-{epoch:foo}", ValueError, "with formats for numbers"),
        ("no/net", FileNotFoundError, "folder that does not exist"),
    ],
)
def test_paths_are_checked_before_training(path, error, message, tmp_path):
    recorder = Recorder()
    with pytest.raises(error, match=message):
        net(ModelCheckpoint(tmp_path / path), recorder).fit(X, y)
    assert not vars(recorder).get("models")


# ------------------------------------------------------------------- NaN


def test_what_is_no_number_ends_training():
    model = net(Judged("validation_loss", [1, 1, np.nan, 1, 1, 1]), TerminateOnNaN())
    with pytest.warns(
        ConvergenceWarning, match=r"epoch 3: not finite.*validation_loss"
    ):
        model.set_params(validation=0.2).fit(X, y)
    assert model.n_epochs_ == 3


def test_validation_data_may_overflow_alone():
    model = net(TerminateOnNaN(), Estimator=NeuralNetRegressor, epochs=3)
    far = np.full((2, 5), 1e38)
    with pytest.warns(ConvergenceWarning, match="Training ends after epoch 1"):
        model.fit(X_numbers, numbers, X_val=far, y_val=[0.0, 0.0])
    assert np.isfinite(model.predict(X_numbers)).all()


# ------------------------------------------------------------------- learning rates


def find(estimator, target, **options):
    return LearningRateFinder(estimator, random_state=0, **options).fit(X, target)


def test_the_loss_falls_and_rises():
    finder = find(net(batch_size=16), y)
    assert len(finder.losses_) == len(finder.learning_rates_) < 100
    assert finder.learning_rates_[0] == 1e-6
    assert 1e-3 < finder.learning_rate_ < 1
    smoothed = finder.smoothed_losses_
    assert smoothed.min() < smoothed[0] < smoothed[-1]
    again = find(net(batch_size=16), y)
    np.testing.assert_array_equal(finder.losses_, again.losses_)


def test_losses_are_those_of_steps():
    """The same steps, taken one by one."""
    model = net(optimizer=SGD(1.0, momentum=0.9), batch_size=150, dtype="float64")
    finder = find(model, y, n_steps=20, maximum=1e-2)
    twin = clone(model)
    for rate, loss in zip(finder.learning_rates_, finder.losses_, strict=True):
        twin.set_params(optimizer__learning_rate=rate).partial_fit(
            X, y, classes=[0, 1, 2]
        )
        np.testing.assert_allclose(twin.history_["loss"][-1], loss, rtol=1e-12)


@pytest.mark.parametrize(
    "target",
    [
        y,
        np.where(y == 0, "no", "yes"),
        np.column_stack([y == 0, y == 2]).astype(int),
        np.column_stack([y, 2 - y]),
    ],
)
def test_any_targets(target):
    estimator = net(callbacks=[Recorder(1)], early_stopping=EarlyStopping(), epochs=1)
    finder = find(estimator.set_params(validation=0.1), target, n_steps=30, maximum=0.1)
    assert len(finder.losses_) == 30
    assert not hasattr(estimator, "classes_")
    assert finder.smoothed_losses_[-1] < finder.smoothed_losses_[0]


def test_losses_that_overflow_end_the_test():
    model = net(Estimator=NeuralNetRegressor, optimizer="sgd")
    finder = find(model, y, maximum=1e30, patience=1e30)
    assert 10 < len(finder.losses_) < 100
    assert np.isfinite(finder.losses_).all()


def test_the_losses_can_be_drawn():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    finder = find(net(), y, n_steps=30)
    display = finder.plot()
    assert display.ax_.get_xscale() == "log"
    assert len(display.ax_.lines) == 3
    other = plt.subplots()[1]
    assert finder.plot(other, color="k").ax_ is other
    plt.close("all")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minimum": 1.0, "maximum": 0.1}, "minimum must be less than maximum"),
        ({"minimum": 0}, "'minimum' parameter of LearningRateFinder must be"),
        ({"n_steps": 1}, "'n_steps' parameter of LearningRateFinder must be"),
        ({"smoothing": 1}, "'smoothing' parameter of LearningRateFinder must be"),
        ({"patience": 1}, "'patience' parameter of LearningRateFinder must be"),
        ({"estimator": MLPClassifier()}, "NeuralNetRegressor, got MLPClassifier"),
        ({"estimator": net(epochs=0)}, "'epochs' parameter of NeuralNetClassifier"),
    ],
)
def test_wrong_options_of_the_finder(options, message):
    with pytest.raises(ValueError, match=message):
        LearningRateFinder(**({"estimator": net()} | options)).fit(X, y)
