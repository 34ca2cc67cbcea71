"""Lowering: the body of a kernel flows in; the function that computes it comes out."""
