"""Networks that read sequences, beside other libraries.

``python -m benchmarks.sequences`` prints the table; a module for each peer, as in
``benchmarks.peers``.
"""
