"""Integers become rows of zeros and ones."""

import numpy as np
import pytest
from scipy import sparse

from fastnn.preprocessing import multi_hot, pad_sequences, to_categorical


@pytest.mark.parametrize("shape", [(7,), (7, 1), (3, 4), (2, 3, 1), (0,)], ids=str)
@pytest.mark.parametrize("num_classes", [None, 9])
def test_rows_have_a_single_one(shape, num_classes):
    y = np.random.default_rng(0).integers(0, 6, shape)
    rows = to_categorical(y, num_classes)
    expected = y[..., 0] if len(shape) > 1 and shape[-1] == 1 else y
    n_classes = num_classes or y.max(initial=-1) + 1
    assert rows.shape == (*expected.shape, n_classes)
    assert rows.dtype == np.float32
    if y.size:
        np.testing.assert_array_equal(rows.argmax(axis=-1), expected)
        np.testing.assert_array_equal(rows.sum(axis=-1), 1)


def test_classes_may_be_whole_floats():
    rows = to_categorical([2.0, 0.0], dtype="float64")
    assert rows.dtype == np.float64
    assert rows.tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("y", "num_classes", "message"),
    [
        ([0, 3], 3, r"y must hold integers from 0 to num_classes - 1 = 2, got 3"),
        ([0, -1], None, "y must hold integers from 0 on, got -1"),
        ([0.5], None, "y must hold integers from 0 on, got float64"),
        ([np.nan], None, "y must hold integers from 0 on, got float64"),
        (["cat"], None, "y must hold integers .*LabelEncoder"),
        ([True], None, "y must hold integers from 0 on, got bool"),
        ([0], 0, "num_classes must be an integer from 1"),
        ([0], 2.0, "num_classes must be an integer from 1"),
    ],
    ids=str,
)
def test_what_are_no_classes_is_named(y, num_classes, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(y, num_classes)


SEQUENCES = [[4, 1, 4, 4], [], [0, 2], np.array([3], np.uint8)]


@pytest.mark.parametrize("counts", [False, True])
def test_rows_say_which_tokens_occur(counts):
    rows = multi_hot(SEQUENCES, 6, counts=counts)
    assert sparse.issparse(rows)
    assert rows.format == "csr"
    assert rows.dtype == np.float32
    assert rows.has_canonical_format
    expected = np.stack(
        [np.bincount(np.array(each, int), minlength=6) for each in SEQUENCES]
    )
    if not counts:
        expected = expected > 0
    np.testing.assert_array_equal(rows.toarray(), expected)


def test_padding_is_a_token():
    padded = pad_sequences(SEQUENCES[:1], 6)
    assert multi_hot(padded, 5, counts=True).toarray().tolist() == [[2, 1, 0, 0, 3]]
    assert multi_hot([], 5).shape == (0, 5)


@pytest.mark.parametrize(
    ("sequences", "num_tokens", "message"),
    [
        (
            [[1, 5]],
            5,
            r"sequences must hold integers from 0 to num_tokens - 1 = 4, got",
        ),
        ([[-2]], 5, "got -2"),
        ([[0.5]], 5, "sequences must hold integers from 0 on, got float64"),
        ([[1]], 0, "num_tokens must be an integer from 1"),
        ([[1]], None, "num_tokens must be an integer from 1"),
        ([[[1, 2]]], 5, r"a token for each step, got steps of shape \(2,\)"),
        (["film"], 5, "SequenceVectorizer makes sequences of texts"),
    ],
    ids=str,
)
def test_what_are_no_tokens_is_named(sequences, num_tokens, message):
    with pytest.raises(ValueError, match=message):
        multi_hot(sequences, num_tokens)
