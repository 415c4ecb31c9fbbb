"""The engine: a plan and its buffers on one backend, ``cpu`` or ``cuda``.

Every array is checked here, at the door; what is behind it trusts them. An engine
computes gradients, takes steps and predicts; it knows neither estimators nor epochs.
"""
