"""From what users give to what a trainer takes: X, y and weights, checked and encoded.

:func:`~fastnn.estimators.data.prepare.prepare` is the one way in. Validation by
scikit-learn's rules, arrays of other libraries and of devices, sparse matrices, classes
and columns of them stand behind it. Nothing here knows a network.
"""
