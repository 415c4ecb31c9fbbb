"""How long a call takes."""

import time
from statistics import median


def seconds_per_call(call, seconds):
    """The median over groups of calls that last about a tenth of ``seconds`` each."""
    call()
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    calls = max(1, round(seconds / 10 / once))
    groups = []
    finish = time.perf_counter() + seconds
    while len(groups) < 2 or time.perf_counter() < finish:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        groups.append((time.perf_counter() - start) / calls)
    return median(groups)
