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
    "agreement/test_pytorch_agreement",
    "agreement/test_sklearn_agreement",
    "engine/test_engine",
    "engine/test_gather_sparse",
    "engine/test_instructions",
    "engine/test_precision",
    "engine/test_predict",
    "engine/test_updates",
    "estimators/test_estimators",
    "estimators/test_losses_of_networks",
    "estimators/test_neural_net",
    "estimators/test_training_of_networks",
    "network/test_masks",
    "network/test_recurrent_layers",
    "ops/test_amx",
    "ops/test_augmentation",
    "ops/test_batch_norm",
    "ops/test_broadcast",
    "ops/test_conv",
    "ops/test_dropout",
    "ops/test_gradients",
    "ops/test_merge",
    "ops/test_move",
    "ops/test_noise",
    "ops/test_normalization",
    "ops/test_pool",
    "ops/test_precision_kernels",
    "ops/test_prelu",
    "ops/test_product",
    "ops/test_reduce",
    "ops/test_scalar_math",
    "ops/test_several_losses",
    "ops/test_views",
    "plan/test_memory",
    "plan/test_tables",
    "process/test_small_stacks",
    "process/test_threads",
    "training/test_mixing",
    "training/test_training",
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
