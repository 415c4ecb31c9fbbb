"""Arrays of a card: memory and streams, and where CuPy has to say no."""

import gc
import weakref

import fake_arrays
import numpy as np
import pytest
from emulation import emulated_device
from fake_arrays import DEFAULT, Tensor, ndarray
from fake_cupy import Bare
from sklearn.base import clone
from test_cuda_arrays import IRIS, JUDGED, SPECIES, fit, fitted, values
from test_cuda_estimators import forget, install

from fastnn.engine.cuda import device as module
from fastnn.engine.device import downloaded
from fastnn.estimators.judge import SHARE


@pytest.fixture
def cupy(monkeypatch):
    """CuPy over an emulated card, whose streams and copies are known."""
    device = emulated_device()
    yield install(monkeypatch, device)
    device.check()
    monkeypatch.undo()
    forget()


def test_a_limit_of_the_memory_pool_is_kept(cupy):
    gpu = module.find_device("cuda")
    pool, card = cupy.get_default_memory_pool(), cupy.cuda.Device(0)
    card.mem_info = 1000, 2000
    cupy.cuda.Device = lambda number: card
    _ = gpu.free_bytes()  # takes what products need
    pool.free_bytes, pool.get_limit = lambda: 50, lambda: 0
    assert gpu.free_bytes() == 1050
    pool.get_limit, pool.total_bytes = lambda: 700, lambda: 350
    assert gpu.free_bytes() == 400


@pytest.mark.parametrize("model", JUDGED.values(), ids=JUDGED)
@pytest.mark.parametrize(("share", "times"), [(SHARE, 1), (2**60, 4)])
def test_validation_data_of_the_host_is_copied_once(
    model, share, times, cupy, monkeypatch
):
    X_val, y_val = IRIS[:19].astype(np.float32), SPECIES[:19]
    monkeypatch.setattr("fastnn.estimators.judge.SHARE", share)
    model = clone(model)
    if "metrics" in model.get_params():
        model.set_params(metrics=[])  # a scorer predicts for what is on the host
    cupy.card.from_host.clear()
    model = fit(model, IRIS, X_val=X_val, y_val=y_val)
    assert cupy.card.from_host.count(X_val.size) == times
    again = fit(model.set_params(device="cpu"), IRIS, X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(
        model.validation_loss_curve_, again.validation_loss_curve_, rtol=1e-4
    )


# ------------------------------------------------------------------ streams


@pytest.mark.parametrize("library", [ndarray, Tensor])
def test_streams_wait_for_each_other(library, cupy):
    model = fitted()
    gpu = module.find_device("cuda")
    theirs = DEFAULT if library is ndarray else Tensor.stream
    X = cupy.card.array(np.full_like(IRIS, np.nan))
    own = X._values
    X = X if library is ndarray else fake_arrays.from_dlpack(X)
    for use in (model.predict_proba, fitted):
        # X is written to when somebody waits for it.
        own[...] = np.nan
        theirs.late.append(lambda: np.copyto(own, IRIS))
        gpu._stream.waited_for.clear()
        theirs.waited_for.clear()
        result = use(X)
        assert theirs in gpu._stream.waited_for
        if use == model.predict_proba:
            # Whoever reads the outputs, on either stream, comes after ours.
            assert gpu._stream in DEFAULT.waited_for
            assert theirs is DEFAULT or DEFAULT in theirs.waited_for
            np.testing.assert_array_equal(values(result), model.predict_proba(IRIS))
        else:
            np.testing.assert_array_equal(result.coefs_[0], model.coefs_[0])


def test_a_named_stream_is_waited_for(cupy):
    model = fitted()
    X = cupy.card.array(np.full_like(IRIS, np.nan))
    DEFAULT.late.append(lambda: np.copyto(X._values, IRIS))
    actual = model.predict_proba(Bare(X))
    np.testing.assert_array_equal(values(actual), model.predict_proba(IRIS))


def test_an_adopted_array_is_not_copied_but_kept(cupy):
    gpu = module.find_device("cuda")
    array = cupy.card.array(IRIS)
    for each in (array, fake_arrays.from_dlpack(array), Bare(array)):
        adopted = gpu.adopt(each)
        assert adopted.buffer.address == array.data.ptr
        assert (adopted.shape, adopted.dtype) == (IRIS.shape, IRIS.dtype)
        assert gpu.holds(adopted.buffer)
    other = gpu.adopt(ndarray(cupy.card, IRIS[:, ::2]))
    np.testing.assert_array_equal(gpu.give(other)._values, IRIS[:, ::2])


def test_a_tensor_lives_as_long_as_it_is_used(cupy):
    gpu = module.find_device("cuda")
    tensor = fake_arrays.from_dlpack(cupy.card.array(IRIS))
    adopted = gpu.adopt(tensor)[20:30]
    seen = weakref.ref(tensor)
    del tensor
    gc.collect()
    assert seen() is not None
    np.testing.assert_array_equal(downloaded(gpu, adopted), IRIS[20:30])
    del adopted
    gc.collect()
    assert seen() is None


def test_a_numba_array_gives_arrays_of_cupy(cupy):
    model = fitted()
    X = Bare(cupy.card.array(IRIS))
    np.testing.assert_array_equal(values(model.predict(X)), model.predict(IRIS))
    np.testing.assert_array_equal(fitted(X).coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("library", [ndarray, Tensor, Bare])
def test_another_card_is_refused(library, cupy):
    model = fitted()
    X = cupy.card.array(IRIS)
    cupy.card.number = 3
    X = ndarray(cupy.card, X._values)
    if library is Tensor:
        X = fake_arrays.from_dlpack(X)
    elif library is Bare:
        X = Bare(X)
    message = r"X: the array is on card 3, .* is card 0: .*`with cupy.cuda.Device\(3\)"
    for call in (model.predict, fitted):
        with pytest.raises(ValueError, match=message):
            call(X)
    with pytest.raises(ValueError, match=message.replace("X:", "y:")):
        fitted(IRIS, X)


def test_what_is_missing_is_named(cupy, monkeypatch):
    model = fitted()
    model.set_params(device="auto")
    X = fake_arrays.from_dlpack(cupy.card.array(IRIS))

    def missing():
        raise ImportError("No module named 'cupy'")

    with monkeypatch.context() as patch:
        patch.setattr(module, "import_cupy", missing)
        forget()
        message = (
            r"X is on a GPU \(fake_arrays.Tensor\), which cannot be used, because CuPy "
            "is not installed"
        )
        with pytest.raises(RuntimeError, match=message):
            model.predict(X)
        with pytest.raises(RuntimeError, match=message):
            clone(model).fit(X, SPECIES)
        with pytest.raises(RuntimeError, match=message.replace("X is", "y is")):
            clone(model).fit(IRIS, X)
