"""Tests of the compiled core under gcc's sanitizers, and with requests refused.

    python tests/sanitizers [--choice] [address] [thread] [refusals]

Each sanitizer has a build of its own, in build/sanitize. Ends with an error where a
test fails or a sanitizer finds something in the core, whose report is then printed.
--choice takes some of the tests only.
"""

import argparse
import os
import shutil
import subprocess
import sys
from typing import NamedTuple

from instrument import FLAGS, PRELOADED, REPOSITORY, SANITIZERS, build, library, missing
from reports import findings


class Part(NamedTuple):
    """Tests that run in the build of one sanitizer."""

    kind: str
    faults: tuple[str, ...]  # functions of faults.c in which something must be found
    files: tuple[str, ...]
    choice: tuple[str, ...]  # of the arguments of pytest


PARTS = {
    # Nothing beyond a buffer or after its end, nothing undefined, nothing lost.
    "address": Part(
        "address",
        ("overrun", "overrun_of_a_part", "undefined", "leak"),
        (
            "engine/test_averaging.py", "engine/test_engine.py",
            "engine/test_engine_arguments.py", "engine/test_gather_sparse.py",
            "engine/test_engine_inputs.py", "engine/test_max_norm.py",
            "engine/test_precision.py",
            "engine/test_precision_threads.py", "engine/test_predict.py",
            "engine/test_sparse_structure.py", "engine/test_updates.py",
            "estimators/test_estimators.py", "estimators/test_neural_net.py",
            "estimators/test_losses_of_networks.py",
            "estimators/test_training_of_networks.py",
            "estimators/test_predict_estimators.py", "network/test_frozen_layers.py",
            "network/test_layer_options.py", "network/test_masks.py",
            "network/test_recurrent_layers.py",
            "ops/test_augment_function.py", "ops/test_augmentation.py",
            "ops/test_batch_norm.py",
            "ops/test_broadcast.py", "ops/test_conv.py", "ops/test_custom_loss.py",
            "ops/test_dropout.py", "ops/test_gradients.py", "ops/test_merge.py",
            "ops/test_move.py", "ops/test_noise.py", "ops/test_normalization.py",
            "ops/test_pool.py",
            "ops/test_precision_kernels.py", "ops/test_prelu.py", "ops/test_product.py",
            "ops/test_reduce.py", "ops/test_scalar_math.py",
            "ops/test_several_losses.py", "ops/test_views.py", "plan/test_tables.py",
            "process/test_interrupts.py", "process/test_small_stacks.py",
            "process/test_threads.py", "training/test_mixing.py",
        ),
        (
            "engine/test_engine.py", "engine/test_gather_sparse.py",
            "engine/test_predict.py", "ops/test_product.py", "ops/test_scalar_math.py",
            "process/test_threads.py",
        ),
    ),
    # No two threads at one number at a time, unless both read.
    "thread": Part(
        "thread", ("race",), ("sanitizers/races.py",), ("sanitizers/races.py",)
    ),
    "refusals": Part(
        "address",
        (),
        ("sanitizers/refused_requests.py",),
        ("sanitizers/refused_requests.py", "-k", "core and sparse"),
    ),
}  # fmt: skip

# A process that finds something goes on where it can: what counts is the report.
OPTIONS = {
    "address": "allocator_may_return_null=1:detect_leaks=1",
    # The interpreter is not instrumented; what it locks is seen all the same.
    "thread": "ignore_noninstrumented_modules=1:die_after_fork=0:exitcode=0",
}


def environment(kind, folder, reports):
    """What a process needs to run a build, and where it writes what it finds."""
    log = f"log_path={reports / 'report'}"
    # AddressSanitizer wants to be first, and what ours has in place of a function of
    # UndefinedBehaviorSanitizer's must come before that.
    sanitizer, *others = (library(name) for name in PRELOADED[kind])
    libraries = [sanitizer, folder / "preloaded.so", *others]
    return {
        **os.environ,
        "PYTHONPATH": str(folder),
        # Of what tests compile themselves.
        "CFLAGS": " ".join((*FLAGS, *SANITIZERS[kind])),
        "LD_PRELOAD": ":".join(map(str, libraries)),
        "FASTNN_TEST_DATA": os.environ.get(
            "FASTNN_TEST_DATA", str(REPOSITORY.parent / "shared" / "data")
        ),
        "ASAN_OPTIONS": f"{log}:{OPTIONS['address']}",
        "LSAN_OPTIONS": "exitcode=0",
        "FASTNN_REPORTS": str(reports),
        # What is instrumented takes its time, also until it looks at signals.
        "FASTNN_TEST_SECONDS": "20",
        "FASTNN_REFUSALS": str(folder / "preloaded.so"),
        "TSAN_OPTIONS": f"{log}:{OPTIONS['thread']}",
    }


def new_folder(path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def finds(kind, folder, fault):
    """Whether a sanitizer is at work: whether it finds something in a function."""
    reports = new_folder(folder / "reports" / fault)
    call = f"import ctypes; ctypes.CDLL('./faults.so').{fault}(8)"
    variables = environment(kind, folder, reports)
    subprocess.run(
        [sys.executable, "-c", call], cwd=folder, env=variables, capture_output=True
    )
    return len(findings(reports)) > 0


def run(name, choice):
    """What is wrong, as text, after the tests of one part; None if nothing is."""
    part = PARTS[name]
    folder = build(part.kind)
    for fault in part.faults:
        if not finds(part.kind, folder, fault):
            return f"{name}: the sanitizer does not find the {fault} of faults.c"
    reports = new_folder(folder / "reports" / name)
    variables = environment(part.kind, folder, reports)
    arguments = [
        f"tests/{argument}" if argument.endswith(".py") else argument
        for argument in (part.choice if choice else part.files)
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments],
        cwd=folder, env=variables,
    )  # fmt: skip
    found = findings(reports)
    if found:
        return "\n".join([*found, f"{name}: {len(found)} findings"])
    return f"{name}: tests failed" if done.returncode else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part")
    parser.add_argument("--choice", action="store_true", help="some of the tests only")
    given = parser.parse_args()
    wrong = []
    for name in given.parts or PARTS:
        reason = missing(PARTS[name].kind)
        if reason:
            print(f"{name}: skipped, {reason}", flush=True)
            continue
        print(f"{name}: {PARTS[name].kind} build", flush=True)
        found = run(name, given.choice)
        if found:
            print(found, flush=True)
            wrong.append(name)
    if wrong:
        raise SystemExit(f"not clean: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
