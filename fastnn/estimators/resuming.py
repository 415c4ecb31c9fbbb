"""Where a call of ``fit`` or ``partial_fit`` begins: afresh, or where one ended."""

import copy
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from fastnn.estimators.fitted import FittedNetwork
from fastnn.optimizers import Optimizer
from fastnn.training.state import OptimizerState, TrainingState


def source_of_draws(
    estimator: Any, previous: FittedNetwork | None, incremental: bool
) -> tuple[np.random.RandomState, np.random.RandomState | None]:
    """Source of this call's draws, and the one that it stands in for.

    A call that fails has drawn nothing, so that it draws from a copy of what others
    draw from. NumPy's own source is everybody's, and no copy of it is made.
    """
    state: TrainingState | None = vars(estimator).get("_training_state")
    if not (incremental and previous is not None and state is not None):
        source = check_random_state(estimator.random_state)
        if source is not estimator.random_state:
            return source, None
    elif state.random_state is not estimator.random_state:
        return state.random_state, None
    else:
        source = state.random_state
    return copy.deepcopy(source), source


def start_state(
    estimator: Any,
    fitted: FittedNetwork,
    previous: FittedNetwork | None,
    random_state: np.random.RandomState,
    incremental: bool,
) -> Any:
    """State to train from, as scikit-learn keeps it.

    A fresh fit starts anew. partial_fit goes on where the last call stopped.
    A warm start goes on with the curves, but with a new optimizer.
    """
    optimizer = estimator._describe_optimizer()
    state: TrainingState | None = vars(estimator).get("_training_state")
    if previous is None or state is None:
        return estimator._training_state_type(
            OptimizerState.start(optimizer, fitted.weights), random_state
        )
    state = state.moved(fitted.move_from(previous))
    if not incremental:
        return state.resume(
            OptimizerState.start(optimizer, fitted.weights), random_state
        )
    # Those that are made of names and numbers have been checked with these.
    for given in vars(estimator).get("optimizer"), vars(estimator).get("solver"):
        if isinstance(given, Optimizer):
            given.check()
    changed = state.optimizer.resume(optimizer, fitted.weights)
    if random_state is state.random_state:
        return state.continued(changed)
    return state.resume(changed, random_state)
