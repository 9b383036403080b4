"""Benchmarks: each runs beside the thing it is compared with, in one run, and prints ratios. `python -m benchmarks`."""
