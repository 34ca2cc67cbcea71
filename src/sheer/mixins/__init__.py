"""What a Tensor is made of: one file per kind of method."""
