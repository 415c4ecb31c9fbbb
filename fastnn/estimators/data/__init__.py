"""From what users give to what an engine takes: X, y and weights, checked and encoded.

Validation by scikit-learn's rules, arrays of other libraries and of devices, sparse
matrices, classes and columns of them. Nothing here knows a network.
"""
