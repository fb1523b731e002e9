"""The command line: `python -m zcalc`, and the command `zcalc`."""

import signal
import sys


def main() -> None:
    """Run the command line; an interrupt while it is being imported ends it without a word."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
        from zcalc.cli import main as run

        signal.signal(signal.SIGINT, signal.default_int_handler)
    else:
        from zcalc.cli import main as run
    run()


if __name__ == "__main__":
    main()
