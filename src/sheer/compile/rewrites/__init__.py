"""Rewrites: graphs flow in; the same functions as simpler or faster graphs come out."""
