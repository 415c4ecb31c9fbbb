"""Arrays that have a newer copy on a device."""

import copy
import pickle

import numpy as np
import pytest
from emulation import emulated_device

from fastnn.engine.mirrored import MirroredArray


@pytest.fixture
def device():
    device = emulated_device()
    yield device
    device.check()


def on_device(device, values):
    """An array whose buffer holds these values, and whose host does not yet."""
    array = MirroredArray(np.zeros_like(values))
    device.upload(values, array.on(device))
    array.changed_on_device()
    return array


VALUES = np.arange(6.0).reshape(2, 3)


def test_the_host_gets_what_the_device_has_changed(device):
    array = on_device(device, VALUES)
    np.testing.assert_array_equal(array.host, VALUES)
    assert (array.shape, array.dtype, array.size) == ((2, 3), np.float64, 6)


def test_the_device_gets_what_the_host_has_changed_at_any_time(device):
    array = on_device(device, VALUES)
    host = array.host
    for value in (7.0, 8.0):
        host[0, 1] = value
        buffer = array.on(device)
        there = np.empty((2, 3))
        device.download(buffer, there)
        np.testing.assert_array_equal(there, host)
    assert array.on(device) is buffer


@pytest.mark.parametrize("duplicate", [MirroredArray.copy, copy.deepcopy])
def test_a_copy_is_made_where_the_array_is(device, duplicate, monkeypatch):
    array = on_device(device, VALUES)
    monkeypatch.setattr(device, "download", None)
    other = duplicate(array)
    monkeypatch.undo()
    device.upload(VALUES + 1, array.on(device))
    np.testing.assert_array_equal(other.host, VALUES)
    np.testing.assert_array_equal(array.host, VALUES + 1)


@pytest.mark.parametrize("here", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_assigning_copies_from_wherever_the_other_is(device, here, there):
    own = MirroredArray(VALUES.copy()) if here else on_device(device, VALUES)
    values = VALUES + 1
    other = MirroredArray(values.copy()) if there else on_device(device, values)
    own.assign(other)
    other.host[:] = 0
    np.testing.assert_array_equal(own.host, values)


def test_what_is_stored_outlives_the_device(device, monkeypatch):
    array = on_device(device, VALUES)
    array.store()
    monkeypatch.setattr(device, "download", None)
    monkeypatch.setattr(device, "upload", None)
    assert array.on(device) is array.on(device)  # and is there still
    np.testing.assert_array_equal(array.host, VALUES)


def test_what_is_stored_becomes_old(device):
    array = on_device(device, VALUES)
    array.store()
    device.upload(VALUES + 1, array.on(device))
    array.changed_on_device()
    np.testing.assert_array_equal(array.host, VALUES + 1)


def test_another_device_gets_it_by_way_of_the_host(device):
    array, other = on_device(device, VALUES), emulated_device()
    there = np.empty((2, 3))
    other.download(array.on(other), there)
    np.testing.assert_array_equal(there, VALUES)


def test_it_is_stored_as_an_array_of_the_host(device):
    loaded = pickle.loads(pickle.dumps(on_device(device, VALUES)))
    np.testing.assert_array_equal(loaded.host, VALUES)
