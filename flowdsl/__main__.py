"""`python -m flowdsl`."""

from .cli import main

main()
