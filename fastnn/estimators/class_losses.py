"""The losses of classifiers: which one a kind of targets calls for."""

from typing import Any

from sklearn.base import clone

from fastnn.losses import (
    BinaryFocal,
    CrossEntropies,
    CrossEntropy,
    CustomLoss,
    Focal,
    Hinge,
    LogLoss,
    Loss,
    MultiMargin,
    SquaredHinge,
)
from fastnn.plan.records import CustomFunction
from fastnn.utils.plain_numbers import plain, plain_number

# What a classifier can minimise, by name: of a yes-or-no output, and of one output for
# each of several classes.
LOSSES: dict[str, tuple[Loss, Loss]] = {
    "log_loss": (LogLoss(), CrossEntropy()),
    "focal": (BinaryFocal(), Focal()),
    "hinge": (Hinge(), MultiMargin()),
    "squared_hinge": (SquaredHinge(), MultiMargin(power=2)),
}


def losses_of_name(name: str) -> tuple[Loss, Loss]:
    """What a name means for a yes-or-no output, and for several classes.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    name = "log_loss" if name == "auto" else name
    if name not in LOSSES:
        raise ValueError(
            f"loss must be 'auto', one of {sorted(LOSSES)} or an object of "
            f"fastnn.losses, got {name!r}."
        )
    return LOSSES[name]


def class_loss(
    loss: Loss | str | CustomFunction, kind: str, *, output_per_class: bool = False
) -> Loss:
    """The loss of a classifier for one column of targets, or a row of labels.

    Parameters
    ----------
    loss : Loss, str or callable
        "auto" is the log loss, and a function that of a :class:`CustomLoss`.
    kind : {"binary", "multiclass", "multilabel-indicator"}
    output_per_class : bool, default=False
        Whether the network has an output for each class, which a softmax makes exclude
        each other. Two classes then have two, where a name leaves that open.

    Raises
    ------
    ValueError
        If the loss does not suit the targets.
    """
    if kind == "multilabel-indicator" and output_per_class:
        raise ValueError(
            "y is a label indicator matrix of 0 and 1, in whose rows any number of "
            "labels may be 1, but the network ends in a softmax, of which one is true. "
            "If y is one-hot, pass the number of each row's class, y.argmax(axis=1); "
            "if not, leave the softmax out."
        )
    if isinstance(loss, str):
        one, several = losses_of_name(loss)
        several_asked = kind == "binary" and output_per_class
        return clone(several if kind == "multiclass" or several_asked else one)
    if not isinstance(loss, Loss):
        if kind == "multiclass" or output_per_class:
            return CustomLoss(loss, "softmax", target_columns=1)
        return CustomLoss(loss, "logistic")
    name = type(loss).__name__
    if isinstance(loss, CrossEntropies):
        raise ValueError(
            f"loss={name} is for several columns of classes, and y has one. Use "
            "CrossEntropy()."
        )
    if loss.link == "softmax" and not loss.reads_class_numbers:
        raise ValueError(
            f"loss={name} reads shares of classes, a column for each, and y of a "
            'classifier holds labels. Use loss="auto" or CrossEntropy(), with '
            "y.argmax(axis=1) in place of one-hot rows, or a NeuralNetRegressor for "
            "shares. A CustomLoss of class numbers needs target_columns=1."
        )
    if kind == "multiclass" and not loss.reads_class_numbers:
        raise ValueError(
            f"loss={name} has one output for two classes, or for each label, but y has "
            'more than two classes. Use loss="auto", or CrossEntropy(), Focal(), '
            'MultiMargin() or CustomLoss(function, link="softmax", target_columns=1).'
        )
    if kind == "multilabel-indicator" and loss.reads_class_numbers:
        raise ValueError(
            f"loss={name} is for classes that exclude each other, but y has a column "
            'for each of several labels. Use loss="auto", or LogLoss(), BinaryFocal(), '
            "Hinge() or SquaredHinge(); for one-hot rows, pass y.argmax(axis=1)."
        )
    # A copy, because the description of a trained network does not change.
    return plain(clone(loss))


def columns_loss(
    loss: Loss | str | CustomFunction, n_classes: list[int]
) -> CrossEntropies:
    """The loss of a classifier for several columns of classes.

    Raises
    ------
    ValueError
        If it is not a cross-entropy.
    """
    smoothing: Any = 0.0
    if isinstance(loss, CrossEntropy):
        smoothing = plain_number(loss.label_smoothing)
    elif loss not in ("auto", "log_loss"):
        raise ValueError(
            "several columns of classes can be trained with the cross-entropy only, "
            f'got loss={loss!r}. Use loss="auto" or CrossEntropy(label_smoothing=...).'
        )
    return CrossEntropies(n_classes, smoothing)
