"""What must hold of a model, of its predictions and of a call that was refused."""

import copy
import hashlib
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import reference
from numpy.random import Generator
from scipy import sparse

from fastnn import MLPClassifier, NeuralNetClassifier
from fuzz.faults import require

CLASSIFIERS = (MLPClassifier, NeuralNetClassifier)


# ---------------------------------------------------------------------- refused calls


class Snapshot:
    """What a model was before a call."""

    def __init__(self, model: Any):
        self._attributes = dict(vars(model))
        self._state = _state(model)

    def check(self, model: Any, call: str) -> None:
        now = dict(vars(model))
        before = self._attributes
        changed = [
            name
            for name in now.keys() | before.keys()
            if now.get(name, _MISSING) is not before.get(name, _MISSING)
        ]
        place = f"refused {call}"
        require(not changed, place, f"{changed} changed though it was refused")
        require(_state(model) == self._state, place, "its state has changed")


_MISSING = object()


def _state(model: Any) -> list[Any]:
    attributes = vars(model)
    found: list[Any] = []
    if "_fitted" in attributes:
        found.append(model._fitted.parameters.tobytes())
    if "_training_state" in attributes:
        state = model._training_state
        found += [
            state.optimizer.slots.host.tobytes(),
            state.optimizer.step,
            len(state.history["loss"]),
            _position(state.random_state),
        ]
    if isinstance(attributes.get("random_state"), np.random.RandomState):
        found.append(_position(model.random_state))
    return found


def _position(source: np.random.RandomState) -> tuple:
    name, key, *rest = source.get_state()
    if source is np.random.mtrand._rand:
        return ()  # everybody's
    return (name, key.tobytes(), *rest)


# ----------------------------------------------------------------------------- models


def check_fitted(model: Any, X: Any) -> None:
    """Check a model that a call has just trained."""
    parameters = model._fitted.parameters
    require(np.isfinite(parameters).all(), "weights", "are not finite after fit")
    if vars(model).get("loss_") is not None:
        require(np.isfinite(model.loss_), "loss_", f"is {model.loss_}")
    shape = np.shape(X) if not sparse.issparse(X) else X.shape
    require(model.n_features_in_ == shape[1], "n_features_in_", f"of X of {shape}")


def digest(values: Any) -> bytes:
    """A few bytes that stand for arrays, numbers and words."""
    found = hashlib.blake2b(digest_size=8)
    for each in values if isinstance(values, list) else [values]:
        array = each.toarray() if sparse.issparse(each) else np.asarray(each)
        array = array.astype(str) if array.dtype.hasobject else array
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(array.tobytes())
    return found.digest()


# ------------------------------------------------------------------------ predictions


def _n_rows(X: Any) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


def _float_type(model: Any, X: Any, dtype: np.dtype) -> np.dtype:
    """What predictions of X must be, where they are ``dtype``."""
    narrow = model._fitted.parameters.dtype == np.float32
    if getattr(X, "dtype", None) == np.float32 and narrow:
        return np.dtype(np.float32)
    if hasattr(X, "columns"):  # scikit-learn decides what the columns are together
        return dtype
    return np.dtype(np.float64)


def check_prediction(model: Any, X: Any, predicted: Any) -> None:
    """Check type and shape of what ``predict`` returned."""
    n = _n_rows(X)
    require(predicted.shape[0] == n, "predict", f"{predicted.shape} for {n} rows")
    if not isinstance(model, CLASSIFIERS):
        wanted = _float_type(model, X, predicted.dtype)
        require(predicted.dtype == wanted, "dtype", f"{predicted.dtype}, not {wanted}")
        require(not np.isnan(predicted).any(), "predict", "NaN")
        return
    if isinstance(model.classes_, list):
        require(predicted.shape == (n, len(model.classes_)), "predict", "shape")
    elif predicted.ndim == 1:
        require(np.isin(predicted, model.classes_).all(), "predict", "no class")
        require(predicted.dtype == model.classes_.dtype, "predict", "dtype")
    else:
        require(predicted.shape == (n, len(model.classes_)), "predict", "shape")


def check_probabilities(model: Any, X: Any, probabilities: Any) -> None:
    """Check what ``predict_proba`` returned."""
    several = isinstance(probabilities, list)
    heads = probabilities if several else [probabilities]
    wanted = _float_type(model, X, heads[0].dtype)
    exclusive = model._targets.kind != "multilabel-indicator"
    own = model._targets.loss.link not in ("softmax", "logistic")
    for p in heads:
        require(p.shape[0] == _n_rows(X), "predict_proba", f"shape {p.shape}")
        require(p.dtype == wanted, "predict_proba", f"{p.dtype}, not {wanted}")
        require(not np.isnan(p).any(), "predict_proba", "NaN")
        if own:
            continue
        require(((p >= 0) & (p <= 1)).all(), "predict_proba", "not in [0, 1]")
        if exclusive:
            off = abs(p.sum(axis=1, dtype="f8") - 1).max(initial=0)
            limit = 1e-6 if p.dtype == np.float32 else 1e-12
            require(off <= limit, "predict_proba", f"a row sums to 1 but for {off}")


# ------------------------------------------------------------------ the naive network

ROWS = 6
OPS = dict(reference.OPS)


def check_against_reference(rng: Generator, model: Any, X: Any) -> None:
    """Compare a few outputs with a naive float64 walk over the plan.

    How far they may be apart is found by walking with weights, numbers and results of
    each op that are off by as much as rounding makes them.
    """
    fitted = model._fitted
    if not np.isfinite(fitted.parameters).all():
        return  # to them, a zero that is there is another than one that is not
    X = X.toarray() if sparse.issparse(X) else X
    X = np.ascontiguousarray(X[:ROWS], X.dtype.newbyteorder("="))
    outputs = fitted.predict(X, 1).astype(np.float64)
    parameters, exact = fitted.parameters.astype("f8"), X.astype("f8")
    narrow = fitted.parameters.dtype == np.float32 or X.dtype == np.float32
    rounding, least = (3e-7, 1e-44) if narrow else (1e-15, 1e-320)

    def off(values: np.ndarray) -> np.ndarray:
        sign = rng.choice([-1.0, 1.0], values.shape)
        return values * (1 + rounding * sign) + least * sign

    def walk_off() -> np.ndarray:
        rounded_ops = {kind: rounded(op) for kind, op in OPS.items()}
        rounded_ops["product"] = rounded(product)
        with patch.dict(reference.OPS, rounded_ops):
            return reference.predict(fitted.plan, off(parameters), off(exact))

    def rounded(op: Callable) -> Callable:
        return lambda *arguments: tuple(map(off, op(*arguments)))

    def product(walk: Any, op: Any, dim: Any, *inputs: Any) -> tuple:
        """Sums that may leave float32 on their way are not known."""
        (sums,) = OPS["product"](walk, op, dim, *inputs)
        a, b, *_ = inputs
        (largest,) = OPS["product"](walk, op, dim, abs(a), abs(b))
        most = np.finfo("f4" if narrow else "f8").max
        return (np.where(largest < most, sums, np.nan),)

    with np.errstate(all="ignore"):
        expected = reference.predict(fitted.plan, parameters, exact)
        others = [walk_off() for _ in range(3)]
        apart = np.max([abs(each - expected) for each in others], axis=0)
        size = abs(expected)
        limit = 40 * apart + 40 * rounding * size + 1e-30
        # Where it is beyond the range, or rounding decides all, nothing is known.
        known = np.isfinite(expected) & np.isfinite(apart) & (size < 1e37)
        known &= apart <= 0.01 * np.maximum(size, 1)
        wrong = known & ~(abs(outputs - expected) <= limit)
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        require(
            False,
            "reference",
            f"{outputs[at]!r} at {at}, not {expected[at]!r} to {limit[at]:g}",
        )


# ------------------------------------------------------------------------ saved state


def damage(rng: Generator, state: Any) -> Any:
    """A copy of what was saved, changed in one place."""
    state = copy.deepcopy(state)
    holder, key = state, None
    for _ in range(int(rng.integers(1, 6))):
        keys = _keys(holder if key is None else _get(holder, key))
        if not keys:
            break
        holder = holder if key is None else _get(holder, key)
        key = keys[int(rng.integers(len(keys)))]
    if key is None:
        return state
    value = _get(holder, key)
    _put(holder, key, _damaged(rng, value))
    return state


def _keys(holder: Any) -> list:
    if isinstance(holder, dict):
        return list(holder)
    if isinstance(holder, list):
        return list(range(len(holder)))
    if hasattr(holder, "get_params"):
        return list(vars(holder))
    return []


def _get(holder: Any, key: Any) -> Any:
    return holder[key] if isinstance(holder, dict | list) else vars(holder)[key]


def _put(holder: Any, key: Any, value: Any) -> None:
    if value is _MISSING and not isinstance(holder, list):
        del (holder if isinstance(holder, dict) else vars(holder))[key]
    elif isinstance(holder, dict | list):
        holder[key] = value
    else:
        vars(holder)[key] = value


def _damaged(rng: Generator, value: Any) -> Any:
    if isinstance(value, np.ndarray) and rng.random() < 0.7:
        changes = (
            lambda: value[:-1],
            lambda: value[:0],
            lambda: np.resize(value, value.size + 3),
            lambda: value[..., np.newaxis],
            lambda: value.astype("f2") if value.dtype.kind == "f" else value[::-1],
            lambda: value.astype(object),
            lambda: value.astype(value.dtype.newbyteorder()),
            lambda: value * np.nan if value.dtype.kind == "f" else value[:1],
            lambda: np.frombuffer(b"\0" + value.tobytes(), "u1")[1:],
        )
        return changes[int(rng.integers(len(changes)))]()
    others = (
        *(_MISSING, None, -1, 10**9, 10**30, 0, 1.5, float("nan"), "typo", [], {}),
        *((), object(), np.zeros(3), np.float32(2), True, [None], b"x", (7,), (-3,)),
    )
    return others[int(rng.integers(len(others)))]
