"""X of any shape, of integers, and of several arrays."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)

from fastnn import (
    Branches,
    Graph,
    Heads,
    Inputs,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    Targets,
)
from fastnn.layers import Concatenate, Dense, Flatten, Rescaling, Reshape

DATA, LABELS = load_digits(return_X_y=True)
DATA, LABELS = DATA[:300], LABELS[:300]
IMAGES = DATA.reshape(-1, 8, 8)
OPTIONS = {"epochs": 3, "random_state": 0}


def of_images(**options):
    layers = [Flatten(), Rescaling(1 / 16), Dense(16, "relu")]
    return NeuralNetClassifier(Sequential(layers), **(OPTIONS | options))


def of_rows(**options):
    layers = [Rescaling(1 / 16), Dense(16, "relu")]
    return NeuralNetClassifier(Sequential(layers), **(OPTIONS | options))


# --------------------------------------------------------------------- any shape


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "int64", "bool"])
def test_samples_of_any_shape(dtype):
    """The same bits as the same numbers in rows."""
    images = IMAGES.astype(dtype)
    fitted = of_images().fit(images, LABELS)
    expected = of_rows().fit(images.reshape(-1, 64), LABELS)
    found = fitted.predict_proba(images)
    assert_array_equal(found, expected.predict_proba(images.reshape(-1, 64)))
    assert found.dtype == (np.float32 if dtype == "float32" else np.float64)
    assert fitted.n_features_in_ == 8


def test_shapes_work_within_scikit_learn():
    X_train, X_test, y_train, _ = train_test_split(IMAGES, LABELS, random_state=0)
    assert of_images().fit(X_train, y_train).predict(X_test).shape == (75,)
    assert (cross_val_score(of_images(), IMAGES, LABELS, cv=2) > 0.1).all()
    grid = {"network__dense__units": [4, 8]}
    GridSearchCV(of_images(), grid, cv=2, error_score="raise").fit(IMAGES, LABELS)


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_orders(order):
    images = np.asarray(IMAGES, order=order)[:, ::-1]
    fitted = of_images().fit(images, LABELS)
    expected = of_images().fit(np.ascontiguousarray(images), LABELS)
    assert_array_equal(fitted.predict_proba(images), expected.predict_proba(images))


def test_rows_become_images():
    """Reshape makes images of the columns of a table, and Flatten rows of these."""
    layers = [Reshape((8, 8, 1)), Flatten(), Rescaling(1 / 16), Dense(16, "relu")]
    fitted = NeuralNetClassifier(Sequential(layers), **OPTIONS).fit(DATA, LABELS)
    expected = of_rows().fit(DATA, LABELS)
    assert_array_equal(fitted.predict_proba(DATA), expected.predict_proba(DATA))


@pytest.mark.parametrize("shape", [(300, 0, 8), (300, 8, 0)])
def test_samples_without_numbers_are_refused(shape):
    with pytest.raises(ValueError, match=r"X has samples of shape .* no number"):
        of_images().fit(np.zeros(shape), LABELS)


def test_integers_are_equal_to_their_floats():
    X = DATA.astype(np.uint8)
    options = {"dtype": None, "validation": 0.2, "batch_size": 7}
    integers, floats = (of_rows(**options).fit(each, LABELS) for each in (X, DATA))
    assert_array_equal(integers.predict_proba(X), floats.predict_proba(DATA))
    assert integers.history_["validation_loss"] == floats.history_["validation_loss"]
    assert integers.precision_ == "float64"


def test_integers_are_never_copied_as_a_whole():
    X = np.zeros((40_000, 500), np.uint8)  # 20 MB, as float32 80 MB
    y = np.arange(len(X)) % 2
    model = NeuralNetClassifier(
        Sequential([Dense(4, "relu")]), epochs=1, batch_size=1000
    )
    tracemalloc.start()
    model.fit(X, y).predict(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30e6


@pytest.mark.parametrize("shape", [(-1, 64), (-1, 4, 16), (-1, 8, 8, 1)])
def test_predictions_ask_for_the_shape_of_the_fit(shape):
    fitted = of_images().fit(IMAGES, LABELS)
    with pytest.raises(ValueError, match=r"shape|features"):
        fitted.predict(IMAGES.reshape(shape))
    with pytest.raises(ValueError, match=r"shape|features"):
        of_rows().fit(DATA, LABELS).predict(IMAGES)


# --------------------------------------------------------------------- several arrays


def inputs():
    table = pd.DataFrame(DATA[:, :3], columns=["a", "b", "c"])
    return Inputs(image=IMAGES.astype(np.uint8), table=table, words=words())


def words():
    rng = np.random.RandomState(0)
    return sparse.csr_matrix((rng.rand(300, 40) < 0.1).astype(np.float64))


def branches(**columns):
    named = {"image": "image", "table": "table", "words": "words"} | columns
    return Branches(
        [
            ("image", Sequential([Flatten(), Dense(8, "relu")]), named["image"]),
            ("table", Dense(4, "relu"), named["table"]),
            ("words", Dense(4, "relu"), named["words"]),
        ]
    )


def graph():
    return Graph(
        [
            ("flat", Sequential([Flatten(), Dense(8, "relu")]), "image"),
            ("few", Dense(4, "relu"), "table"),
            ("many", Dense(4, "relu"), "words"),
            ("all", Concatenate(), ["flat", "few", "many"]),
            ("top", Dense(8, "relu"), "all"),
        ],
        inputs=["image", "table", "words"],
    )


NETWORKS = {
    "graph": graph,
    "stack": lambda: Sequential([graph(), Dense(5, "relu")]),
    "branches": lambda: Sequential([branches(), Dense(8, "relu")]),
    "branches alone": branches,
    "rest": lambda: branches(words="rest"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_several_arrays(name):
    X = inputs()
    model = NeuralNetClassifier(NETWORKS[name](), **OPTIONS)
    fitted = model.fit(X, LABELS)
    expected = fitted.predict_proba(X)
    assert_allclose(expected.sum(axis=1), 1)
    assert list(fitted.feature_names_in_) == ["image", "table", "words"]
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(copy.predict_proba(X), expected)
    as_dict = {name: X[name] for name in reversed(["image", "table", "words"])}
    assert_array_equal(fitted.predict_proba(as_dict), expected)
    assert_array_equal(model.fit(as_dict, LABELS).predict_proba(X), expected)
    assert_allclose(fitted.predict_proba(X[:1]), expected[:1], rtol=1e-4)
    fitted.partial_fit(X[:50], LABELS[:50])


def test_two_dense_inputs_are_one_table_in_two_halves():
    """Up to the order of sums, which both have in common here."""
    named = Inputs(left=DATA[:, :32], right=DATA[:, 32:])
    parts = [("a", Dense(6, "relu")), ("b", Dense(6, "relu"))]
    several = Branches([(*parts[0], "left"), (*parts[1], "right")])
    one = Branches([(*parts[0], slice(0, 32)), (*parts[1], slice(32, 64))])
    options = OPTIONS | {"dtype": "float64"}
    found = NeuralNetClassifier(several, **options).fit(named, LABELS)
    expected = NeuralNetClassifier(one, **options).fit(DATA, LABELS)
    assert_allclose(found.predict_proba(named), expected.predict_proba(DATA), rtol=1e-9)


def test_several_arrays_within_scikit_learn():
    X, model = inputs(), NeuralNetClassifier(branches(), **OPTIONS)
    X_train, X_test, y_train, y_test = train_test_split(X, LABELS, random_state=0)
    assert 0 <= model.fit(X_train, y_train).score(X_test, y_test) <= 1
    assert (cross_val_score(model, X, LABELS, cv=2, error_score="raise") > 0).all()
    assert cross_val_predict(model, X, LABELS, cv=2).shape == (300,)
    grid = {"network__table__units": [2, 4]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, LABELS)
    assert search.predict(X).shape == (300,)


def test_columns_of_one_of_several_tables():
    nested = branches()
    inner = Branches([("one", Dense(2), ["c", "a"]), ("two", Dense(2), "rest")])
    nested.set_params(table=inner)
    fitted = NeuralNetClassifier(nested, **OPTIONS).fit(inputs(), LABELS)
    assert fitted._fitted.network.layers[0].branches[1][1].branches[0][2] == [2, 0]


def test_several_of_everything():
    X = inputs()
    y = Targets(digit=LABELS.astype(str), ink=DATA.sum(axis=1) / 300)
    heads = Heads([("digit", Dense(8, "relu")), ("ink", Dense(4, "relu"))])
    model = NeuralNet(Sequential([branches(), heads]), validation=0.2, **OPTIONS)
    fitted = model.fit(X, y)
    assert np.isfinite(fitted.history_["validation_loss_ink"]).all()
    assert fitted.score(X, y) < 0
    assert fitted.predict(X[:3])["digit"].shape == (3,)


def test_validation_data_and_metrics(capsys):
    X = inputs()
    model = NeuralNetClassifier(branches(), metrics=["accuracy"], **OPTIONS)
    fitted = model.fit(X[:200], LABELS[:200], X_val=X[200:], y_val=LABELS[200:])
    history = fitted.history_
    assert history["validation_accuracy"] == history["validation_score"]
    fitted.summary()
    assert "image" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table[table.columns[::-1]],
        lambda table: table.rename(str.upper, axis=1),
    ],
    ids=["another order", "other names"],
)
@pytest.mark.parametrize("saved", [False, True])
def test_tables_among_the_inputs_keep_their_columns(saved, change):
    table = pd.DataFrame(DATA[:, 20:24], columns=list("abcd"))
    X = Inputs(left=DATA[:, :8], table=table)
    network = Graph([("both", Concatenate(), ["left", "table"])], ["left", "table"])
    fitted = NeuralNetClassifier(network, validation=0.2, **OPTIONS).fit(X, LABELS)
    if saved:
        fitted = pickle.loads(pickle.dumps(fitted))
    other = Inputs(left=DATA[:, :8], table=change(table))
    for ask in (fitted.predict, lambda X: fitted.score(X, LABELS)):
        with pytest.raises(ValueError, match=r"X\['table'\] has the columns .*order"):
            ask(other)
    with pytest.raises(
        ValueError, match=r"columns .* fitted with \['a', 'b', 'c', 'd'\]"
    ):
        fitted.set_params(warm_start=True).fit(other, LABELS)
    bare = Inputs(left=DATA[:, :8], table=table.to_numpy())
    assert_array_equal(fitted.predict(bare), fitted.predict(X))


def test_one_column_may_be_an_array_of_one_axis():
    X = Inputs(a=DATA[:, 20], b=DATA[:, 30].tolist())
    both = Branches([("a", Dense(3), "a"), ("b", Dense(3), "b")])
    fitted = NeuralNetRegressor(both, **OPTIONS).fit(X, LABELS)
    assert fitted.predict(X).shape == (300,)


def changed(**arrays):
    return {**dict(inputs().items()), **arrays}


WRONG = {
    "unequal lengths": (changed(image=IMAGES[:9]), "of the same samples"),
    "infinite": (
        changed(table=np.full((300, 3), np.inf)),
        r"table.* contains inf",
    ),
    "words": (changed(table=np.full((300, 3), "a")), "convert string"),
    "complex": (changed(table=np.ones((300, 3), complex)), "Complex"),
    "too large": (changed(table=np.full((300, 3), 1e300)), r"X\['table'\] holds"),
    "no numbers": (changed(image=IMAGES[:, :0]), r"X\['image'\] has .* \(0, 8\)"),
    "a scalar": (changed(table=3), "table must be an array"),
}


@pytest.mark.parametrize("name", WRONG)
def test_inputs_that_are_refused(name):
    X, message = WRONG[name]
    with pytest.raises((ValueError, TypeError), match=message):
        NeuralNetClassifier(branches(), **OPTIONS).fit(X, LABELS)


@pytest.mark.parametrize(
    ("network", "X", "message"),
    [
        (Sequential([Dense(3, "relu")]), inputs(), "the network takes one"),
        (graph(), DATA, r"pass .*Inputs\(image="),
        (branches(image="picture"), inputs(), "branch 'image' must name one of the in"),
        (branches(image=[0]), inputs(), "branch 'image' must name one of the inputs"),
        (
            Branches([("a", Dense(2), "table"), ("b", Dense(2))]),
            inputs(),
            "branch 'b' must name one of the inputs",
        ),
        (graph(), Inputs(image=IMAGES, table=DATA), r"got values for \["),
    ],
)
def test_networks_that_do_not_fit(network, X, message):
    with pytest.raises(ValueError, match=f"(?i){message}"):
        NeuralNetClassifier(network, **OPTIONS).fit(X, LABELS)


def test_predictions_ask_for_the_inputs_of_the_fit():
    X = inputs()
    fitted = NeuralNetClassifier(branches(), **OPTIONS).fit(X, LABELS)
    without = {name: X[name] for name in ("image", "table")}
    for wrong in (without, {**without, "other": words()}):
        with pytest.raises(ValueError, match="was fitted with"):
            fitted.predict(wrong)
    with pytest.raises(ValueError, match=r"X\['image'\] has samples of shape \(8, 9\)"):
        fitted.predict(changed(image=np.zeros((300, 8, 9))))
    with pytest.raises(ValueError, match="fitted with"):
        fitted.predict(DATA)
    with pytest.raises(ValueError, match="one table without names"):
        of_rows().fit(DATA, LABELS).predict(X)
