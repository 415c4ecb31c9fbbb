"""Damaged sparse matrices are refused before SciPy or our own loops read them."""

import numpy as np
import pytest
from scipy import sparse

from fastnn import MLPClassifier, MLPRegressor
from fastnn.estimators.data.sparse_structure import check_structure

X = np.where(np.random.RandomState(0).rand(12, 6) < 0.5, 1.0, 0.0)
X[0, :2] = 1.0
y = X.sum(axis=1)
labels = (X[:, :3] > 0).astype(int)
labels[0] = labels[1, 0] = 1


def last(name, value):
    """Set the last number of an attribute."""
    return lambda M: getattr(M, name).__setitem__(-1, value)


def replaced(name, change):
    return lambda M: setattr(M, name, change(getattr(M, name)))


def wrapping(M):
    """An index pointer whose differences are all positive in int32, by overflow."""
    M.indptr = M.indptr.astype(np.int32)
    M.indptr[1:4] = 2**31 - 1, -(2**31), -1


COMPRESSED = {
    "wraps": wrapping,
    "index too large": last("indices", 10**6),
    "negative index": last("indices", -1),
    "ends late": last("indptr", 10**6),
    "starts early": lambda M: M.indptr.__setitem__(0, -5),
    "short pointer": replaced("indptr", lambda each: each[:-1]),
    "few indices": replaced("indices", lambda each: each[:-2]),
    "few values": replaced("data", lambda each: each[:-2]),
    "fractions": replaced("indices", lambda each: each + 0.5),
    "objects": replaced("indices", lambda each: each.astype(object)),
    "unsigned": replaced("indptr", lambda each: (each - 1).astype(np.uint64)),
}
COORDINATES = {
    "row too large": last("row", 10**6),
    "negative column": last("col", -1),
    "few rows": replaced("row", lambda each: each[:-2]),
    "few values": replaced("data", lambda each: each[:-2]),
}
DAMAGES = {
    "csr": COMPRESSED,
    "csc": COMPRESSED,
    "bsr": COMPRESSED
    | {"other blocks": replaced("data", lambda each: each.repeat(7, axis=1))},
    "coo": COORDINATES,
    "dia": {
        "few offsets": replaced("offsets", lambda each: each[:-1]),
        "fractions": replaced("offsets", lambda each: each + 0.5),
    },
    "lil": {
        "column too large": lambda M: M.rows[0].__setitem__(-1, 10**6),
        "negative column": lambda M: M.rows[0].__setitem__(0, -7),
        "few values": lambda M: M.data[0].pop(),
        "few rows": replaced("rows", lambda each: each[:-1]),
        "no list": lambda M: M.rows.__setitem__(0, None),
        "words": lambda M: M.rows[0].__setitem__(0, "a"),
    },
    "dok": {
        "row too large": lambda M: M._dict.update({(10**6, 0): 1.0}),
        "no pair": lambda M: M._dict.update({7: 1.0}),
        "three of them": lambda M: M._dict.update({(0, 0, 0): 1.0}),
    },
}
CASES = [(kind, damage) for kind, damages in DAMAGES.items() for damage in damages]


def damaged(array, kind, damage, matrix):
    M = matrix(array).asformat(kind)
    DAMAGES[kind][damage](M)
    return M


@pytest.mark.parametrize("matrix", [sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize(("kind", "damage"), CASES)
def test_damaged_X(kind, damage, matrix):
    bad = damaged(X, kind, damage, matrix)
    model = MLPRegressor(
        hidden_layer_sizes=(3,), max_iter=1, solver="adam", tol=10.0, random_state=0
    )
    validation = {"X_val": bad, "y_val": y}
    with np.errstate(all="ignore"):
        for call in (
            lambda: model.fit(bad, y),
            lambda: model.partial_fit(bad, y),
            lambda: model.partial_fit(X, y, **validation),
            lambda: model.partial_fit(X, y).predict(bad),
            lambda: model.score(bad, y),
            lambda: model.hidden_activations(bad),
        ):
            with pytest.raises(ValueError, match=r"sparse (X|X_val) "):
                call()


@pytest.mark.parametrize(("kind", "damage"), CASES)
def test_damaged_labels(kind, damage):
    bad = damaged(labels, kind, damage, sparse.csr_array)
    model = MLPClassifier((3,), max_iter=1, tol=10.0, random_state=0)
    for call in (
        lambda: model.fit(X, bad),
        lambda: model.partial_fit(X, bad, classes=[0, 1, 2]),
        lambda: model.partial_fit(X, labels, classes=[0, 1, 2]).score(X, bad),
        lambda: model.partial_fit(X, labels, X_val=X, y_val=bad),
    ):
        with pytest.raises(ValueError, match=r"sparse (y|y_val) "):
            call()


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("index", [np.int32, np.int64, np.uint32, ">i4"])
def test_what_is_whole_passes(kind, index):
    for M in (
        sparse.csr_array(X).asformat(kind),
        sparse.csr_array((4, 3)).asformat(kind),
    ):
        for name in ("indices", "indptr", "row", "col"):
            if hasattr(M, name) and kind != "dia":
                setattr(M, name, getattr(M, name).astype(index))
        check_structure("X", M)


def test_one_axis_is_refused():
    one = sparse.coo_array(X[0])
    with pytest.raises(ValueError, match="X must be two-dimensional"):
        MLPRegressor().fit(one, y)
    with pytest.raises(ValueError, match="y must be two-dimensional"):
        MLPClassifier().fit(X, sparse.coo_array(y))
