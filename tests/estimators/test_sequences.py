"""X that is sequences: lists of tokens or of arrays, of different lengths."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
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
    MLPClassifier,
    MLPRegressor,
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
    Masking,
)
from fastnn.mixing import Mixup
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


# --------------------------------------------------------------------- errors

NAN = float("nan")
ERRORS_OF_TOKENS = {
    "none": ([], "no samples in X"),
    "empty": ([[1], []], "X has no steps in sample 1"),
    "empty array": ([[1], np.array([])], "X has no steps in sample 1"),
    "negative": ([[1], [2, -3]], r"token -3 in sample 1 at step 1.*from 0"),
    "too large": ([[1], [2, 9]], r"token 9 in sample 1 at step 1.*input_dim=9.* 10 or"),
    "in an array": (np.array([[1, 2], [3, 9]]), "token 9 in sample 1 at step 1"),
    "far too large": ([[2**63], [1]], "token 9223372036854775808 in sample 0"),
    "no integer there is": ([[2**80], [1]], "must hold tokens.*sample 0 at step 0"),
    "fraction": ([[1], [2, 2.5]], r"2.5 \(float\) in sample 1 at step 1"),
    "floats": ([[1.0, 2.0], [3.0]], r"1.0 \(float\).*astype\(int\)"),
    "array of floats": (np.ones((2, 3)), r"float64\(1.0\).*sample 0 at step 0"),
    "NaN": ([[1, NAN], [2]], r"nan \(float\) in sample 0 at step 1"),
    "words": ([["a", "b"], ["c"]], "'a'.*sample 0 at step 0.*SequenceVectorizer"),
    "texts": (["so good", "bad"], "'so good'.* for sample 0.*SequenceVectorizer"),
    "None": ([[1], None], r"None \(NoneType\) for sample 1"),
    "None within": ([[1], [2, None]], r"None \(NoneType\) in sample 1 at step 1"),
    "numbers alone": ([1, 2], r"1 \(int\) for sample 0"),
    "a sample alone": (np.array([1, 2]), r"\[X\] if that is a single sample"),
    "too deep": ([[1], [[1, 2], [3, 4]]], r"shape \(2, 2\) for sample 1"),
    "too deep and ragged": ([[1], [2, [3]]], "lists within lists.* for sample 1"),
    "dicts": ([{"a": 1}, {"b": 2}], "one of shape.*for sample 0"),
    "sparse": (sparse.csr_matrix(np.eye(2)), "sparse, and tokens.*toarray"),
    "no steps": (np.zeros((2, 0), int), r"2 sample\(s\)"),
    "no rows": (np.zeros((0, 2), int), r"0 sample\(s\)"),
}


@pytest.mark.parametrize(
    ("X", "words"), ERRORS_OF_TOKENS.values(), ids=ERRORS_OF_TOKENS
)
def test_what_tokens_may_not_be(X, words):
    """In fit, which then leaves no trace, and in predict."""
    model = of_tokens()
    with pytest.raises(ValueError, match=words):
        model.fit(X, [0, 1])
    assert not hasattr(model, "classes_")
    model.fit(TOKENS, LABELS)
    with pytest.raises(ValueError, match=words):
        model.predict(X)


WHOLE = np.ones((3, 2))
HOLE = np.array([[1.0, 2.0], [NAN, 1.0]])
ERRORS_OF_STEPS = {
    "none": ([], "no samples in X"),
    "empty": ([WHOLE, WHOLE[:0]], "X has no steps in sample 1"),
    "empty list": ([WHOLE, []], "X has no steps in sample 1"),
    "features": ([WHOLE, WHOLE[:, :1]], r"\(1,\) in sample 1, and \(2,\) in sample 0"),
    "features within": ([[[1, 2], [3]], [[1, 2]]], "something else for sample 0"),
    "rank": ([WHOLE, WHOLE[0]], r"got \(2,\) for sample 1.*reshape"),
    "NaN": ([WHOLE, HOLE], "contains NaN, in sample 1 at step 1.*Masking"),
    "infinity": ([WHOLE, HOLE * np.inf], "contains infinity, in sample 1 at step 0"),
    "None": ([WHOLE, None], "NoneType.* for sample 1"),
    "None within": ([[[1, 2]], [[1, None]]], "contains NaN, in sample 1 at step 0"),
    "words": ([WHOLE, "word"], "str of .* for sample 1"),
    "complex": ([WHOLE * 1j, WHOLE], "complex128 for sample 0"),
    "too large": ([WHOLE * 1e300, WHOLE], "beyond the range of float32"),
}


@pytest.mark.parametrize(("X", "words"), ERRORS_OF_STEPS.values(), ids=ERRORS_OF_STEPS)
def test_what_steps_may_not_be(X, words):
    model = of_steps()
    with pytest.raises(ValueError, match=words):
        model.fit(X, [0.0, 1.0])
    model.fit(STEPS, SUMS)
    if words != "beyond the range of float32":
        with pytest.raises(ValueError, match=words):
            model.predict(X)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([np.ones((3, 5))], r"steps of shape \(5,\).* fitted with steps of shape \(2,"),
        (np.ones((4, 3, 5)), r"steps of shape \(5,\)"),
        (np.ones((3, 2)), r"\[X\] of a single one"),
        (np.ones(2), r"shape \(2,\).*Pass a list"),
        ([[1, 2], [3]], r"got \(2,\) for sample 0"),
        (TOKENS, "for sample 0"),
        (Sequences.of([np.array([1, 2])]), "Tokens are read by an Embedding"),
    ],
)
def test_predictions_ask_for_the_features_of_the_fit(X, words):
    with pytest.raises(ValueError, match=words):
        of_steps().fit(STEPS, SUMS).predict(X)


def test_rows_of_different_lengths_are_no_table():
    dense = NeuralNetClassifier(Sequential([Dense(3)]), **OPTIONS)
    with pytest.raises(ValueError, match=r"from 1 to 6.*Embedding.*reshape"):
        dense.fit(TOKENS, LABELS)
    with pytest.raises(ValueError, match=r"'flatten'.*one length"):
        NeuralNetRegressor(Sequential([Flatten()]), **OPTIONS).fit(STEPS, SUMS)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer. Maximum iterations")
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("X", [TOKENS, STEPS, objects(TOKENS)])
def test_perceptrons_take_no_sequences(Estimator, X):
    model = Estimator(hidden_layer_sizes=(2,), max_iter=1, random_state=0)
    with pytest.raises(ValueError, match=r"from 1 to 6, and MLP.*NeuralNetClassifier"):
        model.fit(X, LABELS)
    model.fit(np.column_stack([SUMS, LENGTHS]), LABELS)
    with pytest.raises(ValueError, match=r"from 1 to 6, and MLP.*pad_sequences"):
        model.predict(X)


def test_nothing_but_padding():
    model = of_tokens(mask_zero=True)
    for X in ([[1], [0, 0]], np.array([[1, 2], [0, 0]])):
        with pytest.raises(ValueError, match=r"nothing but padding.*sample 1"):
            model.fit(X, [0, 1])


@pytest.mark.parametrize("value", [0.0, NAN])
@pytest.mark.parametrize("one_length", [False, True])
def test_masked_steps(value, one_length):
    """They may be NaN, where that is what masks them, and change nothing."""
    X = [np.vstack([each[:1], each]) for each in STEPS]
    if one_length:
        X = [np.resize(each, (4, 2)) for each in X]
    with_more = [np.insert(each, 1, value, axis=0) for each in X]
    if one_length:
        X, with_more = np.array(X), np.array(with_more)
    model = of_steps(Masking(value), dtype="float64").fit(with_more, SUMS)
    expected = of_steps(Masking(value), dtype="float64").fit(X, SUMS).predict(X)
    assert_allclose(model.predict(with_more), expected, rtol=1e-10)
    with_more[1][:] = value
    with pytest.raises(ValueError, match="no step that counts in sample 1"):
        model.predict(with_more)
    with_more[1][:] = [NAN, 1]
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.predict(with_more)


def test_sequences_are_not_mixed():
    with pytest.raises(ValueError, match="which are several, tokens or sequences"):
        of_tokens(mixing=Mixup()).fit(TOKENS, LABELS)


def test_validation_data_has_the_shape_of_this_fit():
    """Not of the one before."""
    X = np.random.RandomState(0).standard_normal((20, 4, 3))
    model = NeuralNetRegressor(Sequential([Flatten()]), **OPTIONS).fit(X, X[:, 0, 0])
    X = X.reshape(20, 2, 6)
    model.fit(X, X[:, 0, 0], X_val=X, y_val=X[:, 0, 0])
    assert model.predict(X).shape == (20,)


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
