"""The kernels compile for NVIDIA's cards, by the compiler that does it there."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
from emulation import CSRC
from pairs import WHOLE
from test_cuda_kernels import kernel_names

from fastnn.engine.cuda.sources import compile_options, source_folder, source_of

STEMS = sorted(path.stem for path in CSRC.rglob("*.cu"))
# What a card executes takes three times as long as the compiler's own language does.
ARCHITECTURES = ["sm_80", "sm_90"] if WHOLE else ["compute_80"]

pytestmark = [
    pytest.mark.skipif(not STEMS, reason="needs the checkout"),
    # Of CuPy, which looks for a driver when it is imported.
    pytest.mark.filterwarnings("ignore"),
]


@cache
def find_compiler():
    try:
        from cupy.cuda import nvrtc

        nvrtc.getVersion()
    except (ImportError, RuntimeError):
        return None
    return nvrtc


def the_compiler():
    nvrtc = find_compiler()
    if nvrtc is None:
        pytest.skip("needs CuPy and NVRTC: pip install fastnn[nvrtc]")
    return nvrtc


def compile_file(nvrtc, stem, architecture):
    """What the compiler says about a file, and the names of its kernels."""
    program = nvrtc.createProgram(source_of(stem), f"{stem}.cu", (), ())
    options = f"-arch={architecture}", "-default-device", "-ftz=true"
    if WHOLE:
        options += ("--ptxas-options=-v",)
    try:
        nvrtc.compileProgram(program, options + compile_options())
    except RuntimeError:
        pytest.fail(nvrtc.getProgramLog(program))
    log = nvrtc.getProgramLog(program)
    if WHOLE:
        assert nvrtc.getCUBIN(program)
        return log, re.findall(r"Compiling entry function '(\w+)'", log)
    assembly = nvrtc.getPTX(program).decode()
    return log, re.findall(r"\.visible \.entry (\w+)\(", assembly)


@pytest.fixture(scope="module")
def compilations():
    """One for each file and architecture, on two threads: all take a minute."""
    nvrtc = the_compiler()
    pool = ThreadPoolExecutor(2)
    yield {
        (stem, architecture): pool.submit(compile_file, nvrtc, stem, architecture)
        for stem in STEMS
        for architecture in ARCHITECTURES
    }
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("stem", STEMS)
def test_kernels_compile_without_spills(stem, architecture, compilations):
    log, entries = compilations[stem, architecture].result()
    assert "warning" not in log, log
    assert entries
    assert {name.removesuffix("_f32").removesuffix("_f64") for name in entries} <= (
        kernel_names()
    )
    if not WHOLE:  # registers are assigned by what assembles it for a card
        return
    memory = re.findall(
        r"Function properties for (\w+)\nptxas.* (\d+) bytes stack frame, "
        r"(\d+) bytes spill stores, (\d+) bytes spill loads",
        log,
    )
    assert set(entries) <= {name for name, *_ in memory}
    # No stack either: all arrays are in registers.
    assert not [row for row in memory if set(row[1:]) != {"0"}]


def test_sources_are_found_and_named_by_what_they_hold():
    folder = source_folder()
    assert (folder / "tables" / "elementwise.h").is_file()
    assert (folder / "base" / "cuda" / "nvrtc" / "stdint.h").is_file()
    digest = re.search(r"[0-9a-f]{64}", source_of("step"))
    assert digest is not None
    assert source_of("loss") == source_of("step").replace(
        "update/step.cu", "ops/loss/loss.cu"
    )
