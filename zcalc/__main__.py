"""The command line: `python -m zcalc`."""

from zcalc.cli import main

main()
