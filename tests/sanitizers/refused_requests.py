"""Memory, locks and threads are refused one after another, in a build of instrument.py.

Whatever is refused, a call raises MemoryError or gives what it gives otherwise, and the
estimator, the process and its memory are as they were.
"""

import gc

import numpy as np
import pytest
from interruptions import _small_jobs_use_threads, curves_of, float_mode
from models import FORMS, MODELS, cases, fit
from refusals import LIBRARY, Refusals
from tasks import blas_threads, n_tasks, wait_for_tasks

__all__ = ["_small_jobs_use_threads"]

pytestmark = [
    pytest.mark.skipif(LIBRARY is None, reason="python tests/sanitizers runs it"),
    pytest.mark.usefixtures("_small_jobs_use_threads"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(params=["of the core", "of arrays"])
def refusals(request):
    """Refuses what the core asks for itself, or what NumPy asks for as well."""
    found = Refusals()
    if request.param == "of arrays":
        with found.of_arrays():
            yield found
    else:
        yield found


def state_of(model):
    """What a refused call leaves alone."""
    fitted = model._fitted
    curves = [[list(each) for each in of_kind] for of_kind in curves_of(model)]
    return id(fitted), fitted.parameters.tobytes(), curves, sorted(vars(model))


def outcome(result):
    return result if isinstance(result, np.ndarray) else result._fitted.parameters


@pytest.mark.parametrize(("name", "call", "form"), cases(MODELS))
def test_whatever_is_refused(name, call, form, refusals):
    data = FORMS[form]

    def fitted():
        return fit(MODELS[name]().set_params(n_jobs=2), data)

    expected = outcome(call(fitted(), data))  # what a thread keeps is there from now on
    model = fitted()
    refusals.count()
    call(model, data)
    n_requests = refusals.asked
    assert n_requests
    limits, mode, tasks = blas_threads(), float_mode(), n_tasks()
    del model
    gc.collect()
    assert wait_for_tasks(tasks)
    buffers, came = refusals.buffers, False
    for n in range(1, n_requests + 1):
        model = fitted()
        before, predictions = state_of(model), model.predict(data)
        refusals.refuse(n)
        try:
            result = call(model, data)
        except MemoryError as error:
            error.__traceback__ = None
            came = came or refusals.refused
            refusals.count()
            assert state_of(model) == before
            np.testing.assert_array_equal(model.predict(data), predictions)
        else:
            came = came or refusals.refused
            refusals.count()
            # Without a buffer for copies, products add up in another order.
            np.testing.assert_allclose(outcome(result), expected, rtol=1e-3, atol=1e-4)
            del result
        assert blas_threads() == limits
        assert float_mode() == mode
        del model
    gc.collect()
    assert came
    assert wait_for_tasks(tasks)
    assert refusals.buffers == buffers
