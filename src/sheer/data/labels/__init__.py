"""Rows and their labels go in; weights, other shares, columns of 0 and 1, or faults come out."""
