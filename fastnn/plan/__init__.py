"""The plan: a network lowered for one input shape, as records that an engine walks.

Layers and losses write a plan on a tape, in the ops of :mod:`fastnn.plan.ops`; a plan
never changes after that. It holds no pointers and no weights, knows no device, and
hides no rule that a device must know. The structs are in ``csrc/plan.h``.
"""
