"""Columns under their names go in; frames, and numbers that stand for them, come out."""
