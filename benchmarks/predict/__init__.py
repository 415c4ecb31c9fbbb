"""predict_proba of the same fitted nets, by fastnn and by other libraries.

``python -m benchmarks.predict`` prints the tables.
"""
