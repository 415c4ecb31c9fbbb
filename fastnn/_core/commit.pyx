"""Changes that happen whole, or not at all.

Compiled, because a handler of a signal may raise between any two instructions of the
interpreter, but not within one call of compiled code.
"""


def commit(estimator, dict attributes, source=None, target=None):
    """Give an object its attributes, and one RandomState the state of another.

    Parameters
    ----------
    estimator : object
    attributes : dict
        All that it is to have.
    source, target : RandomState, default=None
        The target will draw what the source would.
    """
    state = None if target is None else source.get_state()
    estimator.__dict__ = attributes
    if target is not None:
        target.set_state(state)
