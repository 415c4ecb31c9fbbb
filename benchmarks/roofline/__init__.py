"""How long a step has to take on this machine, and how close training comes.

``python -m benchmarks.roofline`` prints the table.
"""
