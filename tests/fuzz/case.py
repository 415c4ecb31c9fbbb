"""One case: what it draws, calls and asks, all of it decided by its seed."""

import contextlib
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone

import fastnn.engine.engine
import fastnn.engine.predictor
import fastnn.training.trainer
from fuzz import checks, data, estimators, targets
from fuzz.drawing import chance, count, pick
from fuzz.faults import FaultError, Finding, finding_of, judge_error, require
from fuzz.surroundings import check_threads, unchanged

REFUSED = object()
LAYERS = (-1, -1, -1, 0, 0, 0, np.int64(0), 1, 5, "a", None, True, 0.5)
# Parameters that partial_fit does not go with.
_HELD_OUT = "validation", "early_stopping"


class Case:
    """A model, what it is trained for, and the calls that it gets."""

    def __init__(self, seed: int):
        self.rng = rng = np.random.default_rng(seed)
        self.said: list[bytes] = []  # the bits of all that was accepted
        self.log: list[tuple] = []  # what has been called
        self.n_features = data.n_columns(rng)
        self.model, suited = estimators.estimator(rng, self.n_features)
        self.classifier = isinstance(self.model, checks.CLASSIFIERS)
        if self.classifier:
            self.targets = targets.classes(rng)
        else:
            self.targets = targets.numbers(rng, suited)
        self.errors = "warn"  # what the user wants of floating-point errors

        self.spoiled = False  # a damaged state that was loaded explains all

    @property
    def is_fitted(self) -> bool:
        return "_fitted" in vars(self.model)

    def play(self) -> None:
        self.train()
        if not self.is_fitted and chance(self.rng, 0.5):
            self.train(wild=0.2)
        for _ in range(pick(self.rng, (0, 0, 1, 1, 1, 2, 3))):
            pick(self.rng, self.ACTIONS)(self)
            if self.spoiled:
                break
        check_threads()

    def described(self) -> str:
        return "\n".join(
            [_words(self.model), *(_described(*each) for each in self.log)]
        )

    # ------------------------------------------------------------------------- calls

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """What a method returns; REFUSED if it raises what it may raise."""
        model = self.model
        before = checks.Snapshot(model)
        self.log.append((method, arguments, named))
        try:
            with np.errstate(all=self.errors), unchanged(*arguments, *named.values()):
                result = getattr(model, method)(*arguments, **named)
        except FaultError:
            raise
        except Exception as error:
            self.refused(error)
            # As with scikit-learn, what stands before a wrong name is set.
            if method != "set_params":
                before.check(model, method)
            self.said.append(type(error).__name__.encode())
            return REFUSED
        return result

    def refused(self, error: Exception) -> None:
        try:
            judge_error(error, self.errors == "raise")
        except FaultError as fault:
            raise fault from error

    def train(self, wild: float = 1.0) -> None:
        rng = self.rng
        if self.is_fitted and chance(rng, 0.05):
            self.targets = targets.classes(rng)
        incremental = chance(rng, 0.3) and (self.can("partial_fit") or chance(rng, 0.1))
        n = data.n_rows(rng)
        X = self.table(n, wild)
        y = self.targets.draw(n)
        named: dict[str, Any] = {"sample_weight": targets.weights(rng, n)}
        if incremental and self.classifier and not self.is_fitted:
            named["classes"] = self.targets.classes
            if chance(rng, 0.1):
                named["classes"] = pick(rng, (None, [0], "ab", 3, [[0, 1]], [None, 1]))
        unfit = X.unfit
        if chance(rng, 0.15):
            m = data.n_rows(rng)
            held_out = self.table(m, 0.5 * wild)
            named |= {"X_val": held_out.value, "y_val": self.targets.draw(m)}
            named["sample_weight_val"] = targets.weights(rng, m)
            unfit = unfit or held_out.unfit
            if chance(rng, 0.05):
                named.pop(pick(rng, ("X_val", "y_val")))
        method = "partial_fit" if incremental else "fit"
        if self.call(method, X.value, y, **named) is REFUSED:
            return
        require(not unfit, "accepted", f"{method} takes X or X_val that it must refuse")
        checks.check_fitted(self.model, X.value)
        self.said.append(checks.digest(self.model._fitted.parameters))

    def can(self, method: str) -> bool:
        """Whether the model has a method, and its parameters allow it."""
        held_out = [getattr(self.model, each, None) for each in _HELD_OUT]
        alone = method != "partial_fit" or all(
            each is None or each is False for each in held_out
        )
        return alone and hasattr(self.model, method)

    def table(self, rows: int, wild: float = 1.0) -> data.Table:
        """X for this model, seldom of another width."""
        width = self.n_features
        if chance(self.rng, 0.03 * wild):
            width = max(0, width + count(self.rng, -1, 1))
        return data.table(self.rng, rows, width, wild)

    # ------------------------------------------------------------------------ actions

    def predict(self) -> None:
        X = self.table(data.n_rows(self.rng), 0.7)
        predicted = self.call("predict", X.value)
        if predicted is REFUSED:
            return
        require(not X.unfit, "accepted", "predict takes X that it must refuse")
        checks.check_prediction(self.model, X.value, predicted)
        self.said.append(checks.digest(predicted))
        if chance(self.rng, 0.4):
            return
        plain = sparse.issparse(X.value) or type(X.value) is np.ndarray
        if plain and X.value.dtype.kind == "f" and X.value.dtype.itemsize in (4, 8):
            checks.check_against_reference(self.rng, self.model, X.value)

    def predict_proba(self) -> None:
        if not self.can("predict_proba") and chance(self.rng, 0.9):
            return self.predict()
        X = self.table(data.n_rows(self.rng), 0.7)
        found = self.call("predict_proba", X.value)
        if found is REFUSED:
            return None
        require(not X.unfit, "accepted", "predict_proba takes X that it must refuse")
        checks.check_probabilities(self.model, X.value, found)
        self.said.append(checks.digest(found))
        logs = self.call("predict_log_proba", X.value)
        require(logs is not REFUSED, "predict_log_proba", "raises, predict_proba not")
        with np.errstate(divide="ignore"):
            if not isinstance(found, list):
                logs, found = [logs], [found]
            for log, p in zip(logs, found, strict=True):
                same = np.array_equal(log, np.log(p), equal_nan=True)
                require(same, "predict_log_proba", "is not the logarithm")
        return None

    def score(self) -> None:
        n = data.n_rows(self.rng)
        X = self.table(n)
        weight = targets.weights(self.rng, n, 0.1)
        score = self.call("score", X.value, self.targets.draw(n), weight)
        if score is not REFUSED:
            require(isinstance(score, float), "score", f"{score!r} is no float")
            require(not X.unfit, "accepted", "score takes X that it must refuse")

    def other_outputs(self) -> None:
        X = self.table(data.n_rows(self.rng))
        if hasattr(self.model, "hidden_activations"):
            layer = pick(self.rng, LAYERS)
            found = self.call("hidden_activations", X.value, layer)
        elif self.can("decision_function") or chance(self.rng, 0.1):
            found = self.call("decision_function", X.value)
        else:
            return
        if found is not REFUSED:
            require(not X.unfit, "accepted", "X that must be refused")
            require(not np.isnan(found).any(), "hidden_activations", "NaN")
            self.said.append(checks.digest(found))

    def copied(self) -> None:
        copies: tuple[Callable[[Any], Any], ...] = (
            lambda model: pickle.loads(pickle.dumps(model)),
            deepcopy,
        )
        other = pick(self.rng, copies)(self.model)
        X = self.rng.standard_normal((3, self.n_features))
        found = self.call("predict", X)
        self.model = other
        again = self.call("predict", X)
        if found is not REFUSED or again is not REFUSED:
            same = checks.digest(found) == checks.digest(again)
            require(same, "copy", "predicts something else")

    def cloned(self) -> None:
        try:
            self.model = clone(self.model)
        except Exception as error:
            self.refused(error)
        self.train()

    def changed(self) -> None:
        try:
            parameters = estimators.change(self.rng, self.model)
        except TypeError as error:  # of what is no layer, among the layers
            self.refused(error)
            return
        if self.call("set_params", **parameters) is not REFUSED:
            self.train()

    def damaged(self) -> None:
        state = checks.damage(self.rng, self.model.__getstate__())
        other = type(self.model).__new__(type(self.model))
        with warnings.catch_warnings(action="ignore"):
            try:
                other.__setstate__(state)
            except Exception as error:
                self.refused(error)
                return
        self.model, self.spoiled = other, True
        if chance(self.rng, 0.5):
            self.call("predict", self.rng.standard_normal((3, self.n_features)))
        else:
            n = data.n_rows(self.rng)
            X = self.rng.standard_normal((n, self.n_features))
            self.call("partial_fit", X, self.targets.draw(n))

    def assigned(self) -> None:
        """Weights of the user's, which may be anything."""
        if "_fitted" not in vars(self.model):
            return
        kernels = self.model.coefs_
        if not kernels:
            return
        at = count(self.rng, 0, len(kernels) - 1)
        kernels[at][...] *= pick(self.rng, (0.0, 1e10, 1e30, -1e38, 1e-40, -1.0))
        self.predict()

    ACTIONS = (
        *(train, train, train, predict, predict, predict, predict, predict_proba),
        *(predict_proba, score, other_outputs, copied, cloned, changed, changed),
        *(damaged, assigned),
    )


@contextlib.contextmanager
def _small_shares(rng: np.random.Generator) -> Iterator[None]:
    """At times, threads share work that is too small, and steps come in parts."""
    parts = {
        (fastnn.engine.engine, "OPERATIONS_PER_THREAD"): 1,
        (fastnn.engine.predictor, "OPERATIONS_PER_THREAD"): 1,
        (fastnn.engine.engine, "STEPS_AT_ONCE"): 3,
        (fastnn.training.trainer, "STEPS_AT_ONCE"): 3,
    }
    before = {(module, name): getattr(module, name) for module, name in parts}
    try:
        if chance(rng, 0.4):
            for (module, name), value in parts.items():
                setattr(module, name, value)
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)


def _errors_of_the_user(rng: np.random.Generator) -> str:
    return pick(rng, ("warn", "warn", "warn", "warn", "ignore", "raise"))


def _described(method: str, arguments: tuple, named: dict[str, Any]) -> str:
    """A call in a few words."""
    given = [_shown(each) for each in arguments]
    given += [f"{name}={_shown(each)}" for name, each in named.items()]
    return f"{method}({', '.join(given)})"


def _shown(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        kind = getattr(value, "format", type(value).__name__)
        return f"{kind} {value.dtype} {value.shape}"
    return f"{type(value).__name__} {_words(value)[:60]}"


def _words(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # of what is damaged
        return f"no words for it: {error}"


def play(seed: int) -> tuple[list[bytes], Finding | None]:
    """Run a case; the bits of what it computed, and what is wrong."""
    np.random.seed(seed % 2**32)  # noqa: NPY002 - what random_state=None draws from
    surroundings = np.random.default_rng([seed, 1])
    said: list[bytes] = []
    case = None
    try:
        with _small_shares(surroundings), contextlib.redirect_stdout(io.StringIO()):
            errors = _errors_of_the_user(surroundings)
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                case = Case(seed)
                case.errors = errors
                said = case.said
                case.play()
    except Exception as error:
        calls = "" if case is None else case.described()
        return said, finding_of(seed, error, calls)
    return said, None


# One in so many cases is run twice.
TWICE = 12


def run(seed: int) -> Finding | None:
    """Run a case, at times twice; what is wrong with it, if anything is."""
    said, found = play(seed)
    if found is not None or seed % TWICE:
        return found
    again, found = play(seed)
    if found is None and again != said:
        found = Finding(seed, "fault", "twice", f"other bits: {said} {again}")
    return found
