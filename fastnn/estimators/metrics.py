"""What the estimators of networks measure besides loss and score: scorers by name."""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import Parameter, signature
from typing import Any

from sklearn import config_context
from sklearn.metrics import check_scoring, get_scorer
from sklearn.metrics._scorer import _BaseScorer

from fastnn.utils.error_state import ignoring_errors

# What the history has of validation data without any metric.
TAKEN = ("loss", "score")


def metrics_by_name(
    metrics: Sequence[str | Callable], heads: Sequence[str] = ()
) -> dict[str, Any]:
    """Metrics by the names that the history has for them.

    Parameters
    ----------
    metrics : sequence of str or callable
        Names of scikit-learn's scorers, scorers, and functions ``(estimator, X, y)``.
    heads : sequence of str, default=()
        Names of the heads, of which there are loss and score too.

    Returns
    -------
    metrics : dict of str to str or callable

    Raises
    ------
    ValueError
        If one is neither a scorer's name nor callable, or its name is taken.
    """
    named: dict[str, Any] = {}
    taken = [*TAKEN, *(f"{each}_{head}" for each in TAKEN for head in heads)]
    for position, metric in enumerate(metrics):
        if isinstance(metric, str):
            name = _known(metric, position)
        elif callable(metric) and not isinstance(metric, type) and not _of_y(metric):
            name = _name(metric)
        else:
            raise ValueError(
                "metrics must hold names of scikit-learn's scorers, scorers, such as "
                "make_scorer(function) makes them, or functions (estimator, X, y), got "
                f"{metric!r} at position {position}."
            )
        if name in named or name in taken:
            what = "an earlier one" if name in named else "what is measured anyway"
            raise ValueError(
                f"metrics must have names of their own, got {name!r} at position "
                f"{position}, which is the name of {what}. Leave it out, or wrap it in "
                "a function of another name."
            )
        named[name] = metric
    return named


def measure(
    estimator: Any, metrics: dict[str, Any], X: Any, y: Any, weight: Any
) -> dict[str, float]:
    """What metrics say of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
    metrics : dict of str to str or callable
    X, y : array-like
        Samples that it has not been trained on.
    weight : ndarray of shape (n_samples,) or None
        For those metrics that take ``sample_weight``.

    Returns
    -------
    measured : dict of str to float

    Raises
    ------
    ValueError
        If a metric asks for a method that the estimator has not.
    TypeError
        If a metric returns something else than a number.
    """
    weighed = {} if weight is None else {"sample_weight": weight}
    scorers = {
        name: get_scorer(metric) if isinstance(metric, str) else metric
        for name, metric in metrics.items()
    }
    # scikit-learn's share predictions, and take weights where their functions do.
    shared = {n: each for n, each in scorers.items() if isinstance(each, _BaseScorer)}
    named = {n: each for n, each in shared.items() if isinstance(metrics[n], str)}
    made = {n: each for n, each in shared.items() if n not in named}
    measured: dict[str, Any] = {}
    if named:
        measured |= ignoring_errors(_taken, estimator, named, X, y, weighed)
    if made:  # maybe of functions of the user's
        measured |= _taken(estimator, made, X, y, weighed)
    for name in scorers.keys() - shared.keys():
        function = scorers[name]
        options = weighed if _takes_weights(function) else {}
        measured[name] = function(estimator, X, y, **options)
    return {name: _number(name, measured[name]) for name in scorers}


def _taken(
    estimator: Any, scorers: dict[str, Any], X: Any, y: Any, weighed: dict[str, Any]
) -> dict[str, Any]:
    """What scikit-learn's scorers say, from predictions that they share."""
    # What is routed in the code around the fit does not concern these calls.
    with config_context(enable_metadata_routing=False):
        scorer = check_scoring(estimator, scoring=scorers)
        try:
            return scorer(estimator, X, y, **weighed)
        except AttributeError as error:  # such as probabilities of a hinge loss
            raise ValueError(
                f"metrics={list(scorers)!r} cannot all be taken of this estimator: "
                f"{error}"
            ) from error


def _known(name: str, position: int) -> str:
    try:
        get_scorer(name)
    except ValueError as error:
        raise ValueError(
            f"{name!r} is not a valid name of a scorer, in metrics at position "
            f"{position}. sklearn.metrics.get_scorer_names() lists them."
        ) from error
    return name


def _of_y(metric: Any) -> bool:
    """Whether it is one of scikit-learn's functions of targets and predictions."""
    module = getattr(metric, "__module__", None) or ""
    return module.startswith("sklearn.metrics.") and not isinstance(metric, _BaseScorer)


def _name(metric: Any) -> str:
    """The name of a function, of an object's kind, or what a scorer says of itself."""
    while isinstance(metric, partial):
        metric = metric.func
    if isinstance(metric, _BaseScorer):
        return repr(metric)
    name = getattr(metric, "__name__", type(metric).__name__)
    return name.strip("<>")


def _takes_weights(function: Callable) -> bool:
    try:
        parameters = signature(function).parameters
    except (TypeError, ValueError):  # of compiled functions
        return False
    return "sample_weight" in parameters or any(
        each.kind is Parameter.VAR_KEYWORD for each in parameters.values()
    )


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"a metric must return one number, got {value!r} from {name!r}."
        ) from error
