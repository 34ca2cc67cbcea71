"""What runs a graph: the reference, the CPU, XLA."""
