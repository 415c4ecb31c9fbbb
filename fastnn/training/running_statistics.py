"""Running statistics of weights that no step has left behind, such as an average."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.device import Device
from fastnn.engine.engine import Engine
from fastnn.engine.snapshot import all_finite
from fastnn.exceptions import NotFiniteError
from fastnn.plan.records import Plan
from fastnn.plan.tables import MASK_STEP, N_SCALARS


def refresh_statistics(
    plan: Plan,
    parameters: NDArray,
    X: Any,
    y: NDArray,
    *,
    batch_size: int,
    n_threads: int | None,
    device: Device | None = None,
) -> None:
    """Set running statistics to the means of those of all mini-batches.

    The average of several sets of weights has other statistics than the average of
    theirs: Izmailov et al., "Averaging weights leads to wider optima and better
    generalization", UAI 2018, section 3.2.

    Parameters
    ----------
    plan : Plan
        A plan without running statistics takes no pass over the samples.
    parameters : ndarray of shape (n_parameters,)
        Changed in place.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_columns)
        Encoded targets, of the dtype of the parameters.
    batch_size : int
    n_threads : int or None
    device : Device, default=None
        See :class:`fastnn.engine.engine.Engine`.

    Raises
    ------
    NotFiniteError
        If the type of the parameters cannot hold them.
    """
    blocks = plan.blocks[plan.blocks["running"] > 0]
    if not len(blocks):
        return
    n_samples = y.shape[0]
    sums = np.zeros(plan.n_gradients)
    options: dict[str, Any] = {
        "batch_size": batch_size,
        "n_threads": n_threads,
        "device": device,
    }
    with Engine(plan, parameters, X, y, **options) as engine:
        for first in range(0, n_samples, batch_size):
            rows = np.arange(first, min(first + batch_size, n_samples), dtype=np.intp)
            scalars = np.zeros(N_SCALARS)
            scalars[MASK_STEP] = first // batch_size
            engine.gradient(rows, scalars)
            sums += len(rows) / n_samples * engine.gradients
    for block in blocks:
        at = slice(block["offset"], block["offset"] + block["size"])
        # A batch has them multiplied by the momentum.
        parameters[at] = sums[at] / block["running"]
        if not all_finite(parameters[at]):
            raise NotFiniteError
