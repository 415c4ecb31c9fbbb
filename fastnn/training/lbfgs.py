"""Full-batch training by SciPy's L-BFGS-B over the engine's loss and gradient."""

import math
import warnings
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize
from sklearn.exceptions import ConvergenceWarning

from fastnn.engine.cpu.blas_threads import call_with_blas_held
from fastnn.engine.device import Device
from fastnn.engine.engine import Engine
from fastnn.engine.snapshot import all_finite
from fastnn.engine.threads import find_blas
from fastnn.exceptions import NotFiniteError
from fastnn.plan.records import Plan


class Objective:
    """Penalised mean loss of a data set as a function of the flat parameters.

    The value is ``(sum of losses + alpha / 2 * sum(w ** 2)) / sum of weights + l2 *
    sum(w ** 2)``, where a loss of several outputs is summed over them: that is what the
    gradient belongs to, and a line search needs the two to agree.

    Parameters
    ----------
    engine : Engine
        Entered by the caller.
    plan : Plan
    parameters : ndarray of shape (n_parameters,), dtype float64
        The buffer that the engine reads.

    Attributes
    ----------
    running : ndarray of shape (n_parameters,)
        Weight of the samples' statistics in running ones; 0 for other parameters.
    reported : float
        The last value in the normalisation of :meth:`Engine.epoch`, where the squared
        error is a mean over outputs.

    Raises
    ------
    ValueError
        If the plan asks for what L-BFGS-B cannot do.
    """

    def __init__(self, engine: Engine, plan: Plan, parameters: NDArray[np.float64]):
        self._engine = engine
        self._parameters = parameters
        self._blocks = plan.blocks[plan.blocks["trainable"] == 1]
        if self._blocks["l1"].any():
            raise ValueError(
                "lbfgs needs a loss with a slope everywhere, and abs(w) has none at 0: "
                "regularize with L2, or train with another solver."
            )
        if self._blocks["max_norm"].any():
            raise ValueError(
                "lbfgs takes no steps after which a norm could be limited: leave "
                "kernel_constraint None, or train with another solver."
            )
        if len(plan.row_gradients):
            raise ValueError(
                "lbfgs needs the gradient of all parameters, and that of a table is "
                "rows here: set sparse_gradient=False of the Embedding, or train with "
                "another solver."
            )
        self.running = np.zeros_like(parameters)
        for block in plan.blocks:
            self.running[_place(block)] = block["running"]
        self.reported = math.nan
        self._first = math.nan

    def first_loss(self) -> float:
        """The first value, of the samples that have been looked at; NaN without any."""
        if math.isnan(self._first):
            reported, weight = self._engine.partial_loss()
            if weight > 0:
                return (reported + self._engine.penalty(weight)) / weight
        return self._first

    def __call__(self, point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Value and gradient at a point.

        It becomes the parameters, but for running statistics: these become those of
        all samples.
        """
        np.copyto(self._parameters, point)
        loss, reported, weight = self._engine.gradient()
        penalty = self._engine.penalty(weight)
        self.reported = (reported + penalty) / weight
        if math.isnan(self._first):
            self._first = self.reported
        gradients = self._engine.gradients
        gradient = gradients.copy()
        for block in self._blocks:
            at = _place(block)
            gradient[at] += (block["penalty"] + 2 * block["l2"] * weight) * point[at]
        gradient /= weight
        moved = self.running > 0
        self._parameters[moved] = gradients[moved] / self.running[moved]
        gradient[moved] = 0
        return (loss + penalty) / weight, gradient


def _place(block: np.void) -> slice:
    return slice(block["offset"], block["offset"] + block["size"])


def fit_lbfgs(
    plan: Plan,
    parameters: NDArray[np.float64],
    X: Any,
    y: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    *,
    max_iter: int,
    max_fun: int,
    tol: float,
    verbose: bool,
    n_threads: int | None,
    device: Device | None = None,
) -> tuple[float, int]:
    """Minimise the penalised loss over all samples.

    Parameters
    ----------
    plan : Plan
    parameters : ndarray of shape (n_parameters,), dtype float64
        Starting point; changed in place into the solution.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_columns)
        Encoded targets.
    sample_weight : ndarray of shape (n_samples,) or None
    max_iter, max_fun : int
        Most iterations and most evaluations of the objective.
    tol : float
        Training stops when no component of the gradient is larger.
    verbose : bool
        Whether to print a line per iteration.
    n_threads : int or None
    device : Device, default=None
        See :class:`fastnn.engine.engine.Engine`.

    Returns
    -------
    loss : float
        Loss at the solution, penalty included; the squared error is a mean over
        outputs, as scikit-learn reports it.
    n_iter : int
        Number of iterations.

    Raises
    ------
    ValueError
        When the solution or its loss is not finite.
    KeyboardInterrupt
        When the user interrupts before any sample has been looked at.

    Warns
    -----
    ConvergenceWarning
        When L-BFGS-B stops for another reason than convergence.
    UserWarning
        When the user interrupts: the last iterate is the solution then, and before the
        first one the starting point.
    """
    engine = Engine(
        plan,
        parameters,
        X,
        y,
        sample_weight,
        batch_size=X.shape[0],
        n_threads=n_threads,
        device=device,
    )
    find_blas()
    objective = Objective(engine, plan, parameters)
    n_iter, last, loss = 0, parameters.copy(), math.nan

    def record(point: NDArray[np.float64]) -> None:
        nonlocal n_iter, loss
        n_iter, loss = n_iter + 1, objective.reported
        np.copyto(last, point)
        # What was evaluated last is where the line search has ended.
        np.copyto(last, parameters, where=objective.running > 0)
        if verbose:
            print(f"Iteration {n_iter}, loss = {objective.reported:.8f}")

    with engine, np.errstate(over="ignore", invalid="ignore"):
        try:
            # Its own arithmetic is small, and would wake BLAS' threads all the time.
            result = call_with_blas_held(
                partial(
                    minimize,
                    objective,
                    parameters.copy(),
                    method="L-BFGS-B",
                    jac=True,
                    callback=record,
                    options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
                )
            )
            objective(result.x)
        except KeyboardInterrupt:
            if not n_iter:
                loss = objective.first_loss()
            if math.isnan(loss):
                raise
            warnings.warn("Training interrupted by user.", stacklevel=2)
            np.copyto(parameters, last)
            return loss, n_iter
    if not (np.isfinite(objective.reported) and all_finite(parameters)):
        raise NotFiniteError
    _warn_unless_converged(result, max_iter)
    return objective.reported, min(result.nit, max_iter)


def _warn_unless_converged(result: OptimizeResult, max_iter: int) -> None:
    if result.status == 0:
        return
    advice = "Scale the data (for example with StandardScaler)"
    if result.nit >= max_iter:
        advice += f", or raise max_iter (now {max_iter})"
    warnings.warn(
        f"lbfgs failed to converge after {result.nit} iterations "
        f"(status {result.status}: {result.message}). {advice}.",
        ConvergenceWarning,
        stacklevel=2,
    )
