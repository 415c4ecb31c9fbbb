"""FASTNN_INSTRUCTIONS: which instruction sets may be used.

The tests of what is computed run under each value: ``make test-instructions``.
"""

import json
import os

import numpy as np
import pytest
from forks import run_forked

from fastnn.engine.cpu.precision import matrix_unit
from fastnn.plan.tables import INSTRUCTION_SET, INSTRUCTION_SETS

CHILD = """
import json
import numpy as np
import fastnn
from fastnn.engine.cpu.precision import matrix_unit
from fastnn.plan.tables import INSTRUCTION_LIMIT, INSTRUCTION_SET
X = np.random.default_rng(0).normal(size=(200, 40))
layers = [fastnn.layers.Dense(33, "gelu"), fastnn.layers.BatchNorm()]
network = fastnn.Sequential(layers)
model = fastnn.NeuralNetRegressor(network, epochs=3, dtype="float64", random_state=0)
predictions = model.fit(X, X[:, 0]).predict(X).tolist()
units = matrix_unit("bf16"), matrix_unit("high")
print(json.dumps([INSTRUCTION_LIMIT, INSTRUCTION_SET, units, predictions]))
"""
MATRIX_UNITS = {"avx512_bf16": "AVX512-BF16", "amx": "AMX"}


# What fastnn imports of others, which has nothing to do with a limit.
OTHERS = ["scipy.sparse.linalg", "sklearn.metrics", "sklearn.model_selection"]
OTHERS += ["sklearn.neural_network", "sklearn.pipeline"]


def later(one, other):
    """Whether an instruction set comes after another."""
    return INSTRUCTION_SETS.index(one) > INSTRUCTION_SETS.index(other)


WRONG = ["avx", "AVX2", "amx,avx2"]


@pytest.fixture(scope="module")
def children():
    """What comes of each limit."""
    code = dict.fromkeys(("", *INSTRUCTION_SETS), CHILD)
    code |= dict.fromkeys(WRONG, "import fastnn")
    return run_forked(
        OTHERS,
        {limit: (each, {"FASTNN_INSTRUCTIONS": limit}) for limit, each in code.items()},
    )


@pytest.fixture(scope="module")
def unlimited(children):
    return json.loads(children[""].stdout)


@pytest.mark.parametrize("limit", INSTRUCTION_SETS)
def test_a_limit_holds(limit, children, unlimited):
    done = children[limit]
    assert done.returncode == 0, done.stderr
    named, level, units, predictions = json.loads(done.stdout)
    assert named == limit
    assert level == (limit if later(unlimited[1], limit) else unlimited[1])
    for unit, best in zip(units, unlimited[2], strict=True):
        allowed = [
            MATRIX_UNITS[each] for each in MATRIX_UNITS if not later(each, limit)
        ]
        assert unit in (*allowed, None)
        assert unit == best or best not in allowed
    # To rounding it is one model.
    np.testing.assert_allclose(predictions, unlimited[3], rtol=0, atol=1e-9)


def test_without_a_limit_there_is_the_last_set(unlimited):
    assert unlimited[0] == INSTRUCTION_SETS[-1]
    if not os.environ.get("FASTNN_INSTRUCTIONS"):
        assert unlimited[1] == INSTRUCTION_SET
        assert unlimited[2] == [matrix_unit("bf16"), matrix_unit("high")]


@pytest.mark.parametrize("limit", WRONG)
def test_other_names_are_refused(limit, children):
    done = children[limit]
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith(
        "ValueError: the environment variable FASTNN_INSTRUCTIONS"
    )
    assert message.endswith(
        f"('baseline', 'avx2', 'avx512', 'avx512_bf16', 'amx'), got '{limit}'"
    )
