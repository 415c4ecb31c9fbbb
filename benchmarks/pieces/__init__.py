"""What layers, regularizers and optimizers add to a step of training.

``python -m benchmarks.pieces`` prints the table.
"""
