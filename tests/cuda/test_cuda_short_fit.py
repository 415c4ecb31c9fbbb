"""The short fits that ``make test-cuda`` watches, and the tools it has for that."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import sanitize_cuda
import short_cuda_fit
from emulation import EmulatedDevice, device_under_test
from short_cuda_fit import DONE, FITS, fit, outputs
from test_cuda_estimators import forget, install
from test_cuda_kernels import kernel_names

from fastnn.engine.cuda.gpu import GPU

# Kernels of which there is one for each row of a table: see test_cuda_engine.py.
OF_TABLES = re.compile("(add|slope|bias_gradient|loss|step|merge_[a-z]+)_.*")
# What no fit launches, but plans do in test_cuda_engine.py: estimators make sequences
# of tokens that have a mask.
OF_NO_FIT = {"token_mask"}


@pytest.fixture
def launched(monkeypatch):
    """Names of the kernels that fits launch, on the card or on an emulated one."""
    device = device_under_test()
    if isinstance(device, EmulatedDevice):
        install(monkeypatch, device)
    forget()
    names, find = set(), GPU.kernel

    def kernel(self, stem, name):
        names.add(name.removesuffix("_f32").removesuffix("_f64"))
        return find(self, stem, name)

    monkeypatch.setattr(GPU, "kernel", kernel)
    yield names
    device.check()
    monkeypatch.undo()
    forget()


def test_the_fits_launch_every_kind_of_kernel(launched):
    for name in FITS:
        fit(name)
    kinds = {name for name in kernel_names() if not OF_TABLES.fullmatch(name)}
    assert sorted(kinds - launched) == sorted(OF_NO_FIT)
    for prefix in ("add", "slope", "bias_gradient", "loss", "step", "merge_gradient"):
        assert any(name.startswith(f"{prefix}_") for name in launched)


@pytest.mark.parametrize("name", FITS)
def test_two_fits_have_the_same_bits_and_are_those_of_the_cpu(name, launched):
    first, second = fit(name), fit(name)
    assert launched
    assert first.loss_curve_ == second.loss_curve_
    for model in (first, second):
        assert np.isfinite(outputs(name, model)).all()
    np.testing.assert_array_equal(outputs(name, first), outputs(name, second))
    np.testing.assert_array_equal(first._fitted.parameters, second._fitted.parameters)
    on_cpu = fit(name, "cpu")
    np.testing.assert_allclose(
        first.loss_curve_, on_cpu.loss_curve_, rtol=1e-3, atol=1e-5
    )


# ------------------------------------------------------------------------ the sanitizer


def test_the_pool_is_off_before_anything_is_fitted(launched, monkeypatch, capsys):
    calls = []
    cupy = SimpleNamespace(cuda=SimpleNamespace(set_allocator=calls.append))

    def noted(name, device="cuda"):
        calls.append(name)
        return fit(name, device)

    monkeypatch.setattr(short_cuda_fit, "import_cupy", lambda: cupy)
    monkeypatch.setattr(short_cuda_fit, "fit", noted)
    few = {name: FITS[name] for name in ("focal", "classifier", "sparse_alone")}
    monkeypatch.setattr(short_cuda_fit, "FITS", few)
    short_cuda_fit.main()
    assert calls == [None, *few]
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(few) + 1
    assert printed[-1] == DONE


def test_tools_and_their_options():
    memory, race = (sanitize_cuda.command("tool", name) for name in sanitize_cuda.TOOLS)
    assert memory[:5] == ["tool", "--tool", "memcheck", "--error-exitcode", "86"]
    assert race[2] == "racecheck"
    assert memory[-1].endswith("short_cuda_fit.py")


RACES = "RACECHECK SUMMARY: {} displayed ({}, {})"


@pytest.mark.parametrize(
    ("tool", "code", "output", "expected"),
    [
        ("memcheck", 0, f"{DONE}\nERROR SUMMARY: 0 errors", None),
        ("memcheck", 86, f"{DONE}\nERROR SUMMARY: 2 errors", "has found errors"),
        ("memcheck", 0, f"{DONE}\nERROR SUMMARY: 1 error", "does not say"),
        ("memcheck", 1, "ERROR SUMMARY: 0 errors", "did not come to their end"),
        ("memcheck", 0, "ERROR SUMMARY: 0 errors", "did not come to their end"),
        ("memcheck", 255, "Target application terminated before", "exit status 255"),
        ("racecheck", 0, RACES.format("0 hazards", "0 errors", "0 warnings"), "end"),
        (
            "racecheck",
            0,
            f"{DONE} {RACES.format('0 hazards', '0 errors', '0 warnings')}",
            None,
        ),
        (
            "racecheck",
            0,
            f"{DONE} {RACES.format('1 hazard', '0 errors', '1 warning')}",
            "does not say",
        ),
    ],
)
def test_verdicts(tool, code, output, expected):
    found = sanitize_cuda.verdict(tool, code, output)
    assert found is expected or expected in found


def test_a_missing_sanitizer_is_named(monkeypatch):
    monkeypatch.setattr(sanitize_cuda, "find_sanitizer", lambda: None)
    with pytest.raises(SystemExit, match="compute-sanitizer is not installed"):
        sanitize_cuda.main()


@pytest.mark.parametrize("code", [0, 86])
def test_a_tool_that_finds_something_ends_it(code, monkeypatch, tmp_path, capfd):
    tool = tmp_path / "compute-sanitizer"
    summary = f"{DONE}; ERROR SUMMARY: 0 errors; "
    summary += RACES.format("0 hazards", "0 errors", "0 warnings")
    tool.write_text(f"#!/bin/sh\necho '{summary}'\nexit {code}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    if code:
        with pytest.raises(SystemExit, match="memcheck has found errors"):
            sanitize_cuda.main()
    else:
        sanitize_cuda.main()
    assert ("--tool racecheck" in capfd.readouterr().out) == (not code)
