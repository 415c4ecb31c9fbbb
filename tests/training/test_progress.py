"""What a verbose fit prints, on a terminal and elsewhere."""

import io
from contextlib import contextmanager, redirect_stdout

import pytest

from fastnn.training import progress as module
from fastnn.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""

    class Clock:
        now = 100.0

    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", lambda: clock.now)
    return clock


@contextmanager
def on_a_terminal(*arguments):
    with redirect_stdout(Terminal()) as terminal, Progress(*arguments) as progress:
        yield progress, terminal


def test_a_long_fit_has_a_live_line(clock):
    with on_a_terminal(True, 100, 6000) as (progress, terminal):
        progress.say("Iteration 1, loss = 0.5")
        progress.epoch_done(1, 0.5, None)
        assert terminal.getvalue() == "Iteration 1, loss = 0.5\n"  # not long yet
        clock.now += 10
        progress.epoch_done(2, 0.25, 0.875)
        line = (
            "epoch 2/100  loss 0.25  validation score 0.875  1,200 samples/s  8:10 left"
        )
        assert terminal.getvalue().endswith("\r\x1b[K" + line)
        progress.say("Iteration 3, loss = 0.1")
        # The line moves down, under what stays.
        stays = "\r\x1b[KIteration 3, loss = 0.1\n" + line
        assert terminal.getvalue().endswith(stays)
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_the_live_line_is_not_refreshed_all_the_time(clock):
    with on_a_terminal(True, 100, 10) as (progress, terminal):
        clock.now += 10
        for epoch in range(1, 50):
            progress.epoch_done(epoch, 1.0, None)
        assert terminal.getvalue().count("epoch") == 1


def test_elsewhere_lines_only_stay(clock, capsys):
    with Progress(True, 100, 10) as progress:
        clock.now += 10
        progress.say("Iteration 1, loss = 0.5")
        progress.epoch_done(1, 0.5, None)
    assert capsys.readouterr().out == "Iteration 1, loss = 0.5\n"


def test_without_verbose_nothing_is_printed(clock):
    with on_a_terminal(False, 100, 10) as (progress, terminal):
        clock.now += 10
        progress.say("Iteration 1, loss = 0.5")
        progress.epoch_done(1, 0.5, None)
    assert not terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (7322, "2:02:02")],
)
def test_time_left(seconds, text):
    assert module._clock(seconds) == text
