"""Blocks: products whose rows are reduced and multiplied again, a block of rows at a time."""
