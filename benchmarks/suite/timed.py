"""How long asv may take."""


class Timed:
    """About half a second for each benchmark and combination of parameters."""

    rounds = 1
    repeat = (3, 10, 0.5)
    sample_time = 0.02
    warmup_time = 0.05
    timeout = 120
