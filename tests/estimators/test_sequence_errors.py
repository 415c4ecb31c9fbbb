"""What sequences may not be, and what is said of it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from test_sequences import (
    LABELS,
    LENGTHS,
    OPTIONS,
    STEPS,
    SUMS,
    TOKENS,
    objects,
    of_steps,
    of_tokens,
)

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.layers import (
    Dense,
    Flatten,
    Masking,
)
from fastnn.mixing import Mixup
from fastnn.utils.sequences import Sequences

N, N_TOKENS = 60, 9
NAN = float("nan")
ERRORS_OF_TOKENS = {
    "none": ([], "no samples in X"),
    "a word": ("abc", r"for each sample, got 'abc' \(str\)"),
    "a number": (3, r"for each sample, got 3 \(int\)"),
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
