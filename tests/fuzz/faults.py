"""What a case can find, and which errors are none."""

import inspect
import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import sklearn
from sklearn.exceptions import NotFittedError

import fastnn
from fastnn import (
    averaging,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    optimizers,
    regularizers,
    schedules,
)
from fastnn.utils import error_state
from fuzz import parts


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where; findings of one kind and place are one fault."""

    seed: int
    kind: str
    place: str
    text: str


class FaultError(AssertionError):
    """A promise that does not hold; the place says which."""

    def __init__(self, place: str, text: str):
        super().__init__(text)
        self.place = place


def require(holds: Any, place: str, text: str) -> None:
    if not holds:
        raise FaultError(place, text)


# ----------------------------------------------------------------------------- errors

FASTNN = str(Path(fastnn.__file__).parent)
SKLEARN = str(Path(sklearn.__file__).parent)

_PACKAGES = (
    *(fastnn, averaging, callbacks, constraints, initializers, layers, losses),
    *(optimizers, regularizers, schedules),
)


def _known_words() -> frozenset[str]:
    """Names of classes, methods and arguments."""
    found = set()
    for package in _PACKAGES:
        for name, kind in vars(package).items():
            if not inspect.isclass(kind):
                continue
            found.add(name)
            for method_name, method in vars(kind).items():
                if isinstance(method, FunctionType):
                    found.add(method_name)
                    found |= set(inspect.signature(method).parameters)
    for kind in (fastnn.MLPClassifier, fastnn.NeuralNetRegressor):
        for method in ("fit", "partial_fit", "predict", "score", "hidden_activations"):
            if hasattr(kind, method):
                found |= {method, *inspect.signature(getattr(kind, method)).parameters}
    return frozenset(found - {"self"})


WORDS = _known_words() | {"coefs_", "intercepts_"}


def judge_error(error: BaseException, strict_errors: bool) -> None:
    """Pass what may be raised; FaultError for everything else."""
    walk = traceback.walk_tb(error.__traceback__)
    frames = traceback.StackSummary.extract(walk, lookup_lines=False)
    ours = [i for i, frame in enumerate(frames) if frame.filename.startswith(FASTNN)]
    within = [frame.filename for frame in frames[ours[-1] + 1 if ours else 0 :]]
    by_sklearn = any(name.startswith(SKLEARN) for name in within)
    place = _place(frames)
    if isinstance(error, parts.OwnError | NotFittedError | MemoryError):
        return
    if frames[-1].filename in (parts.__file__, error_state.__file__):
        return  # from a function of the user's, or from calling it
    if str(error) == "object() takes no arguments":
        return  # from calling object, which was given as a function
    if isinstance(error, AttributeError) and "has no attribute" in str(error):
        # A method that these parameters have not; scikit-learn raises it.
        require(by_sklearn or not ours, place, _described(error))
        return
    if isinstance(error, FloatingPointError) and strict_errors and by_sklearn:
        return
    require(isinstance(error, ValueError | TypeError), place, _described(error))
    words = set(re.findall(r"\w+", str(error)))
    named = by_sklearn or "damaged" in words or words & WORDS
    require(named, place, f"names nothing: {_described(error)}")


def finding_of(seed: int, error: BaseException, calls: str) -> Finding:
    """The finding that an error of a case is."""
    frames = traceback.extract_tb(error.__traceback__)
    text = f"{calls}\n{''.join(traceback.format_exception(error))}"
    if isinstance(error, FaultError):
        cause = error.__cause__
        kind = "fault" if cause is None else type(cause).__name__
        return Finding(seed, kind, error.place, text)
    return Finding(seed, type(error).__name__, _place(frames), text)


def _place(frames: traceback.StackSummary) -> str:
    """The innermost line of fastnn's, or of all."""
    ours = [frame for frame in frames if frame.filename.startswith(FASTNN)]
    frame = (ours or list(frames))[-1]
    inner = frames[-1]
    name = f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
    if inner is frame:
        return name
    return f"{name} > {Path(inner.filename).name} {inner.name}"


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
