"""Pictures of what happened during training."""

from collections.abc import Sequence
from itertools import count
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

# Where scikit-learn's tools keep the estimator that they fitted last.
_INNER = ("best_estimator_", "regressor_")


class LossCurveDisplay:
    """Loss curves of one fit, or of the folds of a cross-validation.

    Create it with :meth:`from_estimator` or :meth:`from_cv_results`; both draw at once.
    It needs matplotlib. scikit-learn's own perceptron can be drawn as well.

    Parameters
    ----------
    loss_curves : list of array-like of shape (n_epochs,)
        Training loss after each epoch, one curve per fit.

    validation_loss_curves : list of array-like of shape (n_epochs,), default=None
        Loss on the validation data after each epoch, one curve per fit.

    validation_scores : list of array-like of shape (n_epochs,), default=None
        Score on the validation data after each epoch, one curve per fit.

    name : str, default=None
        Name of the model in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the losses.

    score_ax_ : matplotlib Axes or None
        Axes of the validation scores, whose scale stands on the right.

    figure_ : matplotlib Figure
        Figure that holds both.

    lines_ : list of matplotlib Line2D
        Lines that were drawn. With several fits, those of the fits come before their
        mean.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from fastnn import LossCurveDisplay, MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier(early_stopping=True, random_state=0).fit(X, y)
    >>> LossCurveDisplay.from_estimator(model)
    <...>
    >>> plt.close()  # or plt.show()
    """

    def __init__(
        self,
        *,
        loss_curves: Sequence[ArrayLike],
        validation_loss_curves: Sequence[ArrayLike] | None = None,
        validation_scores: Sequence[ArrayLike] | None = None,
        name: str | None = None,
    ):
        self.loss_curves = loss_curves
        self.validation_loss_curves = validation_loss_curves
        self.validation_scores = validation_scores
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, name: str | None = None, **kwargs: Any
    ) -> Self:
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted by an iterative solver ("sgd" or "adam"), or a pipeline that ends in
            such an estimator, or a search that has found one.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Several models can share it.

        name : str, default=None
            Name of the model in the legend.

        **kwargs
            Passed to matplotlib's ``plot`` for every line.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If ``estimator`` is not fitted.
        ValueError
            If it has no ``loss_curve_``.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_iris
        >>> from fastnn import LossCurveDisplay, MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> _, ax = plt.subplots()
        >>> for rate in (0.01, 0.1):
        ...     model = MLPClassifier(learning_rate_init=rate, random_state=0).fit(X, y)
        ...     display = LossCurveDisplay.from_estimator(model, ax=ax, name=f"{rate}")
        >>> plt.close()  # or plt.show()
        """
        return cls._from_fits([estimator], name).plot(ax, **kwargs)

    @classmethod
    def from_cv_results(
        cls, cv_results: dict, *, ax: Any = None, name: str | None = None, **kwargs: Any
    ) -> Self:
        """Draw the curves of all folds of a cross-validation, and their mean.

        Parameters
        ----------
        cv_results : dict
            Returned by :func:`sklearn.model_selection.cross_validate` with
            ``return_estimator=True``.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Several models can share it.

        name : str, default=None
            Name of the model in the legend.

        **kwargs
            Passed to matplotlib's ``plot`` for every line.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``cv_results`` has no estimators, or one of them has no ``loss_curve_``.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.model_selection import cross_validate
        >>> from fastnn import LossCurveDisplay, MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier(learning_rate_init=0.1, random_state=0)
        >>> cv_results = cross_validate(model, X, y, return_estimator=True)
        >>> LossCurveDisplay.from_cv_results(cv_results)
        <...>
        >>> plt.close()  # or plt.show()
        """
        if "estimator" not in cv_results:
            raise ValueError(
                f"cv_results must have the key 'estimator', got {sorted(cv_results)}. "
                "Pass return_estimator=True to cross_validate."
            )
        return cls._from_fits(cv_results["estimator"], name).plot(ax, **kwargs)

    @classmethod
    def _from_fits(cls, estimators: Sequence[Any], name: str | None) -> Self:
        check_matplotlib_support(cls.__name__)
        models = [_innermost(estimator) for estimator in estimators]
        for model in models:
            if getattr(model, "loss_curve_", None) is None:
                raise ValueError(
                    f"{model!r} has no loss_curve_. Fit it with solver='adam' or "
                    "'sgd': solver='lbfgs' has no epochs."
                )

        def collect(attribute: str) -> list | None:
            curves = [getattr(model, attribute, None) for model in models]
            return None if any(curve is None for curve in curves) else curves

        return cls(
            loss_curves=[model.loss_curve_ for model in models],
            validation_loss_curves=collect("validation_loss_curve_"),
            validation_scores=collect("validation_scores_"),
            name=name,
        )

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        name : str, default=None
            Name of the model in the legend; None means the one of the constructor.

        **kwargs
            Passed to matplotlib's ``plot`` for every line.

        Returns
        -------
        display : LossCurveDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if ax is None:
            # An optional package that is slow to import: not for those who do not plot.
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.score_ax_ = None
        self.lines_: list[Any] = []
        name = self.name if name is None else name
        prefix = ""
        if name is not None:
            # Models are told apart by colour, and their lines by style.
            prefix = f"{name}: "
            kwargs = {"color": _next_color(ax)} | kwargs

        self._draw(ax, self.loss_curves, f"{prefix}training loss", kwargs)
        if self.validation_loss_curves is not None:
            self._draw(
                ax,
                self.validation_loss_curves,
                f"{prefix}validation loss",
                {"linestyle": "-." if name is not None else "-"} | kwargs,
            )
        if self.validation_scores is not None:
            self.score_ax_ = _right_axes(ax)
            self.score_ax_.set_ylabel("Validation score")
            self._draw(
                self.score_ax_,
                self.validation_scores,
                f"{prefix}validation score",
                {"linestyle": "--"} | kwargs,
            )
        ax.set(xlabel="Epoch", ylabel="Loss")
        ax.xaxis.get_major_locator().set_params(integer=True)
        _add_legend(ax)
        return self

    def _draw(
        self, ax: Any, curves: Sequence[ArrayLike], label: str, style: dict[str, Any]
    ) -> None:
        style = {"color": _next_color(ax)} | style
        values = [np.asarray(curve, dtype=float) for curve in curves]
        if len(values) > 1:
            faint = style | {"alpha": 0.4, "linewidth": 1.0, "label": "_fold"}
            for value in values:
                self.lines_ += ax.plot(np.arange(1, len(value) + 1), value, **faint)
            # As far as all go: beyond that, a mean of the rest would jump.
            n_epochs = min(map(len, values))
            mean = np.mean([value[:n_epochs] for value in values], axis=0)
            values = [mean]
            label += f" (mean of {len(curves)})"
        epochs = np.arange(1, len(values[0]) + 1)
        self.lines_ += ax.plot(epochs, values[0], **({"label": label} | style))


def _innermost(estimator: Any) -> Any:
    """The model inside pipelines, searches and regressors of transformed targets."""
    check_is_fitted(estimator)
    for attribute in _INNER:
        if hasattr(estimator, attribute):
            return _innermost(getattr(estimator, attribute))
    return _innermost(estimator[-1]) if hasattr(estimator, "steps") else estimator


def _overlaid(ax: Any) -> list[Any]:
    """All axes that lie on top of each other, ``ax`` among them."""
    axes = ax.get_shared_x_axes().get_siblings(ax)
    return [each for each in axes if each.bbox.bounds == ax.bbox.bounds]


def _next_color(ax: Any) -> str:
    """First colour of the cycle that no line of ``ax`` has, or those on top of it."""
    used = {line.get_color() for each in _overlaid(ax) for line in each.lines}
    return next(name for n in count() if (name := f"C{n}") not in used)


def _right_axes(ax: Any) -> Any:
    """Axes over ``ax`` with a scale of their own on the right, new or already there."""
    others = [each for each in _overlaid(ax) if each is not ax]
    return others[0] if others else ax.twinx()


def _add_legend(ax: Any) -> None:
    overlaid = sorted(_overlaid(ax), key=lambda axes: axes is not ax)
    handles = [
        line for axes in overlaid for line in axes.get_legend_handles_labels()[0]
    ]
    # The last axes are drawn on top. Losses fall and scores rise: between is room.
    place = "best" if len(overlaid) == 1 else "center right"
    overlaid[-1].legend(handles=handles, loc=place)
