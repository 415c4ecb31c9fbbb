"""Targets that can be mixed with those of other samples."""

from fastnn.estimators.data.class_targets import ClassTargets, ColumnsOfClasses
from fastnn.estimators.data.heads import HeadTargets, HeadValues, naming_head
from fastnn.estimators.data.targets import Targets
from fastnn.losses import (
    BinaryFocal,
    CrossEntropy,
    Hinge,
    LogLoss,
    Loss,
    SoftCrossEntropy,
    SquaredHinge,
)
from fastnn.mixing import Mixing


def that_mix(targets: Targets, mixing: Mixing) -> Targets:
    """The same targets, as probabilities where they are classes.

    Raises
    ------
    ValueError
        If the loss cannot read those, or anything between two targets.
    """
    if isinstance(targets, ColumnsOfClasses):
        raise ValueError(
            f"mixing={mixing!r} mixes one column of classes, or labels, and y has "
            "several columns of classes. Set mixing=None."
        )
    if not isinstance(targets, ClassTargets):
        if isinstance(targets.loss, BinaryFocal | Hinge | SquaredHinge):
            raise _unmixable(targets.loss, mixing, "targets of 0 and 1", "LogLoss()")
        return targets
    loss = targets.loss
    if isinstance(loss, CrossEntropy):
        return targets.with_loss(SoftCrossEntropy(loss.label_smoothing))
    if not isinstance(loss, LogLoss | SoftCrossEntropy):
        raise _unmixable(loss, mixing, "whole classes", "the log loss, loss='auto'")
    return targets


def heads_that_mix(targets: HeadTargets, y: HeadValues, mixing: Mixing) -> HeadTargets:
    """The same of several heads, for targets of which none is missing.

    Raises
    ------
    ValueError
        If one of the losses cannot read them, or a sample lacks a target, which has
        nothing to be mixed with.
    """
    heads = {}
    for name, each in targets.heads.items():
        with naming_head(name):
            if y.present[name] is not None:
                raise ValueError(
                    f"mixing={mixing!r} mixes the targets of all samples, and some of "
                    "y are missing. Leave these samples out, or set mixing=None."
                )
            heads[name] = that_mix(each, mixing)
    weights = {name: weight for name, _, weight in targets.loss.losses}
    return HeadTargets(heads, weights, targets.container)


def _unmixable(loss: Loss, mixing: Mixing, what: str, instead: str) -> ValueError:
    return ValueError(
        f"mixing={mixing!r} gives samples targets between those of two, and "
        f"loss={loss!r} needs {what}. Use {instead}, or set mixing=None."
    )
