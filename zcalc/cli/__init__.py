"""The command line. Each command imports only what it needs, so that `zcalc --help` is instant."""

import errno
import io
import os
import re
import signal
import sys
from typing import Annotated

import typer

from zcalc.cli import (
    bench,
    caption,
    decoder,
    demo,
    embed,
    expressions,
    index,
    lab,
    label,
    models,
    nearest,
    shell,
)

app = typer.Typer(
    help="Arithmetic on pictures and words.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(shell.app)
app.add_typer(expressions.app)
app.add_typer(caption.app)
app.add_typer(nearest.app)
app.add_typer(label.app)
app.add_typer(embed.app)
app.add_typer(index.app, name="index")
app.add_typer(models.app, name="models")
app.add_typer(lab.app)
app.add_typer(demo.app)
app.add_typer(decoder.app, name="decoder")
app.add_typer(bench.app, name="bench")

_SIGNED = re.compile(r"""-[-+\s]*(\w+\s*\(|["'(.\d])""")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"zcalc {version('zcalc')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Arithmetic on pictures and words. Alone, in a terminal, `zcalc` opens a shell."""
    if context.invoked_subcommand is None:
        if sys.stdin.isatty() and sys.stdout.isatty():
            shell.shell()
        else:
            print(context.get_help())


def main() -> None:
    """Run the command line; what it can't do anything about ends it with one line."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        _run()
        sys.stdout.flush()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("zcalc"):
            raise
        _stop(f"{error.name} is not installed.\nRun: pip install --force-reinstall zcalc")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
            raise
        _stop(f"Can't write the output: {error.strerror}.")


def _terminate(*_: object) -> None:
    """End as an error does, so that the terminal's cursor is shown again."""
    sys.exit(128 + signal.SIGTERM)


def _stop(message: str) -> None:
    """Print a line on standard error and end; what standard output still holds is given up."""
    print(message, file=sys.stderr)
    os._exit(1)


def _run() -> None:
    """Run the command line; an expression may start with a minus sign."""
    for stream in (sys.stdout, sys.stderr):  # an unencodable file name must not end the program
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # A leading space, which the language ignores, keeps such an expression from being an option.
    arguments = [f" {a}" if _SIGNED.match(a) else a for a in sys.argv[1:]]
    app(arguments)
