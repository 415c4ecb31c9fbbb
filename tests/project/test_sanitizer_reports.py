"""What counts as a finding of a sanitizer, and where there is none to be had."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sanitizers"))

import instrument
import reports

OVERRUN = """=================================================================
==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60 at pc 0x7f bp 0x7f
READ of size 1 at 0x60 thread T0
    #0 0x7f in gather_f32_f32 csrc/data/gather.c:10
"""
UNDEFINED = "csrc/base/scalar.h:98:40: runtime error: left shift of negative value -1\n"
RACE = """==================
WARNING: ThreadSanitizer: data race (pid=10001)
  Read of size 4 at 0x7f by thread T3:
    #0 take_part csrc/base/team.c:214 (engine.cpython-311-x86_64-linux-gnu.so+0x3372e)
==================
"""
LEAKS = """
=================================================================
==7==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 552 byte(s) in 1 object(s) allocated from:
    #0 0x7f in __interceptor_malloc ../../src/asan_malloc_linux.cpp:69
    #1 0x7f in _PyObject_Malloc Objects/obmalloc.c:2003
    #2 0x7f  (<unknown module>)

{}
SUMMARY: AddressSanitizer: 560 byte(s) leaked in 2 allocation(s).
"""
OURS = """Indirect leak of 8 byte(s) in 1 object(s) allocated from:
    #0 0x7f in __interceptor_posix_memalign ../../src/asan_malloc_linux.cpp:145
    #1 0x7f in buffer_filled csrc/base/memory.c:19
    #2 0x7f in buffer_new csrc/base/memory.c:30
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OVERRUN, 1),
        (UNDEFINED + UNDEFINED, 2),
        (RACE + RACE, 2),
        (LEAKS.format(""), 0),
        (LEAKS.format(OURS), 1),
        (OVERRUN + LEAKS.format(OURS) + UNDEFINED, 3),
        ("", 0),
    ],
)
def test_findings(text, expected, tmp_path):
    (tmp_path / "report.7").write_text(text)
    assert len(reports.findings(tmp_path)) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="it is not asked elsewhere")
def test_a_compiler_without_sanitizers_is_told(tmp_path, monkeypatch):
    for kind in instrument.SANITIZERS:
        monkeypatch.setenv("CC", "there-is-no-such-compiler")
        assert "there-is-no-such-compiler" in instrument.missing(kind)
        if Path("/bin/true").exists():
            monkeypatch.setenv("CC", "/bin/true")
            assert "/bin/true" in instrument.missing(kind)
