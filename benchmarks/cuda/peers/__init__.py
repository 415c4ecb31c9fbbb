"""The libraries: see ``benchmarks.cuda``."""

# The module of each peer, its options, and the package that it needs.
PEERS = {
    "fastnn": ("fastnn", {}, "fastnn"),
    "torch": ("torch_eager", {}, "torch"),
    "torch_graph": ("torch_graph", {}, "torch"),
    "torch_compile": ("torch_compile", {"mode": "reduce-overhead"}, "torch"),
    "torch_autotune": ("torch_compile", {"mode": "max-autotune"}, "torch"),
    "jax_scan": ("jax_scan", {}, "jax"),
    "jax_unrolled": ("jax_scan", {"unroll": 8}, "jax"),
    "fastnn_tf32": ("fastnn", {"precision": "tf32"}, "fastnn"),
    "fastnn_bf16": ("fastnn", {"precision": "bf16"}, "fastnn"),
}
# Forms of the same: the one that is faster on a net counts.
FORMS = (("torch_compile", "torch_autotune"), ("jax_scan", "jax_unrolled"))
# In less than the precision of float32, and compared with fastnn alone.
REDUCED = ("fastnn_tf32", "fastnn_bf16")
