"""Indexing: where the elements of views are really read from, as expressions."""
