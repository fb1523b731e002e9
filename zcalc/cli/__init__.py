"""The command line. Only what a command needs is imported: `zcalc --help` is instant."""

import io
import re
import sys

import typer

from zcalc.cli import bench, evaluate, nearest, other, push

app = typer.Typer(
    help="Arithmetic on pictures and words.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(evaluate.app)
app.add_typer(nearest.app)
app.add_typer(push.app, name="index")  # build, info, restore, push
app.add_typer(other.app)
app.add_typer(bench.app, name="bench")

_SIGNED = re.compile(r"""-[-+\s]*(\w+\s*\(|["'(.\d])""")


def main() -> None:
    """Run the command line; an expression may begin with a minus sign."""
    for stream in (sys.stdout, sys.stderr):  # a name that can't be shown is no reason to stop
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # A leading space tells such an expression from an option; the language ignores it.
    arguments = [f" {a}" if _SIGNED.match(a) else a for a in sys.argv[1:]]
    app(arguments)
