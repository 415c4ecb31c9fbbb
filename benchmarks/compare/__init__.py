"""Is the working tree slower than another revision?

``python -m benchmarks.compare --base main~1`` answers with its exit status.
"""
