"""The same nets trained on the same data by fastnn and by other libraries.

``python -m benchmarks.peers`` prints the tables. Each library is one small module here
with two functions:

``fit(workload, X, y, epochs, threads, shuffle)``
    Train a new net for so many epochs and return the seconds and the last loss.
``version()``
    The name and version to print.
"""
