"""What two, three and four threads do together, in a build of instrument.py.

ThreadSanitizer looks on: that the calls come to their end is all that is asked here.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from interruptions import (
    _alarm_is_ctrl_c,
    _small_jobs_use_threads,
    call_interrupted,
)
from models import CALLS, FORMS, MODELS, cases, fit, predict

__all__ = ["_alarm_is_ctrl_c", "_small_jobs_use_threads"]

pytestmark = [
    pytest.mark.usefixtures("_small_jobs_use_threads"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
# Not with lbfgs, whose searches end where rounding says.
SEVERAL = [name for name in MODELS if not name.startswith("lbfgs")]


@pytest.mark.parametrize("n_jobs", [2, 4])
@pytest.mark.parametrize(("name", "call", "form"), cases(MODELS))
def test_one_call_with_helpers(name, call, form, n_jobs):
    model = fit(MODELS[name]().set_params(n_jobs=n_jobs), FORMS[form])
    call(model, FORMS[form])


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("name", SEVERAL)
def test_several_calls_at_a_time(name, n_jobs):
    model = fit(MODELS[name]().set_params(n_jobs=n_jobs), FORMS["dense"])
    expected = predict(model, FORMS["dense"])

    def work(call):
        return call(MODELS[name]().set_params(n_jobs=n_jobs), FORMS["dense"])

    with ThreadPoolExecutor(4) as pool:
        fits = [pool.submit(work, fit) for _ in range(4)]
        predictions = [pool.submit(predict, model, FORMS["dense"]) for _ in range(8)]
    for each in predictions:
        np.testing.assert_array_equal(each.result(), expected)
    for each in fits:
        np.testing.assert_array_equal(
            each.result()._fitted.parameters, model._fitted.parameters
        )


@pytest.mark.usefixtures("_alarm_is_ctrl_c")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["threads", "meetings", "custom loss"])
def test_interrupted_calls(name, call):
    model = fit(MODELS[name]().set_params(n_jobs=3), FORMS["dense"])

    def calls():
        end = time.monotonic() + 0.04
        while time.monotonic() < end:
            call(model, FORMS["dense"])

    for seconds in np.random.default_rng(0).uniform(0, 0.03, 20):
        call_interrupted(seconds, calls)
