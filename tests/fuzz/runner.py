"""Workers that run cases, and a watchdog over them."""

import faulthandler
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing.connection import wait
from typing import Any

from sklearn.base import BaseEstimator

from fuzz.case import run
from fuzz.faults import Finding

# What a case takes is some milliseconds; a busy machine may take a thousand times that.
SECONDS_PER_CASE = 30
SECONDS_TO_START = 300  # and import all
# More than this is a MemoryError and not the end of the machine.
MEMORY = 8 << 30
REPORT_EVERY = 0.5  # seconds


def _work(seeds: Sequence[int], at: Any, results: Any) -> None:
    """What a worker does: its seeds one after another."""
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # Which scikit-learn reads off signatures, again and again.
    names = BaseEstimator._get_param_names.__func__
    BaseEstimator._get_param_names = classmethod(cache(names))
    found: list[Finding] = []
    last = time.monotonic()
    for done, seed in enumerate(seeds, 1):
        at.value = seed
        finding = run(seed)
        if finding is not None:
            found.append(finding)
        if time.monotonic() - last > REPORT_EVERY or done == len(seeds):
            results.send((done, found))
            found, last = [], time.monotonic()


class Worker:
    """A process, what it has yet to do, and when it last began a case."""

    def __init__(self, context: Any, seeds: Sequence[int]):
        self.seeds, self.n_done = seeds, 0
        self._at = context.Value("q", -1, lock=False)
        self.results, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_work, args=(seeds, self._at, theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        self._seen, self._since = -1, time.monotonic()

    def receive(self) -> tuple[list[Finding], bool]:
        """What it has to tell, and whether it has come to its end."""
        try:
            self.n_done, found = self.results.recv()
            return found, self.n_done == len(self.seeds)
        except EOFError:
            self._process.join()
            return [self._lost("crash", f"exit code {self._process.exitcode}")], True

    def hangs(self) -> Finding | None:
        """What is wrong if it has been at one case for too long; it is ended then."""
        now, at = time.monotonic(), self._at.value
        if at != self._seen:
            self._seen, self._since = at, now
        patience = SECONDS_TO_START if at == -1 else SECONDS_PER_CASE
        if now - self._since < patience:
            return None
        if at != -1:
            os.kill(self._process.pid, signal.SIGUSR1)
            time.sleep(0.5)
        self.end()
        return self._lost("hang", f"more than {patience} s")

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.results.close()

    def _lost(self, kind: str, text: str) -> Finding:
        seed = self._at.value
        if seed in self.seeds:
            self.n_done = self.seeds.index(seed) + 1
        else:
            self.n_done = len(self.seeds)
        return Finding(seed, kind, kind, text)


def run_cases(
    seeds: Sequence[int], jobs: int = 1, tell: Callable[..., None] = lambda *_: None
) -> list[Finding]:
    """Run cases in worker processes; all that was found.

    Parameters
    ----------
    seeds : sequence of int
    jobs : int, default=1
        How many workers share them.
    tell : callable, default=nothing
        Called now and then with how many cases are done, and the findings so far.
    """
    # Of a process that has trained nothing yet, and imports for all of them.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fastnn", "sklearn.model_selection"])
    workers = [Worker(context, seeds[i::jobs]) for i in range(min(jobs, len(seeds)))]
    found: list[Finding] = []
    n_done = 0
    try:
        while workers:
            ready = wait([each.results for each in workers], timeout=REPORT_EVERY)
            for worker in list(workers):
                ended = False
                if worker.results in ready:
                    news, ended = worker.receive()
                    found += news
                elif lost := worker.hangs():
                    found.append(lost)
                    ended = True
                if ended:
                    workers.remove(worker)
                    worker.end()
                    n_done += worker.n_done
                    if rest := worker.seeds[worker.n_done :]:
                        workers.append(Worker(context, rest))
            tell(n_done + sum(each.n_done for each in workers), found)
    finally:
        for worker in workers:
            worker.end()
    return found
