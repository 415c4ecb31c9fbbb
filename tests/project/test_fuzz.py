"""A thousand random cases, and the watchdog that keeps watch over them."""

import os
import signal
import time

import numpy as np
import pytest
from fuzz import __main__, case, runner
from fuzz.cases import SEEDS
from fuzz.faults import FaultError, Finding, judge_error, require

# Counted in the cases of one release; make fuzz begins elsewhere.
N_CASES = 1000


def test_a_thousand_cases():
    found = runner.run_cases(range(N_CASES))
    assert not found, __main__.summary(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_failed_once(seed):
    found = case.run(seed)
    assert found is None, found.text


# ----------------------------------------------------------------------- the watchdog


def stand_in(seed):
    """Cases that do what no case may."""
    if seed == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if seed == 5:
        time.sleep(600)
    return Finding(7, "fault", "here", "text") if seed == 7 else None


def _work_of_stand_ins(*arguments):
    runner.run = stand_in
    runner.faulthandler.enable = lambda: None  # it would tell of the crash
    _WORK(*arguments)


_WORK = runner._work


def test_crashes_and_hangs_name_their_seed(monkeypatch):
    monkeypatch.setattr(runner, "_work", _work_of_stand_ins)
    monkeypatch.setattr(runner, "SECONDS_PER_CASE", 2)
    told = []
    found = runner.run_cases([1, 2, 3, 4, 5, 7, 8], 2, lambda *news: told.append(news))
    assert {(each.seed, each.kind) for each in found} == {
        (3, "crash"),
        (5, "hang"),
        (7, "fault"),
    }
    assert told[-1] == (7, found)


# ---------------------------------------------------------------------- what is judged


def test_one_seed_is_one_case():
    for seed in range(20):
        (first, _), (again, _) = case.play(seed), case.play(seed)
        assert first == again


@pytest.mark.parametrize("error", [KeyError("X"), IndexError("y"), RuntimeError("X")])
def test_errors_of_other_kinds_are_findings(error):
    with pytest.raises(FaultError):
        judge(error)


def judge(error):
    try:
        raise error
    except type(error) as raised:
        judge_error(raised, strict_errors=False)


def test_messages_must_name_what_the_user_knows():
    judge(ValueError("batch_size must be positive"))
    judge(MemoryError())
    with pytest.raises(FaultError, match="names nothing"):
        judge(ValueError("operands could not be broadcast together"))


def test_one_case_tells_all_about_it(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fuzz", "0"])
    assert __main__.main() == 0
    monkeypatch.setattr("fuzz.__main__.run", lambda seed: Finding(seed, "", "", "why"))
    assert __main__.main() == 1
    assert capsys.readouterr().out.split() == ["nothing", "found", "why"]


def test_findings_are_grouped():
    found = [Finding(seed, "KeyError", "here", "text") for seed in (9, 7, 8)]
    told = __main__.summary([*found, Finding(3, "crash", "crash", "exit code -11")])
    assert told.index("3 x KeyError at here") < told.index("1 x crash")
    assert "make fuzz N=1 SEED=7    # also 8 9" in told


def test_what_is_required():
    require(True, "place", "text")
    with pytest.raises(FaultError) as error:
        require(np.False_, "place", "text")
    assert error.value.place == "place"
