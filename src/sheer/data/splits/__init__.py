"""Rows, their classes, groups or times go in; rows to train on and to test on come out."""
