"""Files in the usual formats go in, NumPy arrays come out; one format per module."""
