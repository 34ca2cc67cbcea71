"""`python -m sheer` is the command line."""

from .cli import main

main()
