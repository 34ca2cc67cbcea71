"""Explanations: graphs drawn, and later what a network looks at."""
