"""The same nets trained on the same data by fastnn and by other libraries.

``python -m benchmarks.peers`` prints the tables. Each library is one small module here,
in the form that is fastest among those that its users would write, with two functions:

``prepare(workload, X, y, threads)``
    A function ``train(epochs, shuffle)`` that trains for so many epochs and returns the
    seconds they took and the mean loss of the last one. Its first call starts from
    scikit-learn's initial weights for ``random_state=0``; others start anew or go on.
``version()``
    The name and version to print.

The measuring process is pinned to as many cores as it has threads before a peer is
imported. For JAX that is what really limits its threads; the others are told as well.
"""
