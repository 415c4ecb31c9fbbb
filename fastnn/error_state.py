"""What becomes of floating-point errors: nothing, but in functions of the user's.

Numbers become tiny or infinite in a fit, and what matters of it is found and told, so
that NumPy's own way to tell it would only end fits that are sound.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

# As it was where our arithmetic began.
_of_the_user: ContextVar[dict[str, Any] | None] = ContextVar("_of_the_user")


@contextmanager
def errors_ignored() -> Iterator[None]:
    """Ignore floating-point errors, but for functions of the user's."""
    token = _of_the_user.set({**np.geterr(), "call": np.geterrcall()})
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _of_the_user.reset(token)


@contextmanager
def errors_of_the_user() -> Iterator[None]:
    """Treat them as the user does, around the call of a function of the user's."""
    state = _of_the_user.get(None)
    if state is None:
        yield
        return
    with np.errstate(**state):
        yield


def of_the_user(function: Callable) -> Callable:
    """The function, called with the error state of the user."""

    def called(*args: Any) -> Any:
        with errors_of_the_user():
            return function(*args)

    return called
