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
from fastnn.plan import CustomFunction

# What a classifier can minimise, by name: of a yes-or-no output, and of one output for
# each of several classes.
LOSSES: dict[str, tuple[Loss, Loss]] = {
    "log_loss": (LogLoss(), CrossEntropy()),
    "focal": (BinaryFocal(), Focal()),
    "hinge": (Hinge(), MultiMargin()),
    "squared_hinge": (SquaredHinge(), MultiMargin(power=2)),
}


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
        Whether two classes shall have two outputs, where a name leaves that open.

    Raises
    ------
    ValueError
        If the loss does not suit the targets.
    """
    if isinstance(loss, str):
        one, several = LOSSES["log_loss" if loss == "auto" else loss]
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
    return clone(loss)


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
        smoothing = loss.label_smoothing
    elif loss not in ("auto", "log_loss"):
        raise ValueError(
            "several columns of classes can be trained with the cross-entropy only, "
            f'got loss={loss!r}. Use loss="auto" or CrossEntropy(label_smoothing=...).'
        )
    return CrossEntropies(n_classes, smoothing)
