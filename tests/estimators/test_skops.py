"""Files of skops, which loads only classes that it is told to trust: public ones."""

import pickle
from importlib import import_module

import numpy as np
import pytest
from scipy import sparse

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.averaging import EMA, SWA
from fastnn.callbacks import CSVLogger, EarlyStopping, ModelCheckpoint
from fastnn.layers import BatchNorm, Dense, Dropout, LayerNorm
from fastnn.losses import Focal, Quantile
from fastnn.optimizers import Lion
from fastnn.regularizers import L1L2
from fastnn.schedules import OneCycle

skops = pytest.importorskip("skops.io")
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::DeprecationWarning:skops",
    "ignore:The schedule:UserWarning",
)

rng = np.random.RandomState(0)
X = rng.normal(size=(60, 4)).astype(np.float32)
number = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
words = np.array(["ant", "bee", "cat"], dtype=object)[number]
columns = np.column_stack([number, X[:, 2] > 0])
labels = (X[:, :3] > 0).astype(int)


def network():
    shared = Dense(6, "relu", kernel_regularizer=L1L2(1e-3))
    return Sequential(
        [Dense(6), BatchNorm(), ("twice", shared), Dropout(0.2), shared, LayerNorm()]
    )


MODELS = {
    "classifier": (MLPClassifier((4,), max_iter=3), number),
    "words": (MLPClassifier((4,), max_iter=3), words),
    "one class": (MLPClassifier((4,), max_iter=3), np.full(60, 7)),
    "columns": (MLPClassifier((4,), max_iter=3), columns),
    "labels": (MLPClassifier((4,), max_iter=3), labels),
    "sparse labels": (MLPClassifier((4,), max_iter=3), sparse.csr_array(labels)),
    "weights of classes": (
        MLPClassifier((4,), max_iter=3, class_weight={0: 1.0, 1: 2.0, 2: 0.5}),
        number,
    ),
    "regressor": (MLPRegressor(solver="sgd", max_iter=3), X[:, 0]),
    "lbfgs": (MLPRegressor(solver="lbfgs", max_iter=3), X[:, :2]),
    "quantiles": (MLPRegressor(Quantile((0.1, 0.9)), max_iter=3), X[:, 0]),
    "early stopping": (MLPRegressor(early_stopping=True, max_iter=3), X[:, 0]),
    "network": (
        NeuralNetClassifier(
            network(), epochs=3, averaging=EMA(), optimizer=Lion(), loss=Focal(),
            early_stopping=EarlyStopping(), schedule=OneCycle(),
        ),
        number,
    ),
    "validation": (
        NeuralNetRegressor(
            network(), epochs=3, validation=0.2, averaging=SWA(), loss="huber",
            callbacks=[EarlyStopping("validation_score")],
        ),
        X[:, :2],
    ),
}  # fmt: skip

PUBLIC = (
    "fastnn", "fastnn.averaging", "fastnn.callbacks", "fastnn.constraints",
    "fastnn.initializers", "fastnn.layers", "fastnn.losses", "fastnn.optimizers",
    "fastnn.regularizers", "fastnn.schedules",
)  # fmt: skip


def is_public(path):
    """Whether a class has its name in a public module."""
    module, _, name = path.rpartition(".")
    kind = getattr(import_module(module), name)
    return not name.startswith("_") and any(
        getattr(import_module(place), name, None) is kind for place in PUBLIC
    )


def dense(y):
    return y.toarray() if sparse.issparse(y) else y


def same(one, other):
    return np.array_equal(dense(one), dense(other)) and type(one) is type(other)


@pytest.mark.parametrize("by_parts", [False, True])
@pytest.mark.parametrize("kind", MODELS)
def test_models_come_back(kind, by_parts):
    model, y = MODELS[kind]
    goes_on = kind not in ("lbfgs", "early stopping", "validation")
    if by_parts and not goes_on:
        pytest.skip("is fitted as a whole")
    model = pickle.loads(pickle.dumps(model)).set_params(random_state=0)
    if by_parts:
        known = {} if kind in ("regressor", "quantiles") else {"classes": classes(y)}
        model.partial_fit(X, y, **known)
    else:
        model.fit(X, y)
    data = skops.dumps(model)
    types = skops.get_untrusted_types(data=data)
    assert [path for path in types if not is_public(path)] == []
    loaded = skops.loads(data, trusted=types)
    assert vars(loaded).keys() == vars(model).keys()
    assert same(loaded.predict(X), model.predict(X))
    if goes_on:
        for each in (loaded, model):
            each.partial_fit(X, y)
        assert same(loaded.predict(X), model.predict(X))
        assert np.array_equal(loaded._fitted.parameters, model._fitted.parameters)


def test_what_callbacks_keep_of_files_needs_no_trust(tmp_path):
    files = [ModelCheckpoint(f"{tmp_path}/net"), CSVLogger(f"{tmp_path}/log")]
    model = NeuralNetClassifier(callbacks=files)
    model.partial_fit(X, number, classes=[0, 1, 2])
    data = skops.dumps(model)
    types = skops.get_untrusted_types(data=data)
    assert [path for path in types if not is_public(path)] == []
    loaded = skops.loads(data, trusted=types)
    assert loaded.callbacks[0].saved_path_ == f"{tmp_path}/net"
    loaded.partial_fit(X, number)
    assert len((tmp_path / "log").read_text().split()) == 3


def classes(y):
    if sparse.issparse(y) or y is labels:
        return np.arange(3)
    return [np.unique(each) for each in y.T] if y.ndim == 2 else np.unique(y)
