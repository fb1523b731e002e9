"""`zcalc index duplicates` and `clusters`: what an index has several times, and what it is of."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from zcalc.cli.options import Clip, Device, Json, Model, print_json, reporting

app = typer.Typer()
_File = Annotated[Path, typer.Argument(metavar="FILE", help="An index.")]
_SHOWN = 8  # pictures of a cluster that are named


@app.command("duplicates")
def duplicates(
    file: _File,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="The cosine from which two are duplicates.")
    ] = 0.97,
    print0: Annotated[
        bool,
        typer.Option("--print0", help="Print only the ones to drop, each with NUL after it."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Groups of near-duplicates; in each the largest file comes first, the one to keep."""
    with reporting(as_json):
        from zcalc.index import Index
        from zcalc.index.groups import duplicates as find
        from zcalc.pictures import printable

        groups = find(Index.open(file), threshold)
        if as_json:
            rows = [[{"path": h.path, "cosine": round(h.score, 4)} for h in g] for g in groups]
            print_json({"index": str(file), "groups": rows})
            return
        for group in groups:
            if print0:
                sys.stdout.write("".join(f"{hit.path}\0" for hit in group[1:]))
                continue
            for place, hit in enumerate(group):
                mark = "keep" if place == 0 else f"{hit.score:.3f}"
                print(f"{mark:>6}  {printable(hit.path)}")
            print()
        count = sum(len(group) - 1 for group in groups)
        said = f"{len(groups)} group{'s' * (len(groups) != 1)}"
        typer.echo(f"{said}, {count} to drop to keep one of each.", err=True)


@app.command("column")
def column(
    file: _File,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND=VALUE",
            help="label='cat|dog|bird', score='EXPR', cluster=12 or caption=METHOD; without it, "
            "the columns are filled in for pictures that are new.",
        ),
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The name of the column.")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Take a computed column out; repeatable."),
    ] = None,
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Compute a column of an index and keep it, to be used in --where."""
    with reporting(as_json):
        from zcalc import columns
        from zcalc.calculator import Calculator

        if drop:
            index = columns.drop(file, drop)
        else:
            new = [columns.parse(what, as_)] if what else []
            calculator = Calculator.create(model, clip=clip, device=device, index=str(file))
            index = columns.compute(calculator, file, new)
        names = [info.name for info in index.manifest.columns]
        if as_json:
            print_json({"index": str(file), "columns": names})
        else:
            print(f"{file}: computed columns {', '.join(names) or 'none'}")


@app.command("clusters")
def clusters(
    file: _File,
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    k: Annotated[int | None, typer.Option("-k", min=1, help="How many clusters.")] = None,
    words: Annotated[int, typer.Option(min=1, help="How many words for each.")] = 5,
    seed: Annotated[int, typer.Option(help="Random seed of the k-means.")] = 0,
    as_json: Json = False,
) -> None:
    """What an index is of: its clusters, the words nearest to each and those that set it apart."""
    with reporting(as_json):
        import numpy as np

        from zcalc.analysis.difference import separators
        from zcalc.calculator import Calculator
        from zcalc.index.groups import clusters as find
        from zcalc.pictures import printable

        calculator = Calculator.create(model, clip=clip, device=device, index=str(file))
        index: Any = calculator.image_index
        texts, vectors = calculator.models.plain_vocabulary, np.asarray(index.vectors)
        for number, cluster in enumerate(find(index, k, seed), 1):
            name = calculator.add_vector(cluster.centre, f"cluster_{number}")
            near = [word.text for word in calculator.img(name).words(words)]
            rest = np.delete(vectors, cluster.rows, axis=0)
            apart = []
            if min(len(rest), len(cluster.rows)) > 1:
                own = vectors[cluster.rows]
                apart = separators(own, rest, texts.texts, texts.vectors, words)
            entries = [index.entry(int(row)) for row in cluster.rows]
            names = [entry.name for entry in entries[:_SHOWN]]
            if as_json:
                diff = [{"text": a.text, "auroc": round(a.auroc, 4)} for a in apart]
                paths = [entry.path for entry in entries]
                print_json({"cluster": number, "words": near, "diff": diff, "pictures": paths})
                continue
            print(f"{number}. {len(cluster.rows):,} pictures: {', '.join(near)}")
            if apart:
                print(f"   apart by: {', '.join(f'{a.text} ({a.auroc:.2f})' for a in apart)}")
            more = f" and {len(cluster.rows) - _SHOWN} more" if len(cluster.rows) > _SHOWN else ""
            print(f"   {printable(', '.join(names))}{more}")
