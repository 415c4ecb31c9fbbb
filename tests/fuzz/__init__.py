"""Random cases for the estimators: one integer seed is one case, drawn and judged.

``python -m fuzz SEED`` in tests/ runs a case again, ``make fuzz N=100000`` many new
ones.
"""
