"""What readers made of files goes in; records of NumPy arrays come out, a file per kind."""
