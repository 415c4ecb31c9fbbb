"""The trainer: epochs, and the supervision that validates, stops and keeps the best.

Here is what a training has to remember between calls, and the solver that is none of
epochs. There is no arithmetic on weights: the engine does that.
"""
