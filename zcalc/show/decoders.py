"""The decoders and their settings in a terminal."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from zcalc.show.terminal import out


def print_decoders(decoders: Sequence[dict[str, Any]], model: str) -> None:
    """Print a table of settings for every decoder (see `cli.decoder.list_decoders`)."""
    for decoder in decoders:
        default = f", the default of {model}" if decoder["is_default"] else ""
        out.print(f"[bold]{decoder['name']}[/bold]: {decoder['description']}{default}")
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("setting", "default", "takes", "meaning"):
            table.add_column(heading, overflow="fold")
        for setting in decoder["settings"]:
            value = setting["default"]
            shown = str(value).lower() if isinstance(value, bool) else repr(value)
            table.add_row(setting["name"], shown, setting["takes"], setting["meaning"])
        out.print(table)
        out.print()
