"""Products: tiles, packing and plans for matrix products of any strides."""
