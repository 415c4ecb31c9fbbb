"""Errors at the door of the engine and of predict: behind it, nothing is checked."""

import numpy as np
import pytest
from cases import draw, plan_of, predict
from scipy import sparse

from fastnn.engine.backend import Backend, Forward
from fastnn.engine.cpu import engine as compiled_engine
from fastnn.engine.cpu import predict as compiled_predict
from fastnn.engine.engine import Engine
from fastnn.optimizers import SGD
from fastnn.plan.tables import N_SCALARS

OPTIMIZER = SGD()


def arguments(**changes):
    """What an engine for four samples takes, with some of it changed."""
    plan = plan_of("classes")
    data = draw(plan, n=4)
    given = {
        "plan": plan,
        "parameters": data.parameters,
        "X": data.X,
        "y": data.y,
        "sample_weight": data.weight,
        "batch_size": 2,
        "optimizer": OPTIMIZER,
        "state": np.zeros((1, plan.n_parameters)),
        "average": np.zeros(plan.n_parameters),
    }
    return given | {name: change(given[name]) for name, change in changes.items()}


def test_unchanged_arguments_are_accepted():
    assert Engine(**arguments()).n_steps == 2


# What is done to each argument, and words of the message. It always names the argument.
ARRAYS = {
    "strided": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "other precision": lambda array: array.astype(np.float32),
    "integers": lambda array: array.astype(int),
    "too short": lambda array: array[:-1].copy(),
    "another axis": lambda array: array[np.newaxis].copy(),
    "other byte order": lambda array: array.astype(">f8"),
    "misaligned": lambda array: misaligned(array),
}


def misaligned(array):
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    view = memory.view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


@pytest.mark.parametrize("change", ARRAYS)
@pytest.mark.parametrize(
    "name", ["parameters", "y", "sample_weight", "state", "average"]
)
def test_array_must_fit(name, change):
    # The parameters decide the precision: when theirs is another, y's is wrong.
    blamed = "y" if (name, change) == ("parameters", "other precision") else name
    with pytest.raises(ValueError, match=f"^{blamed} must be"):
        Engine(**arguments(**{name: ARRAYS[change]}))


@pytest.mark.parametrize("name", ["parameters", "state", "average"])
def test_what_is_changed_must_be_writable(name):
    def frozen(array):
        array = array.copy()
        array.setflags(write=False)
        return array

    with pytest.raises(ValueError, match=name):
        Engine(**arguments(**{name: frozen}))


def test_state_may_not_be_missing():
    with pytest.raises(ValueError, match="state"):
        Engine(**arguments(state=lambda state: None))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :-1], r"X must have shape \(n_samples, 5\)"),
        (lambda X: X[0], r"X must have shape"),
        (lambda X: X[:, :, np.newaxis], r"X must have shape"),
        (lambda X: X.astype(np.float16), "float32 or float64"),
        (lambda X: sparse.csc_array(X), "CSR"),
        (lambda X: sparse.csr_array(X.astype(int)), "float32 or float64"),
    ],
)
def test_X_must_fit(change, message):
    with pytest.raises(ValueError, match=message):
        Engine(**arguments(X=change))
    given = arguments(X=change)
    with pytest.raises(ValueError, match=message):
        predict(given["plan"], given["parameters"], given["X"])


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_lengths_must_agree(name):
    with pytest.raises(ValueError, match=rf"^{name} must be .*\(4.*\(8"):
        Engine(**arguments(**{name: lambda array: np.append(array, array, axis=0)}))


@pytest.mark.parametrize("label", [-1, 10, 99, np.nan, np.inf, -np.inf])
def test_labels_must_be_classes(label):
    def mislabel(y):
        y = y.copy()
        y[2] = label
        return y

    with pytest.raises(ValueError, match="must be from 0 to 9"):
        Engine(**arguments(y=mislabel))


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batch_size_must_be_positive(batch_size):
    with pytest.raises(
        ValueError, match=f"batch_size must be at least 1, got {batch_size}"
    ):
        Engine(**arguments(batch_size=lambda _: batch_size))


def test_batch_may_be_larger_than_the_data():
    assert Engine(**arguments(batch_size=lambda _: 1000)).n_steps == 1


def test_at_least_one_sample():
    nothing = {name: lambda array: array[:0] for name in ("X", "y", "sample_weight")}
    with pytest.raises(ValueError, match="sample"):
        Engine(**arguments(**nothing))


@pytest.mark.parametrize(
    "table",
    [
        OPTIMIZER.table(1, 3, 0.1),
        OPTIMIZER.table(1, 2, 0.1)[:, :-1],
        OPTIMIZER.table(1, 2, 0.1).astype(np.float32),
        OPTIMIZER.table(1, 2, 0.1)[0],
    ],
)
def test_table_must_fit(table):
    message = rf"table must be float64 of shape \(2, {N_SCALARS}\)"
    with pytest.raises(ValueError, match=message):
        Engine(**arguments()).epoch(table)


def test_steps_need_an_optimizer():
    given = arguments(optimizer=lambda _: None, state=lambda _: None)
    with pytest.raises(ValueError, match="without an optimizer"):
        Engine(**given).epoch(OPTIMIZER.table(1, 2, 0.1))


@pytest.mark.parametrize(
    "rows",
    [
        np.array([0.0, 1.0]),
        np.array([0, 1], np.int32),
        np.array([[0, 1]]),
        np.array([], np.intp),
        np.array([-1, 0]),
        np.array([0, 4]),
        np.array([1, 2, 1]),
        np.arange(4)[::2],
    ],
)
def test_chosen_rows_must_exist(rows):
    with pytest.raises(ValueError, match="rows must be"):
        Engine(**arguments()).gradient(rows)


def test_update_needs_an_optimizer_and_a_gradient():
    scalars = OPTIMIZER.table(1, 1, 0.1)[0]
    given = arguments(optimizer=lambda _: None, state=lambda _: None)
    with pytest.raises(ValueError, match="without an optimizer"):
        Engine(**given).update(scalars)
    with pytest.raises(ValueError, match=r"gradient\(\) first"):
        Engine(**arguments()).update(scalars)
    engine = Engine(**arguments(sample_weight=lambda weight: 0 * weight))
    engine.gradient()
    with pytest.raises(ValueError, match="weights are not 0"):
        engine.update(scalars)
    engine = Engine(**arguments())
    engine.gradient()
    with pytest.raises(ValueError, match=f"scalars must be {N_SCALARS}"):
        engine.update(scalars[:-1])


def test_threads_need_no_context_manager(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    engine = Engine(**arguments(), n_threads=2)
    assert engine.n_threads == 2
    np.testing.assert_allclose(
        engine.gradient(), Engine(**arguments()).gradient(), rtol=1e-12
    )


# Who calls the compiled loops without the checks above finds these.
COMPILED = ARRAYS | {
    "objects": lambda array: array.astype(object),
    "half": lambda array: array.astype(np.float16),
    "a list": lambda array: array.tolist(),
}
del COMPILED["other precision"], COMPILED["another axis"]


@pytest.mark.parametrize("change", COMPILED)
@pytest.mark.parametrize(
    "name", ["parameters", "y", "sample_weight", "state", "average"]
)
def test_the_compiled_engine_checks_arrays_too(name, change):
    if name in ("y", "sample_weight") and change in ("strided", "misaligned"):
        pytest.skip("gathered from any layout")
    given = arguments(**{name: COMPILED[change]})
    plan = given["plan"]
    error = (AttributeError, ValueError) if change == "a list" else ValueError
    with pytest.raises(error):
        compiled_engine.Engine(
            plan.ops, plan.tensors, plan.blocks, plan.params, plan.row_gradients,
            plan.n_parameters, plan.n_gradients, plan.train_size, (),
            plan.statistic_size, plan.functions, plan.inputs, given["parameters"],
            (given["X"],), given["y"], given["sample_weight"], 2, 2, 0,
            given["state"], 1, None, given["average"], None,
        )  # fmt: skip


@pytest.mark.parametrize("change", COMPILED)
@pytest.mark.parametrize("name", ["parameters", "y", "sample_weight"])
def test_the_compiled_predictor_checks_arrays_too(name, change):
    given = arguments()
    given[name] = COMPILED[change](given[name])
    forward = compiled_predict.Forward(given["plan"])
    parameters, X = given["parameters"], (given["X"],)
    samples = given["y"], given["sample_weight"]
    error = (TypeError, ValueError) if change == "a list" else ValueError
    for call in (forward.judge, forward.evaluate):
        with pytest.raises(error):
            call(parameters, X, *samples)
    if name == "parameters":
        for n_threads in (1, 2):
            with pytest.raises(error):
                forward.predict(parameters, X, n_threads)


@pytest.mark.parametrize("change", ["other byte order", "integers", "too short"])
def test_predict_checks_the_parameters(change):
    given = arguments(parameters=ARRAYS[change])
    with pytest.raises(ValueError, match="parameters"):
        predict(given["plan"], given["parameters"], given["X"])


# mypy compares the classes of a device with the protocols, and sees no compiled code.
@pytest.mark.parametrize(
    ("protocol", "compiled"),
    [(Backend, compiled_engine.Engine), (Forward, compiled_predict.Forward)],
)
def test_compiled_classes_have_what_is_asked_of_them(protocol, compiled):
    asked = [name for name in vars(protocol) if not name.startswith("_")]
    assert asked
    assert not set(asked) - set(dir(compiled))
