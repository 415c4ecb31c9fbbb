"""What becomes of floating-point errors: nothing, but in functions of the user's.

Numbers become tiny or infinite in a fit, and what matters of it is found and told, so
that NumPy's own way to tell it would only end fits that are sound.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from fastnn.utils.commit import call_ignoring_errors

# As it was where our arithmetic began.
_of_the_user: ContextVar[dict[str, Any] | None] = ContextVar("_of_the_user")


def ignoring_errors(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call a function of ours: floating-point errors are ignored until it returns.

    Those in functions of the user's are not.
    """
    return call_ignoring_errors(_of_the_user, function, args, kwargs)


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
