"""Write docs/cli.md, every command with its options, from the commands themselves.

python -m tools.docs.cli
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from zcalc.cli import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMON = 4  # options of this many top-level commands are listed once
_HEAD = """# Command line

```console
$ zcalc eval 'img(coffee) - "coffee" + "tea"'
$ zcalc COMMAND --help
```

An expression may begin with a minus sign, and `-` reads it from standard input. The exit code is 0,
1 for an error in the expression or its data, or 2 for wrong usage.

<!-- Written by `python -m tools.docs.cli`: edit the help texts in zcalc/cli instead. -->

## JSON

`--json` prints one object for each result, and nothing else on standard output:

```json
{"expr": "…", "model": "mini", "norm": 1.14,
 "captions": [{"text": "Image of a …", "clip": 0.31, "logprob": -1.9}],
 "words": [{"text": "tea cup", "score": 0.7, "rank": 0.99}],
 "images": [{"name": "coffee", "path": "…", "score": 0.41}],
 "terms": [{"name": "img(coffee)", "weight": 1.0, "norm": 1.0, "cosine": 0.6}],
 "seconds": {"load": 0.0, "embed": 0.0, "caption": 0.0, "words": 0.0, "nearest": 0.0}}
```

`eval` fills all of it; `caption`, `words` and `nearest` leave out the parts that they don't
compute. A number has a `value` instead of a `norm`, a plot its numbers as `plot`, a bound result
its `name`. `clip` is the caption's cosine with the result, `logprob` its mean log-probability per
token. Pictures also have their `metadata`, `alike` (near-duplicates folded into them) and
`missing`, where there is any; pictures and terms have a `caption` if one is [part of the picture's
point](image-index.md#captions). An error is `{"error": {"message": …, "hint": …}}`, for an
expression with `line`, `column` and `source_line`.

An expression's own operands, and inflections of its words, are left out of `words` and `images`
unless `--keep-operands` is given. `score` is a cosine; words have a `rank` as well if they are
ordered by more than that: [how words are ranked](language.md#how-words-are-ranked).
"""
_PLACEHOLDERS = {"str": "TEXT", "int": "N", "int range": "N", "float range": "X", "path": "PATH"}
_PLACEHOLDERS |= {"Path": "PATH", "list[Path]": "PATH", "list[str]": "TEXT"}
Row = tuple[str, str]


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf8")


def page() -> str:
    """The text of the page."""
    commands = list(_commands(typer.main.get_command(app), None, "zcalc"))
    top = [context for name, context in commands if len(name.split()) == 2]
    counts = Counter(row for context in top for row in _rows(context, "option"))
    common = [row for row, count in counts.items() if count >= COMMON]
    parts = [_HEAD, "## Options of several commands\n", _table("option", common)]
    for name, context in commands:
        parts += _section(name, context, common)
    return "\n".join(parts)


def _section(name: str, context: Any, common: list[Row]) -> list[str]:
    arguments, options = _rows(context, "argument"), _rows(context, "option")
    shared = [f"`{_flag(row)}`" for row in options if row in common]
    usage = " ".join([name, "[OPTIONS]", *(argument for argument, _ in arguments)])
    if hasattr(context.command, "commands"):
        usage += " COMMAND"
    parts = [f"## {name}\n", f"```text\n{usage}\n```\n", f"{context.command.help}\n"]
    if arguments:
        parts.append(_table("argument", arguments))
    if own := [row for row in options if row not in common]:
        parts.append(_table("option", own))
    if shared:
        parts.append(f"And {', '.join(shared)}: [see above](#options-of-several-commands).\n")
    return parts


def _commands(command: Any, parent: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command with its full name, in the order of `--help`."""
    context = typer.Context(command, info_name=name.rsplit(maxsplit=1)[-1], parent=parent)
    children = getattr(command, "commands", {})
    if not children or command.params:
        yield name, context
    for child_name, child in children.items():
        if not child.hidden:
            yield from _commands(child, context, f"{name} {child_name}")


def _rows(context: Any, kind: str) -> list[Row]:
    """The arguments or options of a command with their help, as `--help` describes them."""
    parameters = [p for p in context.command.params if p.param_type_name == kind]
    records = [parameter.get_help_record(context) for parameter in parameters]
    return [(_value(kind, record[0]), _notes(record[1])) for record in records if record]


def _value(kind: str, names: str) -> str:
    """Names with a placeholder for the value: `-k <int range>` becomes `-k N`."""
    if kind == "argument":
        return re.sub(r" <.*>$", "", names)
    return re.sub(r" <(.*)>$", lambda kind: f" {_PLACEHOLDERS.get(kind[1], kind[1])}", names)


def _notes(text: str) -> str:
    """Help with its default and range in words: `[default: 5; x>=1]` becomes `(default: 5; …)`."""
    text = re.sub(r"\s*\[required\]$", "", text)
    text = re.sub(r"\s+\[((?:default|x|-?[\d.]+<).*)\]$", r" (\1)", text)
    text = re.sub(r"\b(?<!-)x>=(-?[\d.]+)", r"at least \1", text)
    return re.sub(r"(-?[\d.]+)<=x<=(-?[\d.]+)", r"\1 to \2", text)


def _flag(row: Row) -> str:
    return row[0].split()[0].rstrip(",")


def _table(heading: str, rows: list[Row]) -> str:
    lines = [f"| {heading} | |", "|---|---|"]
    lines += [f"| `{_cell(names)}` | {_cell(text)} |" for names, text in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
