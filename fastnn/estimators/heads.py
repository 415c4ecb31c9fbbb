"""What heads of a network are asked for: their targets, losses and output layers."""

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone

from fastnn.estimators import class_losses, regression
from fastnn.estimators.data.heads import (
    HeadTargets,
    HeadValues,
    OneTarget,
    check_head,
    columns_of_heads,
    container_of,
    naming_head,
    with_samples,
)
from fastnn.estimators.data.missing import array_of, is_missing, without_value
from fastnn.estimators.data.targets import RegressionTargets, class_targets
from fastnn.estimators.output_layer import (
    give_outputs_of_numbers,
    give_raw_outputs,
    say_by_parts,
)
from fastnn.layers.base import Part
from fastnn.losses import CustomLoss, Loss
from fastnn.network import Graph, Heads, Sequential
from fastnn.utils.plain_numbers import Interval

_POSITIVE = Interval(Real, 0, None, closed="neither")
_CLASS_LOSSES = tuple(
    {type(each) for both in class_losses.LOSSES.values() for each in both}
)


def heads_of(network: Any) -> list[str]:
    """Names of the outputs of a network; none where it has one, without a name."""
    if isinstance(network, Heads):
        return [name for name, _ in network.named_parts()]
    if isinstance(network, Graph) and len(network.output_names()) > 1:
        return network.output_names()
    if isinstance(network, Sequential | Graph) and network.many_outputs:
        return heads_of(_last_of(network)[1])
    return []


def _last_of(network: Sequential | Graph) -> tuple[str, Part]:
    """Name and part at the end of a network that gives what that gives."""
    if isinstance(network, Graph):
        (name,) = network.output_names()
        return name, dict(network.named_parts())[name]
    return network.named_parts()[-1]


def with_outputs(network: Any, targets: HeadTargets) -> Any:
    """A copy of a network of several outputs, each of which ends as its loss reads it.

    Parameters
    ----------
    network : Part
        What the user describes.
    targets : HeadTargets

    Returns
    -------
    network : Part

    Raises
    ------
    ValueError
        If what a head ends in is its output layer, and does not fit.
    """
    network = clone(network)
    return _give_outputs(network, targets, network)


def _give_outputs(network: Any, targets: HeadTargets, whole: Part) -> Any:
    """As :func:`with_outputs`, of a part of a network that may be changed."""
    if not say_by_parts(network, whole):
        raise ValueError(
            f"a part of the {type(network).__name__} with trainable="
            f"{network.trainable} and learning_rate={network.learning_rate} stands "
            "elsewhere in the network too. Set both of its parts, so that output "
            "layers can be added which are trained."
        )
    if isinstance(network, Heads):
        heads = [
            (name, _completed(name, part, targets.heads[name], whole))
            for name, part in network.named_parts()
        ]
        return network.set_params(heads=heads)
    if isinstance(network, Graph) and len(network.output_names()) > 1:
        parts = dict(network.named_parts())
        for name, sources in network.reads().items():
            read = [source for source in sources if source in targets.heads]
            if read:
                raise ValueError(
                    f"node {name!r} reads {read[0]!r}, which is an output: what gets "
                    "an output layer is of no use to others. Give the output a node of "
                    f"its own, such as ('head', Sequential([]), {read[0]!r})."
                )
        return network.set_params(
            **{
                name: _completed(name, parts[name], each, whole)
                for name, each in targets.heads.items()
            }
        )
    name, last = _last_of(network)
    return network.set_params(**{name: _give_outputs(last, targets, whole)})


def _completed(name: str, part: Part, targets: OneTarget, whole: Part) -> Part:
    stack = part if isinstance(part, Sequential) else Sequential([part])
    complete = (
        give_outputs_of_numbers
        if isinstance(targets, RegressionTargets)
        else give_raw_outputs
    )
    with naming_head(name):
        return complete(stack, targets.n_outputs, targets.loss.link, whole)


def by_head(given: Any, heads: list[str], parameter: str) -> dict[str, Any]:
    """One of a parameter's values for each head that has one.

    Raises
    ------
    ValueError
        If it is no dict, or there is no head of a name.
    """
    found = {} if given is None else given
    if not isinstance(found, Mapping):
        raise ValueError(
            f"{parameter} must be a dict by the names of heads, which are {heads}, got "
            f"{given!r}."
        )
    unknown = [name for name in found if name not in heads]
    if unknown:
        raise ValueError(
            f"{parameter} names {unknown}, which are no heads of the network: these "
            f"are {heads}."
        )
    return dict(found)


def reads_numbers(head: str, loss: Any, values: Any) -> bool:
    """Whether a head is asked for numbers, and not for classes.

    Parameters
    ----------
    head : str
    loss : Loss, str or callable
        What the user says; "auto" if nothing.
    values : array-like
        Its targets, as they were passed.

    Raises
    ------
    ValueError
        If neither tells.
    """
    if isinstance(loss, str) and loss != "auto":
        if loss in class_losses.LOSSES or loss in regression.LOSSES:
            return loss in regression.LOSSES
        raise ValueError(
            f"the loss of head {head!r} must be 'auto', one of "
            f"{sorted([*class_losses.LOSSES, *regression.LOSSES])} or an object of "
            f"fastnn.losses, got {loss!r}."
        )
    if isinstance(loss, CustomLoss):
        return loss.link not in ("logistic", "softmax")
    if isinstance(loss, Loss):
        return not (isinstance(loss, _CLASS_LOSSES) or loss.reads_class_numbers)
    if not isinstance(loss, str) and not callable(loss):
        raise ValueError(
            f"the loss of head {head!r} must be 'auto', the name of a loss or an "
            f"object of fastnn.losses, got {loss!r}."
        )
    if hasattr(getattr(values, "dtype", None), "categories"):
        return False
    array = np.asarray(array_of(values))
    kind = array.dtype.kind
    if kind == "O":
        there = [each for each in array.ravel() if not is_missing(each)]
        kind = np.asarray(there).dtype.kind
    if kind in "iu":
        raise ValueError(
            f"the targets of head {head!r} are whole numbers, which may be classes or "
            f"numbers. Set loss={{{head!r}: 'log_loss'}} for classes, or "
            "'squared_error' for numbers."
        )
    if not isinstance(loss, str):
        raise ValueError(
            f"the loss of head {head!r} is a function, which does not tell whether its "
            "targets are classes or numbers. Pass fastnn.losses.CustomLoss(function, "
            "link), where link is 'softmax' or 'logistic' for classes and 'identity' "
            "for numbers."
        )
    return kind == "f"


def head_values(
    y: Any,
    losses: Mapping[str, Any],
    heads: list[str],
    previous: HeadTargets | None,
    name: str,
    numeric: Callable[[str, Any, Any], bool],
    *,
    batch: bool = False,
) -> HeadValues:
    """y of several heads, checked.

    Parameters
    ----------
    y : DataFrame, Targets or mapping
    losses : dict
        By head; the others have "auto".
    heads : list of str
    previous : HeadTargets or None
        What is known of the heads.
    name : str
        What the user calls y.
    numeric : callable
        Tells of a head, its loss and its values whether these are numbers.
    batch : bool, default=False
        Whether y is one batch of many, which may lack all targets of a head that is
        known, but not of all heads.
    """
    if previous is not None and set(previous.heads) != set(heads):
        raise ValueError(
            f"the network has the heads {heads}, but was trained with "
            f"{list(previous.heads)}. Leave them as they were, or call fit with "
            "warm_start=False."
        )
    values: dict[str, Any] = {}
    present: dict[str, Any] = {}
    numbers: dict[str, bool] = {}
    for head, given in columns_of_heads(y, heads, name).items():
        column = with_samples(given, f"{name}[{head!r}]")
        if previous is not None:
            numbers[head] = isinstance(previous.heads[head], RegressionTargets)
        else:
            numbers[head] = numeric(head, losses.get(head, "auto"), column)
        if batch and previous is not None and without_value(column).all():
            values[head] = _stand_ins(previous.heads[head], len(column))
            present[head] = np.zeros(len(column), bool)
            continue
        values[head], present[head] = check_head(
            head, column, name, numeric=numbers[head]
        )
    if len({len(each) for each in values.values()}) > 1:
        lengths = {head: len(each) for head, each in values.items()}
        raise ValueError(f"{name} has heads of unequal numbers of samples: {lengths}.")
    found = HeadValues(values, present, numbers, container_of(y))
    if all(map(found.lacks, heads)):
        raise ValueError(
            f"{name} has no targets: all of the {len(found)} samples lack those of all "
            f"heads, {heads}. Pass some."
        )
    return found


def _stand_ins(targets: OneTarget, n_samples: int) -> Any:
    """What stands where no sample of a batch has a target; nobody reads it."""
    if isinstance(targets, RegressionTargets):
        n_columns = targets.n_columns
        return np.ones(n_samples if n_columns == 1 else (n_samples, n_columns))
    return targets.decode(np.zeros((n_samples, targets.n_outputs)))


def head_targets(
    y: HeadValues,
    losses: Mapping[str, Any],
    weights: Mapping[str, Any],
    classes: Any,
    previous: HeadTargets | None,
) -> HeadTargets:
    """Targets of a fresh fit, or those that go on from previous ones, for checked y.

    What the classes of a head are, and their loss, stays as it was.
    """
    heads: dict[str, OneTarget] = {}
    for head in y.values:
        before: Any = None if previous is None else previous.heads[head]
        own, loss = y.of(head), losses.get(head, "auto")
        weight = weights.get(head, 1.0)
        if not _POSITIVE.is_satisfied_by(weight) or np.isinf(weight):
            raise ValueError(
                f"loss_weight of head {head!r} must be a finite number above 0, got "
                f"{weight!r}. Leave a head out that is not to be trained."
            )
        with naming_head(head):
            if y.numeric[head]:
                n_columns = 1 if own.ndim == 1 else own.shape[1]
                found: Any = RegressionTargets(
                    n_columns if before is None else before.n_columns,
                    regression.regression_loss(loss),
                )
                if not y.lacks(head):
                    found.check(own)
            elif before is not None:
                found = before
            else:
                known = None if classes is None else classes.get(head)
                found = class_targets(own, known, loss)
        heads[head] = found
    weights = {head: float(weights.get(head, 1.0)) for head in heads}
    return HeadTargets(heads, weights, y.container)
