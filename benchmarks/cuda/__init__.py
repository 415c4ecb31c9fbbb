"""How long a step of training takes on an NVIDIA GPU, here and in other libraries.

``python -m benchmarks.cuda`` prints the tables and writes them into
docs/gpu_performance.md. Each library is one small module in ``peers``, in the form that
is fastest among those that its users would write, with two functions:

``prepare(net, X, y, device, **options)``
    A function ``train(epochs, shuffle)`` that trains for so many epochs and returns
    when each ended (``time.perf_counter``, once the device had done it) and the mean
    loss of the last one. Its first call starts from scikit-learn's initial weights for
    ``random_state=0``; others start anew or go on. ``device`` is "cuda", or "cpu", on
    which the tests try it.
``version()``
    The name and version to print.

X and y lie in the device's memory before the first epoch ends, batches are gathered
there in a new random order for each epoch, the loss is read once an epoch, and products
are of float32, without TF32. The optimizer is Adam with the usual defaults, and there
is no penalty.
"""
