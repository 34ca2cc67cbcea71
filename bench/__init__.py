"""Benchmarks: sheer beside PyTorch and JAX, in one process, in turn. `make bench` runs them all."""
