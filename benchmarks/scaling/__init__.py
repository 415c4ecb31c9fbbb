"""How the time of a step grows with rows, width and depth, and between neighbours.

``python -m benchmarks.scaling`` prints the tables and draws the plot.
"""
