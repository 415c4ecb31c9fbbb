"""X that is sequences: lists of tokens or of arrays, of different lengths."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from fastnn import (
    Branches,
    Heads,
    Inputs,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    Targets,
)
from fastnn.engine.by_length import sort_by_length
from fastnn.layers import (
    GRU,
    LSTM,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
)
from fastnn.utils.sequences import Sequences

N, N_TOKENS = 60, 9
OPTIONS = {"epochs": 3, "batch_size": 8, "random_state": 0}

rng = np.random.RandomState(0)
LENGTHS = rng.randint(1, 7, N)
TOKENS = [rng.randint(1, N_TOKENS, n).tolist() for n in LENGTHS]
LABELS = np.array([int(3 in tokens) for tokens in TOKENS])
STEPS = [rng.standard_normal((n, 2)) for n in LENGTHS]
SUMS = np.array([steps.sum() for steps in STEPS])


def of_tokens(*, mask_zero=False, last=None, **options):
    last = GlobalAveragePooling1D() if last is None else last
    layers = [Embedding(N_TOKENS, 4, mask_zero=mask_zero), last]
    return NeuralNetClassifier(Sequential(layers), **(OPTIONS | options))


def of_steps(*first, **options):
    layers = [*first, Dense(4, "tanh"), GlobalAveragePooling1D()]
    return NeuralNetRegressor(Sequential(layers), **(OPTIONS | options))


def objects(samples):
    return np.fromiter(samples, object, len(samples))


def padded(samples, n_more=0):
    array = np.zeros((len(samples), max(map(len, samples)) + n_more), np.int32)
    for row, sample in zip(array, samples, strict=True):
        row[: len(sample)] = sample
    return array


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "objects": objects,
    "column of objects": lambda samples: objects(samples).reshape(-1, 1),
    "Series": lambda samples: pd.Series(samples),
    "DataFrame": lambda samples: pd.DataFrame({"text": samples}),
    "polars Series": lambda samples: pl.Series([list(map(to_list, samples))])[0],
    "polars DataFrame": lambda samples: pl.DataFrame(
        {"text": list(map(to_list, samples))}
    ),
    "Sequences": lambda samples: Sequences.of(list(map(np.asarray, samples))),
}


def to_list(sample):
    return sample.tolist() if hasattr(sample, "tolist") else sample


# --------------------------------------------------------------------- what X may be


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
@pytest.mark.parametrize("samples", [TOKENS, STEPS], ids=["tokens", "steps"])
def test_containers(samples, container):
    """All are read alike, to the last bit, in fit and predict."""
    model, y = (of_tokens(), LABELS) if samples is TOKENS else (of_steps(), SUMS)
    expected = model.fit(samples, y).predict(samples)
    X = container(samples)
    found = clone(model).fit(X, y)
    assert_array_equal(found.predict(X), expected)
    assert found.score(X, y) == model.score(samples, y)


KINDS = [tuple, np.array, np.int32, np.uint8, np.uint64, pd.Series]


@pytest.mark.parametrize("kinds", [*([each] for each in KINDS), [list, *KINDS]])
def test_kinds_of_samples(kinds):
    X = [kinds[i % len(kinds)](each) for i, each in enumerate(TOKENS)]
    found = of_tokens().fit(X, LABELS).predict_proba(X)
    expected = of_tokens().fit(TOKENS, LABELS).predict_proba(TOKENS)
    assert_array_equal(found, expected)


def test_kinds_of_steps():
    """Lists of lists, frames and arrays of other types are the same numbers."""
    expected = of_steps().fit(STEPS, SUMS).predict(STEPS)
    for X in (
        [each.tolist() for each in STEPS],
        [pd.DataFrame(each) for each in STEPS],
        [each.astype(np.longdouble) for each in STEPS],
        [each.astype(">f8") for each in STEPS],
        [each if i % 2 else each.tolist() for i, each in enumerate(STEPS)],
    ):
        assert_array_equal(of_steps().fit(X, SUMS).predict(X), expected)


def test_integers_are_steps_of_numbers():
    X = [np.round(each).astype(np.int8) for each in STEPS]
    floats = [each.astype(np.float64) for each in X]
    found = of_steps().fit(X, SUMS).predict(X)
    assert_array_equal(found, of_steps().fit(floats, SUMS).predict(floats))


def test_predictions_are_those_of_the_formula():
    model = of_tokens(dtype="float64").fit(TOKENS, LABELS)
    (embeddings,) = model._fitted.views("", "embeddings")
    (kernel,), (bias,) = model.coefs_, model.intercepts_
    means = np.array([embeddings[tokens].mean(axis=0) for tokens in TOKENS])
    z = (means @ kernel + bias)[:, 0]
    found = model.predict_proba(TOKENS)[:, 1]
    assert_allclose(found, 1 / (1 + np.exp(-z)), rtol=1e-12)


def test_it_learns():
    model = of_tokens(epochs=100, batch_size=4).fit(TOKENS, LABELS)
    assert model.score(TOKENS, LABELS) > 0.9


# --------------------------------------------------------------------- padding


@pytest.mark.parametrize("n_more", [0, 1, 7])
@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("last", [GlobalAveragePooling1D(), LSTM(3), GRU(3)], ids=repr)
def test_zeros_at_the_end_change_nothing(n_more, as_list, last):
    """Not a bit, in fit and predict, of an array or a list."""
    X = padded(TOKENS, n_more)
    X = list(X) if as_list else X
    expected = of_tokens(mask_zero=True, last=last).fit(TOKENS, LABELS)
    found = of_tokens(mask_zero=True, last=last).fit(X, LABELS)
    assert_array_equal(found.predict_proba(X), expected.predict_proba(TOKENS))
    assert_array_equal(found.predict_proba(TOKENS), expected.predict_proba(X))


@pytest.mark.parametrize("last", [GlobalAveragePooling1D(), LSTM(3), GRU(3)], ids=repr)
def test_zeros_before_tokens_are_masked(last):
    model = of_tokens(mask_zero=True, last=last).fit(TOKENS, LABELS)
    X = [[0, *tokens] for tokens in TOKENS]
    assert_allclose(model.predict_proba(X), model.predict_proba(TOKENS), rtol=1e-6)


def test_zeros_are_tokens_without_mask_zero():
    """An array has one length then, that of the fit."""
    X = padded(TOKENS)
    model = of_tokens().fit(X, LABELS)
    assert model.n_features_in_ == X.shape[1]
    assert_array_equal(model.predict(X.tolist()), model.predict(X))
    with pytest.raises(ValueError, match=r"1 to 6 steps.*one length.*pad_sequences"):
        model.predict(TOKENS)
    with pytest.raises(ValueError, match="6 features"):
        model.predict(X[:, :4])


def test_arrays_for_a_model_of_sequences():
    """Arrays of one length are sequences as well, and so are lists of equal ones."""
    X = padded(TOKENS)
    model = of_tokens().fit(TOKENS, LABELS)
    assert_array_equal(model.predict_proba(X), model.predict_proba(X.tolist()))
    steps = np.arange(24.0).reshape(4, 3, 2)
    model = of_steps().fit(STEPS, SUMS)
    assert_array_equal(model.predict(steps), model.predict(list(steps)))
    assert model.predict(steps[:1]).shape == (1,)


def test_lists_of_one_length_are_arrays_where_no_sequences_are_taken():
    images = np.random.RandomState(0).standard_normal((20, 3, 2))
    y = images.sum(axis=(1, 2))
    network = Sequential([Flatten(), Dense(4, "tanh")])
    expected = NeuralNetRegressor(network, **OPTIONS).fit(images, y)
    found = NeuralNetRegressor(network, **OPTIONS).fit(list(images), y)
    assert_array_equal(found.predict(list(images)), expected.predict(images))
    X = padded(TOKENS)
    network = Sequential([Embedding(N_TOKENS, 2), Flatten()])
    expected = NeuralNetClassifier(network, **OPTIONS).fit(X, LABELS)
    found = NeuralNetClassifier(network, **OPTIONS).fit(X.tolist(), LABELS)
    assert_array_equal(found.predict_proba(X.tolist()), expected.predict_proba(X))


# --------------------------------------------------------------------- scikit-learn


@pytest.mark.parametrize("container", [list, objects, pd.Series])
@pytest.mark.parametrize("samples", [TOKENS, STEPS], ids=["tokens", "steps"])
def test_tools_of_scikit_learn(samples, container):
    model, y = (of_tokens(), LABELS) if samples is TOKENS else (of_steps(), SUMS)
    X = container(samples)
    assert np.isfinite(cross_val_score(model, X, y, cv=2, error_score="raise")).all()
    assert cross_val_predict(model, X, y, cv=2).shape == (N,)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    score = clone(model).fit(X_train, y_train).score(X_test, y_test)
    assert np.isfinite(score)
    grid = {"optimizer": ["sgd", "adam"]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert search.predict(X).shape == (N,)
    pipeline = make_pipeline(FunctionTransformer(), model)
    assert pipeline.fit(X, y).predict(X).shape == (N,)


def test_weights_and_pickles():
    weight = np.arange(N) % 3
    model = of_tokens(class_weight="balanced", dtype="float64", shuffle=False)
    model.fit(TOKENS, LABELS, sample_weight=weight)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(TOKENS), model.predict_proba(TOKENS))
    # No more than what a weight of 0 leaves out.
    chosen = [tokens for tokens, each in zip(TOKENS, weight, strict=True) if each]
    one_step = {"class_weight": None, "batch_size": N, "shuffle": False, "epochs": 2}
    all_of_them = of_tokens(**one_step, dtype="float64")
    all_of_them.fit(TOKENS, LABELS, sample_weight=weight)
    some = of_tokens(**one_step, dtype="float64")
    some.fit(chosen, LABELS[weight > 0], sample_weight=weight[weight > 0])
    assert_allclose(
        some.predict_proba(TOKENS), all_of_them.predict_proba(TOKENS), rtol=1e-10
    )


def test_validation():
    """Held out, or passed; metrics are given what was held out."""
    model = of_tokens(validation=0.25, metrics=["neg_log_loss"], epochs=2)
    history = model.fit(TOKENS, LABELS).history_
    assert_allclose(
        history["validation_loss"],
        [-value for value in history["validation_neg_log_loss"]],
        rtol=1e-5,
    )
    model = of_tokens(epochs=2)
    model.fit(TOKENS[:40], LABELS[:40], X_val=TOKENS[40:], y_val=LABELS[40:])
    assert model.validation_scores_[-1] == model.score(TOKENS[40:], LABELS[40:])
    with pytest.raises(ValueError, match=r"Validation data.*X_val holds the token 9"):
        model.fit(TOKENS, LABELS, X_val=[[1], [9]], y_val=[0, 1])


def test_partial_fit_in_batches_of_one_length():
    """The first batch says what all are, though its samples have one length."""
    by_length = np.argsort(LENGTHS, kind="stable")
    model = of_tokens()
    for rows in np.split(by_length, 12):
        X = [TOKENS[row] for row in rows]
        model.partial_fit(X, LABELS[rows], classes=[0, 1])
    assert model.predict(TOKENS).shape == (N,)
    regressor = of_steps()
    for row in by_length[:5]:
        regressor.partial_fit([STEPS[row]], SUMS[row : row + 1])
    assert regressor.predict(STEPS).shape == (N,)


def test_warm_start_goes_on():
    model = of_steps(warm_start=True, shuffle=False, epochs=2, optimizer="sgd")
    twice = model.fit(STEPS, SUMS).fit(STEPS, SUMS).predict(STEPS)
    once = clone(model).set_params(epochs=4).fit(STEPS, SUMS).predict(STEPS)
    assert_array_equal(twice, once)


def test_features():
    model = of_steps().fit(STEPS, SUMS)
    assert model.n_features_in_ == 2
    frame = pd.DataFrame({"text": TOKENS})
    words = of_tokens().fit(frame, LABELS)
    for each in (model, words):
        assert not hasattr(each, "feature_names_in_")
    assert not hasattr(words, "n_features_in_")


def test_another_fit_forgets_the_features_of_the_last():
    table = pd.DataFrame({"a": SUMS, "b": LENGTHS})
    network = Sequential([Dense(2, "relu")])
    model = NeuralNetRegressor(network, **OPTIONS).fit(table, SUMS)
    assert list(model.feature_names_in_) == ["a", "b"]
    model.set_params(network=of_steps().network).fit([s[:, :1] for s in STEPS], SUMS)
    assert model.n_features_in_ == 1
    assert not hasattr(model, "feature_names_in_")


def test_parts_of_the_network():
    model = of_tokens().fit(TOKENS, LABELS)
    found = model.hidden_activations(TOKENS, "globalaveragepooling1d")
    assert found.shape == (N, 4)
    (embeddings,) = model._fitted.views("", "embeddings")
    assert_allclose(found[0], embeddings[TOKENS[0]].mean(axis=0), rtol=1e-5)
    with pytest.raises(ValueError, match=r"'embedding'.* each step"):
        model.hidden_activations(TOKENS, "embedding")


def test_summary(capsys):
    of_tokens().fit(TOKENS, LABELS).summary()
    assert "(None, 4)" in capsys.readouterr().out


def test_threads_and_chunks():
    """As many samples as are taken in several passes, by one thread or more."""
    X = TOKENS * 100
    model = of_tokens().fit(TOKENS, LABELS)
    expected = np.tile(model.predict_proba(TOKENS), (100, 1))
    for n_jobs in (1, 2):
        found = model.set_params(n_jobs=n_jobs).predict_proba(X)
        assert_array_equal(found, expected)


# --------------------------------------------------------------------- several inputs


def both(**options):
    branches = [
        ("words", of_tokens().network, "text"),
        ("numbers", Dense(3, "tanh"), "table"),
    ]
    return NeuralNetClassifier(Branches(branches), **(OPTIONS | options))


@pytest.mark.parametrize("container", [list, objects, pd.Series, padded])
def test_tokens_beside_a_table(container):
    table = pd.DataFrame({"n": LENGTHS, "sum": SUMS})
    X = Inputs(text=container(TOKENS), table=table)
    assert len(X[:5]) == 5
    model = both().fit(X, LABELS)
    assert model.predict(X[:5]).shape == (5,)
    assert np.isfinite(cross_val_score(both(), X, LABELS, cv=2)).all()
    as_dict = {"text": container(TOKENS), "table": table}
    assert_array_equal(model.predict_proba(as_dict), model.predict_proba(X))


def test_columns_of_categories_are_tokens():
    layers = Sequential([Embedding(7, 2), Flatten()])
    branches = [("n", layers, "n"), ("sum", Dense(2), "sum")]
    X = pd.DataFrame({"n": LENGTHS, "sum": SUMS})
    model = NeuralNetClassifier(Branches(branches), **OPTIONS)
    X = Inputs(n=X["n"], sum=X[["sum"]])
    assert model.fit(X, LABELS).predict(X).shape == (N,)
    with pytest.raises(ValueError, match=r"X\['n'\] holds the token 7 in sample 0"):
        model.predict(Inputs(n=[7], sum=[[0.0]]))


def test_two_inputs_of_sequences():
    """Each has lengths of its own."""
    branches = [("a", of_tokens().network, "a"), ("b", of_steps().network, "b")]
    X = Inputs(a=TOKENS, b=STEPS[::-1])
    model = NeuralNetClassifier(Branches(branches), **OPTIONS).fit(X, LABELS)
    parts = [model.predict_proba(X[i : i + 1])[0] for i in range(N)]
    assert_allclose(parts, model.predict_proba(X), rtol=1e-5)


def test_heads():
    heads = Heads([("has", Dense(2, "relu")), ("n", Dense(2, "relu"))])
    network = Sequential([*of_tokens().network.layers, heads])
    y = Targets(has=LABELS.astype(str), n=LENGTHS / 2)
    model = NeuralNet(network, **OPTIONS).fit(TOKENS, y)
    assert model.predict(TOKENS)["n"].shape == (N,)
    assert np.isfinite(model.score(TOKENS, y))


# --------------------------------------------------------------------- batches, memory


def test_batches_by_length():
    lengths, batch_size = np.random.RandomState(1).randint(1, 100, 1003), 8

    def order_of(seed):
        random_state = np.random.RandomState(seed)
        order = random_state.permutation(len(lengths))
        sort_by_length(order, lengths, batch_size, random_state)
        return order

    order = order_of(0)
    assert_array_equal(np.sort(order), np.arange(len(lengths)))
    assert_array_equal(order, order_of(0))
    assert (order != order_of(1)).any()
    batches = lengths[order[:1000]].reshape(-1, batch_size)
    assert np.ptp(batches, axis=1).max() < 10
    assert np.corrcoef(batches.mean(axis=1), np.arange(len(batches)))[0, 1] < 0.3


def test_samples_of_like_length_share_a_batch():
    fits = [of_tokens(batch_by_length=True).fit(TOKENS, LABELS) for _ in range(2)]
    first, again = (model.predict_proba(TOKENS) for model in fits)
    assert_array_equal(first, again)
    assert (first != of_tokens().fit(TOKENS, LABELS).predict_proba(TOKENS)).any()
    with pytest.raises(ValueError, match="shuffle=True"):
        of_tokens(batch_by_length=True, shuffle=False).fit(TOKENS, LABELS)


def test_tokens_are_copied_once():
    """Not at all where they are an array, and nothing is cut off."""
    values = np.ones(2_000_000, np.int32)  # 8 MB
    X = list(values.reshape(-1, 50))
    y = np.arange(len(X)) % 2
    for samples, most in ((X, 2.0), (values.reshape(-1, 50), 0.5)):
        model = of_tokens(epochs=1, batch_size=100)
        tracemalloc.start()
        model.fit(samples, y)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < most * values.nbytes
