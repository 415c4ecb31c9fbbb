"""What all folders share and none is about: plain values, files, errors, commits.

The lowest floor: nothing here knows a network. What is here is small, has no state of
its own, and serves two folders at least; what serves one lives there.
"""
