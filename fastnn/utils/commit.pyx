"""Changes that happen whole or not at all, and changes that last as long as a call.

Compiled, because a handler of a signal may raise between any two instructions of the
interpreter, but not within one call of compiled code.
"""

import numpy as np


def commit(estimator, dict attributes, list memory, source=None, target=None):
    """Give an object its attributes, and one RandomState the state of another.

    What others have kept is then what they are to keep: see :func:`call_or_put_back`.

    Parameters
    ----------
    estimator : object
    attributes : dict
        All that it is to have.
    memory : list
        Emptied.
    source, target : RandomState, default=None
        The target will draw what the source would.
    """
    state = None if target is None else source.get_state()
    estimator.__dict__ = attributes
    memory.clear()
    if target is not None:
        target.set_state(state)


def call_or_put_back(function, list memory):
    """What a function returns; where it raises, objects get attributes back.

    Parameters
    ----------
    function : callable
        Without arguments.
    memory : list of (object, names, dict)
        Of each object, names of attributes, and those of them that it has with their
        values. None are put back if the list is empty by then.
    """
    try:
        return function()
    except BaseException:
        for holder, names, values in memory:
            attributes = holder.__dict__
            for name in names:
                attributes.pop(name, None)
            attributes.update(values)
        raise


def call_ignoring_errors(variable, function, tuple arguments, dict named):
    """What a function returns that is called while NumPy ignores floating-point errors.

    Parameters
    ----------
    variable : ContextVar
        Holds meanwhile how NumPy treats them otherwise.
    function : callable
    arguments : tuple
    named : dict
    """
    before, called = np.geterr(), np.geterrcall()
    token = variable.set({**before, "call": called})
    try:
        np.seterr(all="ignore")
        return function(*arguments, **named)
    finally:
        variable.reset(token)
        restore_errors(before, called)


cdef restore_errors(dict before, called):
    """Have NumPy treat floating-point errors as before.

    It does so in Python, where handlers of signals may raise: it is then done again.
    """
    raised = None
    for _ in range(100):
        try:
            np.seterr(**before)
            np.seterrcall(called)
            break
        except BaseException as error:
            raised = error
    if raised is not None:
        raise raised
