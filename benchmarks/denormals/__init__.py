"""Whether numbers too small to be normal slow training down.

``python -m benchmarks.denormals`` prints the table.
"""
