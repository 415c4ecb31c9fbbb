"""How the backend of an engine is made, once all arguments have been checked."""

from typing import Any

from numpy.typing import NDArray

from fastnn.engine.backend import Backend
from fastnn.engine.chunks import ROW_ALIGNMENT, too_large
from fastnn.engine.cpu import engine as compiled
from fastnn.engine.cpu.blas import goes_to_blas
from fastnn.engine.cuda import DeviceEngine
from fastnn.engine.device import Device, DeviceArray, for_rows_that_fit
from fastnn.engine.threads import find_blas
from fastnn.engine.trained import Trained
from fastnn.plan.records import Plan
from fastnn.utils.error_state import of_the_user


def on_cpu(
    plan: Plan,
    tables: tuple[Any, ...],
    y: NDArray,
    sample_weight: NDArray | None,
    batch_size: int,
    capacity: int,
    n_threads: int,
    precision: str | None,
    trained: Trained,
    mixed: tuple[int, int, int] | None,
) -> compiled.Engine:
    """The compiled loops, with room for the activations of ``capacity`` rows.

    How samples are mixed, :func:`fastnn.engine.arguments.mixed_as` says.
    """
    if any(isinstance(table, DeviceArray) for table in tables):
        raise ValueError("X is on a device, and this engine computes on the CPU")
    state, average = trained.state, trained.average
    engine = compiled.Engine(
        plan.ops,
        plan.tensors,
        plan.blocks,
        plan.params,
        plan.row_gradients,
        plan.n_parameters,
        plan.n_gradients,
        plan.train_size,
        plan.train_sizes_of_steps,
        plan.statistic_size,
        tuple(map(of_the_user, plan.functions)),
        plan.inputs,
        trained.parameters.host,
        tables,
        y,
        sample_weight,
        batch_size,
        capacity,
        trained.rule,
        None if state is None else state.host,
        n_threads,
        precision,
        None if average is None else average.host,
        mixed,
    )
    if goes_to_blas(plan.largest_product() * batch_size):
        find_blas()
        engine.holds_blas = True
    return engine


def on_device(
    device: Device,
    plan: Plan,
    tables: tuple[Any, ...],
    y: NDArray,
    sample_weight: NDArray | None,
    batch_size: int,
    capacity: int,
    n_threads: int | None,
    precision: str | None,
    trained: Trained,
) -> Backend:
    """The kernels of a device, with room for ``capacity`` rows or as many as fit."""
    unit = capacity if plan.needs_whole_batches else ROW_ALIGNMENT
    try:
        return for_rows_that_fit(
            lambda rows: DeviceEngine(
                device, plan, tables, y, sample_weight, batch_size, rows,
                n_threads, trained.rule, precision, *trained.arrays,
            ),
            capacity,
            unit,
        )  # fmt: skip
    except MemoryError as error:
        raise too_large(plan, [*trained.arrays], unit, batch_size, error) from error
