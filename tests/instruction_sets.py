"""Run a choice of the tests under each instruction set below the best one here.

    python tests/instruction_sets.py [options of pytest]

The best one is what the suite itself runs under.
"""

import os
import subprocess
import sys
from pathlib import Path

from fastnn.engine.cpu.precision import matrix_unit
from fastnn.plan.tables import INSTRUCTION_SET, INSTRUCTION_SETS

HERE = Path(__file__).parent
# All that is computed: products, ops, whole fits, and what others compute.
FILES = (
    "test_amx",
    "test_batch_norm",
    "test_broadcast",
    "test_dropout",
    "test_engine",
    "test_estimators",
    "test_gather_sparse",
    "test_gradients",
    "test_instructions",
    "test_memory",
    "test_neural_net",
    "test_noise",
    "test_normalization",
    "test_precision",
    "test_precision_kernels",
    "test_predict",
    "test_prelu",
    "test_product",
    "test_pytorch_agreement",
    "test_scalar_math",
    "test_sklearn_agreement",
    "test_small_stacks",
    "test_tables",
    "test_threads",
    "test_training",
    "test_updates",
)


def sets_here():
    """The instruction sets that the processor has."""
    best = {"AVX512-BF16": "avx512_bf16", "AMX": "amx", None: INSTRUCTION_SET}
    last = INSTRUCTION_SETS.index(best[matrix_unit("bf16")])
    return INSTRUCTION_SETS[: last + 1]


def main(options):
    paths = [str(HERE / f"{name}.py") for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", *paths, *options]
    sets = sets_here()
    if len(sets) == 1:
        print(f"There is no instruction set below {sets[0]}: nothing to do.")
    for name in sets[:-1]:
        print(f"FASTNN_INSTRUCTIONS={name}", flush=True)
        # Threads of BLAS, which has all products of the baseline, make small ones slow.
        limits = {"FASTNN_INSTRUCTIONS": name, "OPENBLAS_NUM_THREADS": "1"}
        code = subprocess.run(command, env=os.environ | limits).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
