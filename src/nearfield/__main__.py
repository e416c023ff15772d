"""``python -m nearfield``: the command line."""

from nearfield.cli import main

main()
