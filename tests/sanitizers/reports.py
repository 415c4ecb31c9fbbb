"""What sanitizers have written down, without what is not the core's.

Sanitizers see instrumented code only, which is ours, but leaks are those of the whole
process, and the interpreter, NumPy and others leave much behind when they end: of
these, what one of our modules has asked for counts.
"""

import re

# The end of one finding is the beginning of the next.
BEGINNING = re.compile(
    r"^(?==+\d*=*(?:ERROR|WARNING): |.*: runtime error: |WARNING: ThreadSanitizer)"
    r"|^(?=(?:Direct|Indirect) leak of )",
    re.MULTILINE,
)
LEAK = re.compile(r"(?:Direct|Indirect) leak of ")
# A module of ours among those that asked: the first frames of the stack, because deeper
# ones have called what leaks within the interpreter.
ASKED = re.compile(r"#[0-4] .*\b(?:fastnn/(?:engine|plan|utils)|csrc)/")
HEADING = re.compile(r"=+\d*=*ERROR: LeakSanitizer: ")


def findings(folder):
    """Texts of all findings in the reports of a folder."""
    found = []
    for path in sorted(folder.iterdir()):
        for text in BEGINNING.split(path.read_text(errors="replace")):
            if text.strip() and counts(text):
                found.append(text)
    return found


def counts(text):
    """Whether a part of a report is a finding in the core."""
    if LEAK.match(text):
        return ASKED.search(text) is not None
    return BEGINNING.match(text) is not None and HEADING.match(text) is None
