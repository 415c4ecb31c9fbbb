"""Threads with stacks as small as scikit-learn is content with, and short memory."""

import ctypes
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from forks import run_forked

CSRC = Path(__file__).resolve().parents[2] / "csrc"

# Every kind of op, in both precisions, on threads of this size and on their helpers.
CHILD = """
import threading, warnings
import numpy as np
from scipy import sparse
from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier, Sequential
from fastnn.averaging import EMA
from fastnn.constraints import MaxNorm
from fastnn.layers import (
    BatchNorm, Dense, Dropout, GaussianNoise, LayerNorm, PReLU,
)
from fastnn.optimizers import Adam
from fastnn.regularizers import L1L2

warnings.simplefilter("ignore")
import fastnn.engine.engine
fastnn.engine.engine.OPERATIONS_PER_THREAD = 1
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 70))
y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
layers = [
    GaussianNoise(0.1),
    Dense(67, "gelu", kernel_regularizer=L1L2(1e-3), kernel_constraint=MaxNorm(2.0)),
    BatchNorm(), Dropout(0.1), Dense(33), PReLU(), LayerNorm(), Dense(300, "tanh"),
]
models = []
for dtype in ("float32", "float64"):
    shared = {"dtype": dtype, "n_jobs": 2, "random_state": 0}
    models.append(NeuralNetClassifier(
        Sequential(layers), optimizer=Adam(clip_value=0.1), averaging=EMA(), epochs=2,
        validation=0.2, **shared,
    ))
    models.append(MLPClassifier((101, 600), max_iter=2, early_stopping=True, **shared))
    models.append(MLPRegressor(max_iter=2, precision=None, **shared))
models.append(MLPRegressor(max_iter=2, precision="bf16", n_jobs=2, random_state=0))
done = []

def work(model, X):
    model.fit(X, y)
    done.append(model.predict(X).tobytes() == expected)

for model in models:
    for data in (X, sparse.csr_array(X)):
        if model is models[0] or model is models[3]:
            data = X
        expected = model.fit(data, y).predict(data).tobytes()
        threading.stack_size(STACK)
        thread = threading.Thread(target=work, args=(model, data))
        thread.start()
        thread.join()
        threading.stack_size(0)
assert done == [True] * 2 * len(models), done
"""


KIB = [32, 64, 128]


@pytest.fixture(scope="module")
def children():
    """What comes of each size."""
    codes = {str(kib): (CHILD.replace("STACK", str(kib * 1024)), {}) for kib in KIB}
    return run_forked(["fastnn"], codes)


@pytest.mark.parametrize("kib", KIB)
def test_fit_and_predict_on_small_stacks(kib, children):
    done = children[str(kib)]
    assert done.returncode == 0, done.stderr


WITHOUT_MEMORY = """
#include "base/memory.c"
#define buffer_new(bytes) NULL
#include "ops/product/product.c"
#include "base/instructions.c"
"""


@pytest.fixture(scope="module")
def without_memory(tmp_path_factory):
    """A library of our kernels that get no memory for copies."""
    compiler = shutil.which("cc")
    if compiler is None or not (CSRC / "ops/product/product.c").exists():
        pytest.skip("there is no C compiler, or this is no checkout")
    folder = tmp_path_factory.mktemp("without")
    source, path = folder / "without.c", folder / "product.so"
    source.write_text(WITHOUT_MEMORY)
    flags = ["-O1", "-w", "-shared", "-fPIC", "-pthread", f"-I{CSRC}"]
    flags += os.environ.get("CFLAGS", "").split()
    command = [compiler, *flags, str(source), "-o", str(path)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("the compiler does not know these processors")
    return ctypes.CDLL(str(path))


@pytest.mark.parametrize("real", ["f32", "f64"])
def test_products_without_memory_for_copies(real, without_memory):
    find = getattr(without_memory, f"find_product_kernel_{real}")
    number = ctypes.c_float if real == "f32" else ctypes.c_double
    size, pointer = ctypes.c_ssize_t, ctypes.c_void_p
    matrix = [pointer, size, size]
    find.restype = ctypes.CFUNCTYPE(
        None, *[size] * 3, *matrix * 2, number, pointer, size
    )
    kernel = find()
    if not kernel:
        pytest.skip("there are no kernels of ours for this processor")
    dtype = np.dtype(number)
    rng = np.random.default_rng(0)
    for m, n, k in product((1, 9, 70), (1, 30, 600), (1, 31, 32, 33, 700)):
        a, b = rng.integers(-4, 5, (m, k)), rng.integers(-4, 5, (k, n))
        expected = 1 + a.astype(float) @ b  # of integers: exact
        for along_a, along_b in product("CF", "CF"):
            x, y = (
                np.asarray(each, dtype, order=order)
                for each, order in ((a, along_a), (b, along_b))
            )
            c = np.ones((m, n), dtype)
            strides = [s // x.itemsize for s in (*x.strides, *y.strides)]
            kernel(
                m, n, k, x.ctypes.data, *strides[:2], y.ctypes.data, *strides[2:],
                1, c.ctypes.data, n,
            )  # fmt: skip
            np.testing.assert_array_equal(c, expected)
