"""Sequences of different lengths become arrays of one."""

import numpy as np
import pytest

from fastnn.preprocessing import pad_sequences

SEQUENCES = [[5, 3], [], [2, 4, 6], [7]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[5, 3, 0], [0, 0, 0], [2, 4, 6], [7, 0, 0]]),
        ({"padding": "pre"}, [[0, 5, 3], [0, 0, 0], [2, 4, 6], [0, 0, 7]]),
        ({"max_length": 2}, [[5, 3], [0, 0], [2, 4], [7, 0]]),
        ({"max_length": 2, "truncating": "pre"}, [[5, 3], [0, 0], [4, 6], [7, 0]]),
        ({"max_length": 4, "value": -1, "padding": "pre"},
         [[-1, -1, 5, 3], [-1] * 4, [-1, 2, 4, 6], [-1, -1, -1, 7]]),
        ({"max_length": 0}, [[], [], [], []]),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kind", [list, lambda each: np.array(each, np.int64)])
def test_every_way_to_pad_and_to_cut(options, expected, kind):
    padded = pad_sequences([kind(each) for each in SEQUENCES], **options)
    assert padded.dtype == np.int32
    assert padded.tolist() == expected


@pytest.mark.parametrize("padding", ["post", "pre"])
@pytest.mark.parametrize("truncating", ["post", "pre"])
@pytest.mark.parametrize("length", [3, 6, 9])
def test_steps_of_several_numbers(padding, truncating, length):
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(n, 2, 3)) for n in (6, 7, 8, 9, 6)]
    padded = pad_sequences(
        sequences,
        length,
        dtype="float64",
        padding=padding,
        truncating=truncating,
        value=np.pi,
    )
    assert padded.shape == (5, length, 2, 3)
    for row, each in zip(padded, sequences, strict=True):
        cut = each[:length] if truncating == "post" else each[-length:]
        fill = np.full((length - len(cut), 2, 3), np.pi)
        parts = [cut, fill] if padding == "post" else [fill, cut]
        np.testing.assert_array_equal(row, np.concatenate(parts))


def test_nothing_and_empty_sequences():
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([[], []], 3).tolist() == [[0] * 3] * 2
    steps = [np.zeros((0, 2)), np.ones((1, 2))]
    assert pad_sequences(steps, 2, dtype="float32").shape == (2, 2, 2)


@pytest.mark.parametrize(
    ("sequences", "options", "message"),
    [
        (SEQUENCES, {"padding": "left"}, "padding must be 'post' or 'pre', got 'left'"),
        (SEQUENCES, {"truncating": None}, "truncating must be 'post' or 'pre'"),
        (SEQUENCES, {"max_length": -1}, "max_length must be an integer from 0"),
        (SEQUENCES, {"max_length": 2.0}, "max_length must be an integer from 0"),
        ([[0.5]], {}, "sequences must hold what dtype='int32' can, got float64"),
        ([[2**40]], {}, "got numbers from 0 to 1099511627776"),
        ([[-1]], {"dtype": "uint8"}, "got numbers from -1 to 0"),
        (SEQUENCES, {"value": 0.5}, "value must hold what dtype='int32' can, got 0.5"),
        (SEQUENCES, {"value": np.nan}, "value must hold .* got nan"),
        (SEQUENCES, {"value": -1, "dtype": "uint8"}, "value must hold .* got -1"),
        (["the film"], {}, r"got 'the film' as sequences\[0\]. SequenceVectorizer"),
        ("the film", {}, "sequences must be a list of sequences, got 'the film'"),
        (7, {}, "sequences must be a list of sequences, got 7"),
        ([1, 2], {}, r"sequences of numbers, got 1 as sequences\[0\]"),
        ([[1], [[1, 2], [3]]], {}, r"sequences of numbers, .* as sequences\[1\]"),
        ([[1], [None]], {}, r"sequences of numbers, .* as sequences\[1\]"),
        ([np.ones((2, 3)), np.ones((2, 4))], {}, r"one shape, got \(3,\) .*\(4,\)"),
    ],
    ids=str,
)
def test_wrong_arguments_are_named(sequences, options, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, **options)
