"""Networks that convolve, beside other libraries and beside products.

``python -m benchmarks.images`` prints three tables: training, one module each as in
``benchmarks.peers``; the prediction of a single image; and each convolution beside a
product of the same size.
"""
