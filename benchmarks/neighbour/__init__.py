"""How fits do while another process wants a core.

``python -m benchmarks.neighbour`` prints the table.
"""
