"""Code in processes of its own, which do not import all of it again.

One process imports what takes long, and forks for each piece of code, two at a time.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).resolve()


@dataclass
class Done:
    """What became of a piece of code. A signal that ended it is a negative status."""

    returncode: int
    stdout: str
    stderr: str


def run_forked(imports, codes, seconds=300):
    """Run code in forks of a process that has imported modules.

    Parameters
    ----------
    imports : list of str
        Names of modules.
    codes : dict of str to (str, dict of str to str)
        By any name the code, and what changes in its environment.
    seconds : float
        How long all of it may take.

    Returns
    -------
    done : dict of str to Done
    """
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], input=json.dumps([imports, codes]),
        capture_output=True, text=True, timeout=seconds,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {name: Done(*each) for name, each in json.loads(done.stdout).items()}


def fork(code, environment):
    """The number of a child that runs code, and the files that it writes to."""
    files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115
    child = os.fork()
    if child:
        return child, files
    status = 1
    try:
        for number, file in enumerate(files, 1):
            os.dup2(file.fileno(), number)
        os.environ.update(environment)
        exec(code, {"__name__": "__main__"})
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def collect(child, files):
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    written = []
    for file in files:
        file.seek(0)
        written.append(file.read().decode())
    return status, *written


def main():
    imports, codes = json.load(sys.stdin)
    for name in imports:
        importlib.import_module(name)
    found, running = {}, []
    for name, each in codes.items():
        running.append((name, fork(*each)))
        if len(running) == 2:
            first, given = running.pop(0)
            found[first] = collect(*given)
    found.update((name, collect(*given)) for name, given in running)
    print(json.dumps(found))


if __name__ == "__main__":
    sys.path[0] = ""  # as where code is given to Python itself
    main()
