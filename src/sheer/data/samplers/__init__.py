"""A dataset and a seed go in; the order of its examples comes out, for every epoch."""
