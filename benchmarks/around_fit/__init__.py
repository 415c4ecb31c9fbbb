"""What surrounds the epochs of a fit: cross-validation, overhead, import, size, memory.

``python -m benchmarks.around_fit`` prints the tables.
"""
