"""The compiled core. Each module is one concept, with its innermost loops in csrc/."""
