"""What networks that are not a stack cost.

``python -m benchmarks.graphs`` prints three tables: a network of two branches beside
other libraries, one module each as in ``benchmarks.peers``; the same stack written in
other ways; and heads on one trunk.
"""
