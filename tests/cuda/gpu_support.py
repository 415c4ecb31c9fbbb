"""What works under device="cuda", by the cases that the tests run there.

    python tests/cuda/gpu_support.py           # write the tables of docs/gpu_support.md
    python tests/cuda/gpu_support.py --passed  # the cases have passed on this card

A row is there for each public piece of the package, and tells by what cases it has
run. The second form, the last step of ``make test-cuda``, notes the rows that there are
in tests/cuda/card.json, with the card's name; those have then run on that card, and
others in the emulation.
"""

import argparse
import json
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
import test_cuda_engine
from cases import MAKERS, ON_DEVICES
from test_cuda_averaging import AVERAGES
from test_cuda_estimators import (
    test_products_of_less_precision_are_taken_where_they_are_asked_for as of_less,
)

from benchmarks.machine import describe_card
from benchmarks.report import fill
from benchmarks.tables import table
from fastnn import averaging, constraints, layers, losses, optimizers, regularizers
from fastnn.engine.cpu.precision import PRECISIONS
from fastnn.engine.cuda.walk import check_supported
from fastnn.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan.tables import ACTIVATIONS, KINDS, PHASES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gpu_support.md"
CARD = Path(__file__).resolve().with_name("card.json")
EMULATED = "emulated"
REFUSED = 'refused: `device="cpu"`'
WITHOUT_KERNELS = [LSTM(2), GRU(2), SimpleRNN(2), Bidirectional(LSTM(2))]
ABSTRACT = {
    *("Layer", "Merge", "Loss", "ElementwiseLoss"),
    *("Optimizer", "Regularizer", "Averaging"),
}

# Precisions of products that a device does not take: it computes in float32.
ONLY_ON_THE_CPU = ("high",)


# --------------------------------------------------------------- what has to have cases


def classes_of(module):
    """Names of the public classes of a module, but for base classes."""
    return [
        name
        for name, each in vars(module).items()
        if isinstance(each, type)
        and each.__module__.startswith(module.__name__)
        and not name.startswith("_")
        and name not in ABSTRACT
    ]


def public_pieces():
    """By the title of a table, all that its rows have to name."""
    return {
        "layers": sorted(classes_of(layers)),
        "activations": [*ACTIVATIONS, "softmax"],
        "losses": sorted(classes_of(losses)),
        "optimizers": sorted(classes_of(optimizers)),
        "regularizers": sorted(classes_of(regularizers)),
        "constraints": sorted(classes_of(constraints)),
        "averages of weights": sorted(classes_of(averaging)),
        "precisions": ["float32", "float64", *reduced_precisions()],
    }


def reduced_precisions():
    return [name for name in PRECISIONS if name not in ONLY_ON_THE_CPU]


# --------------------------------------------------------------------- what cases have


@contextmanager
def noting(used):
    """While plans are made, adds the pieces that write themselves down to a set."""

    def watched(original, piece):
        def lower(self, *arguments, **options):
            used.add((piece, type(self).__name__))
            return original(self, *arguments, **options)

        return lower

    def as_regularizer(value):
        chosen = regularizers.as_regularizer(value)
        if value is not None:
            used.add(("regularizers", type(chosen).__name__))
        return chosen

    watch = [(layers, "layers", "lower"), (losses, "losses", "lower")]
    watch += [(constraints, "constraints", "check")]
    with ExitStack() as stack:
        for module, piece, method in watch:
            named = [each for each in vars(module).values() if isinstance(each, type)]
            bases = {base for each in named for base in each.__mro__}
            for base in bases:
                if base.__module__.startswith(module.__name__) and method in vars(base):
                    new = watched(vars(base)[method], piece)
                    stack.enter_context(mock.patch.object(base, method, new))
        stack.enter_context(
            mock.patch("fastnn.plan.parameters.as_regularizer", as_regularizer)
        )
        yield


def activations_of(plan):
    """Names of those that a step of training computes."""
    ops = plan.ops[plan.ops["phase"] & PHASES["train"] != 0]
    names = {ACTIVATIONS[op["code"]] for op in ops if op["kind"] == KINDS["add"]}
    return names | ({"softmax"} if (ops["kind"] == KINDS["softmax"]).any() else set())


def values_of(test, name):
    """Values of a parameter that a test is run with."""
    for mark in test.pytestmark:
        if mark.name == "parametrize":
            names, rows = mark.args
            if names == name:
                return rows
            if name in names and not isinstance(names, str):
                return [row[names.index(name)] for row in rows]
    raise ValueError(f"{test.__name__} is not run with several values of {name}")


@cache
def cases():
    """By title and piece, the names of the cases that have it."""
    found = defaultdict(list)
    for name in ON_DEVICES:
        used = set()
        with noting(used):
            plan = MAKERS[name]()
        used |= {("activations", activation) for activation in activations_of(plan)}
        for piece in used:
            found[piece].append(name)
    for name, optimizer in test_cuda_engine.RULES.items():
        found["optimizers", type(optimizer).__name__].append(name)
    for name, average in AVERAGES.items():
        found["averages of weights", type(average).__name__].append(name)
    for dtype in values_of(test_cuda_engine.test_gradient_is_that_of_the_cpu, "dtype"):
        found["precisions", dtype.__name__] = [f"all {len(ON_DEVICES)} networks"]
    for precision in values_of(of_less, "precision"):
        found["precisions", precision] = ["a fit of `MLPClassifier`"]
    return dict(found)


# ----------------------------------------------------------------------------- the page


def missing():
    """Pieces that are in no case."""
    return [
        f"{piece} ({title})"
        for title, pieces in public_pieces().items()
        for piece in pieces
        if (title, piece) not in cases() and (title, piece) not in refused()
    ]


def refused():
    """Pieces whose ops have no kernels, by title: a fit with one says so."""
    found = set()
    for layer in WITHOUT_KERNELS:
        network = Sequential([layer, Dense(1)])
        plan = lower(network, input_shape=(3, 2), loss=SquaredError())
        with pytest.raises(ValueError, match="cannot be run on a GPU"):
            check_supported(plan)
        found.add(("layers", type(layer).__name__))
    return found


def shown(names):
    """The plainest cases of a piece."""
    first = ", ".join(f"`{name}`" if " " not in name else name for name in names[:2])
    return first + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def where(record, title, piece):
    """What a piece has run on."""
    if record is None or piece not in record["passed"].get(title, ()):
        return EMULATED
    return record["card"]


def support(record):
    """Lines of all tables, with what ``card.json`` holds, or None."""
    if missing():
        raise ValueError(
            f"nothing tries {', '.join(missing())} on a device: add a network to "
            "CASES of a file of tests/ops, an optimizer to RULES in "
            "tests/cuda/test_cuda_engine.py or an average to AVERAGES in "
            "tests/cuda/test_cuda_averaging.py"
        )
    lines = []
    for title, pieces in public_pieces().items():
        rows = [
            [f"`{piece}`", "", REFUSED]
            if (title, piece) in refused()
            else [
                f"`{piece}`",
                shown(cases()[title, piece]),
                where(record, title, piece),
            ]
            for piece in pieces
        ]
        head = [title, "cases", "has run on"]
        lines += ["", *table(head, rows, n_left=3)]
    return [*lines, ""]


def ran(record):
    """Lines that say on which card all this has run."""
    if record is None:
        return ["", "No card yet: all that is said here comes from the emulation.", ""]
    facts = f"{record['card']}, driver {record['driver']}, CUDA {record['cuda']}"
    return ["", f"Last passed on a card: {facts}, {record['date']}.", ""]


def read_record():
    return json.loads(CARD.read_text()) if CARD.exists() else None


def page(text, record):
    """The page with these tables in place of its own."""
    return fill(fill(text, "card", ran(record)), "support", support(record))


def new_record():
    """What is known of this machine's card once all cases have passed on it."""
    card = describe_card()
    if card is None:
        raise SystemExit("there is no card that anything could have passed on")
    return {**card, "date": date.today().isoformat(), "passed": public_pieces()}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--passed", action="store_true", help="note that card's name")
    if parser.parse_args(arguments).passed:
        CARD.write_text(json.dumps(new_record(), indent=1) + "\n")
    PAGE.write_text(page(PAGE.read_text(), read_record()))


if __name__ == "__main__":
    main()
