"""`python -m saysel`: the command line of this very Python."""

from saysel.cli import main

main()
