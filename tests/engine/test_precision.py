"""precision=: what the engine and the estimators make of it."""

import pickle
import threading

import numpy as np
import pytest
from cases import draw, shuffled_epoch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from writers import stack

import fastnn
from fastnn import MLPClassifier, MLPRegressor
from fastnn.engine.cpu.precision import PRECISIONS, matrix_unit
from fastnn.engine.engine import Engine
from fastnn.optimizers import Adam

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
)
ESTIMATORS = [MLPClassifier, MLPRegressor]

needs_bf16 = pytest.mark.skipif(
    matrix_unit("bf16") is None, reason="the processor does not compute in bfloat16"
)


def ran(precision, large=True):
    """What a fit that asks for this precision gets here."""
    return precision if large and matrix_unit(precision) else "float32"


# ------------------------------------------------------------------------------ engine


def engine_for(data, plan, precision, n_threads=1, optimizer=None, batch_size=128):
    state = None
    if optimizer is not None:
        shape = (optimizer.n_slots, plan.n_parameters)
        state = np.zeros(shape, data.parameters.dtype)
    return Engine(
        plan, data.parameters, data.X, data.y, batch_size=batch_size,
        optimizer=optimizer, state=state, n_threads=n_threads, precision=precision,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    return stack([200, 130, 3], "tanh", input_shape=(150,))


def gradients(data, plan, precision):
    with engine_for(data, plan, precision) as engine:
        loss = engine.gradient()[0]
        return loss, engine.gradients.copy(), engine.precision


@pytest.mark.parametrize("precision", PRECISIONS)
def test_gradients_are_near_those_of_float32(plan, precision):
    data = draw(plan, n=300).astype(np.float32)
    loss, exact, _ = gradients(data, plan, None)
    near_loss, near, taken = gradients(data, plan, precision)
    assert taken == ran(precision)
    unit = {"bf16": 2.0**-8, "high": 2.0**-20, "float32": 0}[taken]
    assert abs(near_loss - loss) <= unit * abs(loss)
    error = np.linalg.norm(near - exact) / np.linalg.norm(exact)
    assert error <= 2 * unit
    assert (error > 2.0**-14) == (taken == "bf16")


@needs_bf16
@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_same_seed_gives_the_same_bits(plan, n_threads):
    results = []
    for _ in range(3):
        data = draw(plan, n=300).astype(np.float32)
        optimizer = Adam()
        with engine_for(data, plan, "bf16", n_threads, optimizer) as engine:
            assert engine.n_threads == n_threads
            table = optimizer.table(1, engine.n_steps, 0.01)
            losses = [shuffled_epoch(engine, table, seed) for seed in (7, 8)]
            assert engine.precision == "bf16"
        results.append((losses, data.parameters))
    for losses, parameters in results[1:]:
        assert losses == results[0][0]
        np.testing.assert_array_equal(parameters, results[0][1])


@needs_bf16
def test_fits_of_different_precision_do_not_meet(plan):
    data = draw(plan, n=300).astype(np.float32)
    expected = {p: gradients(data, plan, p)[1] for p in (None, "bf16")}
    assert (expected[None] != expected["bf16"]).any()
    found = []

    def work(precision):
        for _ in range(20):
            same = gradients(data, plan, precision)[1] == expected[precision]
            found.append(bool(same.all()))

    threads = [threading.Thread(target=work, args=(p,)) for p in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 40


def test_what_an_engine_says_before_it_works(plan):
    data = draw(plan).astype(np.float32)
    with engine_for(data, plan, "bf16") as engine:
        assert engine.precision == "float32"


def test_the_engine_refuses_float64(plan):
    with pytest.raises(ValueError, match="precision='bf16' needs float32"):
        engine_for(draw(plan), plan, "bf16")


def test_the_engine_knows_the_names(plan):
    with pytest.raises(ValueError, match="must be None or one of"):
        engine_for(draw(plan).astype(np.float32), plan, "half")


# -------------------------------------------------------------------------- estimators


def training_data(n=256, d=64, dtype=np.float32):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)).astype(dtype)
    return X, (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_fit_says_what_ran(Estimator, solver, precision):
    X, y = training_data(d=128)
    model = Estimator(
        hidden_layer_sizes=(128,), solver=solver, batch_size=128, max_iter=2,
        precision=precision,
    )  # fmt: skip
    assert model.fit(X, y).precision_ == ran(precision)
    assert model.coefs_[0].dtype == np.float32
    assert model.partial_fit(X, y).precision_ == ran(precision)
    small = clone(model).set_params(hidden_layer_sizes=(5,)).fit(X[:, :4], y)
    assert small.precision_ == "float32"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_full_precision_has_the_name_of_the_dtype(dtype):
    X, y = training_data()
    assert MLPClassifier(max_iter=1, dtype=dtype).fit(X, y).precision_ == dtype
    follows = MLPClassifier(max_iter=1, dtype=None).fit(X.astype(dtype), y)
    assert follows.precision_ == dtype


def test_lbfgs_computes_in_float64():
    X, y = training_data()
    model = MLPClassifier(max_iter=2, precision="bf16").fit(X, y)
    model.set_params(solver="lbfgs", precision=None).fit(X, y)
    assert model.precision_ == "float64"


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"dtype": "float64"}, "Set dtype='float32', or precision=None"),
        ({"dtype": None}, "Set dtype='float32', or precision=None"),
        ({"solver": "lbfgs"}, "precision=None, or solver to 'adam' or 'sgd'"),
        ({"solver": "lbfgs", "dtype": None}, "or solver to 'adam' or 'sgd'"),
    ],
)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_float64_knows_no_other_precision(Estimator, options, advice, precision):
    X, y = training_data(dtype=np.float64)
    model = Estimator(precision=precision, **options)
    with pytest.raises(ValueError, match=advice) as error:
        model.fit(X, y)
    assert f"precision={precision!r}" in str(error.value)
    assert not hasattr(model, "precision_")


def test_dtype_of_X_may_be_float32():
    X, y = training_data()
    MLPClassifier(dtype=None, precision="bf16", max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="makes this fit compute in float64"):
        MLPRegressor(dtype=None, precision="bf16").partial_fit(X.astype(float), y)


@needs_bf16
def test_predictions_are_those_of_float32():
    # Whatever the weights were trained in: a saved model predicts alike everywhere.
    X, y = training_data()
    model = MLPClassifier((64,), precision="bf16", max_iter=2).fit(X, y)
    assert model.precision_ == "bf16"
    expected = model.predict_proba(X)
    model.precision = None
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    np.testing.assert_allclose(model.hidden_activations(X), hidden, atol=1e-5)


def test_pickles_and_clones():
    X, y = training_data()
    model = MLPClassifier((64,), precision="bf16", max_iter=2).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.precision_ == model.precision_
    assert loaded.partial_fit(X, y).precision_ == model.precision_
    assert clone(model).precision == "bf16"


def test_models_of_sklearn():
    X, y = training_data()
    theirs = SklearnClassifier((64,), max_iter=2).fit(X, y)
    model = fastnn.from_sklearn(theirs)
    assert model.precision is None
    assert model.precision_ == "float32"
    model.set_params(precision="bf16").partial_fit(X, y)
    assert model.precision_ == ran("bf16")
    assert "precision" not in model.to_sklearn().get_params()


def test_the_model_is_as_it_was_after_a_refusal():
    X, y = training_data()
    model = MLPClassifier((64,), precision="bf16", max_iter=2).fit(X, y)
    before = model.precision_
    model.set_params(dtype="float64")
    with pytest.raises(ValueError, match="precision"):
        model.fit(X, y)
    assert model.precision_ == before


def test_divergence_is_seen():
    # Infinities go through the products: a fit of them fails as in float32.
    X, y = training_data()
    model = MLPClassifier((64,), precision="bf16", solver="sgd")
    model.set_params(learning_rate_init=1e30)
    with pytest.raises(ValueError, match="non-finite"):
        model.fit(X * 1e10, y)


def test_show_versions_names_the_units(capsys):
    fastnn.show_versions()
    shown = capsys.readouterr().out
    for precision in PRECISIONS:
        unit = matrix_unit(precision) or "float32 in its place"
        assert f'precision="{precision}": {unit}\n' in shown


@needs_bf16
def test_scores_are_those_of_float32():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    differences = []
    for seed in range(3):
        scores = [
            MLPClassifier(
                (128, 64), max_iter=20, random_state=seed, precision=precision
            )
            .fit(X_train, y_train)
            .score(X_test, y_test)
            for precision in (None, "bf16")
        ]
        assert min(scores) > 0.95
        differences.append(scores[1] - scores[0])
    assert abs(np.mean(differences)) < 0.01
