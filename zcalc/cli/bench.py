"""`zcalc bench`: run benchmarks and print their reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zcalc.cli import bench_queries
from zcalc.cli.bench_run import (
    Encoder,
    Folders,
    Items,
    Other,
    Table,
    calculator_of,
    print_scores,
    print_table,
    report,
)
from zcalc.cli.bench_tables import answers_table, misses_table
from zcalc.cli.options import Json, Method, Model, print_json, reporting

if TYPE_CHECKING:
    from zcalc.bench import Report
    from zcalc.calculator import Calculator

app = typer.Typer(help="Benchmark the models.", no_args_is_help=True)
app.add_typer(bench_queries.app)


@app.command("mini")
def bench_mini(  # noqa: PLR0913, PLR0917
    photos: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Photographs with a labels.tsv.")
    ] = None,
    scenes: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Photographs with a captions.tsv.")
    ] = None,
    samples: Annotated[int, typer.Option(min=0, help="Captions to sample from the model.")] = 0,
    captions: Annotated[int, typer.Option(min=0, help="Photographs to caption.")] = 0,
    items: Items = False,
    as_json: Json = False,
) -> None:
    """Measure the bundled models: recall on photographs and scenes, cosine with the teacher."""
    with reporting(as_json):
        from zcalc.bench.mini import measure_mini

        result = measure_mini(calculator_of("mini"), photos, scenes, samples, captions)
        if as_json:
            print_json(result.data(items))
            return
        print_scores(result.scores, 52, 8)
        for row in result.captions:
            print(f"{'+' if row.right else '-'} {row.name:26} {row.caption}")
        for caption in result.samples:
            print(caption)


@app.command("arithmetic")
def bench_arithmetic(  # noqa: PLR0913, PLR0917
    photos: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Photographs for three quarters of the set."),
    ] = None,
    split: Annotated[str, typer.Option(help="dev (to tune on), test (to report) or all.")] = "test",
    captions: Annotated[bool, typer.Option(help="Write a caption for each; slow.")] = False,
    show: Annotated[bool, typer.Option(help="List every question with its answers.")] = False,
    model: Model = "mini",
    as_json: Json = False,
) -> None:
    """Ask 605 questions in picture arithmetic, each with a closed list of answers."""
    with reporting(as_json):
        from zcalc.bench.arithmetic import measure_arithmetic

        result = measure_arithmetic(calculator_of(model), split, photos, captions)
        if as_json:
            print_json(result.data(items=show))
            return
        from zcalc.show import tables, terminal

        if show:
            terminal.out.print(answers_table(result.answers))
        terminal.out.print(tables.rich_table(result.cells()))
        if result.notice:
            terminal.err.print(result.notice, style="yellow", markup=False)


@app.command("plain")
def bench_plain(
    split: Annotated[str, typer.Option(help="dev (to tune on), test (to report) or all.")] = "all",
    model: Encoder = "mini",
    items: Items = False,
    as_json: Json = False,
) -> None:
    """Ask plain questions about the sample pictures; list wrong answers and the hubs."""
    with reporting(as_json):
        from zcalc.bench import Suite, plain_questions, sample_hubs

        calculator = calculator_of(model)
        reports = (plain_questions(calculator, split), sample_hubs(calculator))
        if as_json:
            suite = Suite(reports, (), sum(report.seconds for report in reports))
            print_json(suite.data(items))
            return
        for report in reports:
            print_table(report)
        from zcalc.show import terminal

        terminal.out.print(misses_table(reports[0]))


@app.command("flags")
def bench_flags(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="A subfolder for each design, with us.png etc."),
    ] = None,
    model: Model = "mini",
    as_json: Json = False,
) -> None:
    """Recognise countries by their flags, in designs that no model was trained on."""
    with reporting(as_json):
        from zcalc.bench.flags import flag_retrieval

        report = flag_retrieval(calculator_of(model), folder)
        scores = {
            f"{section}, {metric.name}": metric.value(rows)
            for section, rows in report.section_rows()
            for metric in report.metrics
        }
        if as_json:
            print_json(scores)
        else:
            print_scores(scores, 44, 7)


@app.command("all")
def bench_all(
    model: Encoder = "mini",
    other: Other = None,
    method: Method = None,
    items: Items = False,
    as_json: Json = False,
) -> None:
    """Run every benchmark on the data that zcalc ships: a few minutes."""
    with reporting(as_json):
        from zcalc.bench import compare, run_all

        first = run_all(calculator_of(model), method)
        if other is None:
            print_table(first, first.data(items) if as_json else None)
            return
        second = {r.title: r for r in run_all(calculator_of(other), method).reports}
        comparisons = [compare(r, second[r.title]) for r in first.reports if r.title in second]
        if as_json:
            print_json({"comparisons": [comparison.data() for comparison in comparisons]})
            return
        for comparison in comparisons:
            print_table(comparison)


@app.command("analogies")
def bench_analogies(
    table: Annotated[
        Path | None, typer.Argument(metavar="[TSV]", help="Columns section, a, b, c and answers.")
    ] = None,
    model: Encoder = "mini",
    other: Other = None,
    items: Items = False,
    as_json: Json = False,
) -> None:
    """Complete analogies a - b + c in words alone: R@1 and R@5."""

    def run(calculator: "Calculator") -> "Report":
        from zcalc.bench import analogies

        return analogies(calculator, table)

    report(run, (model, other), None, items, as_json)


@app.command("random-pairs")
def bench_random_pairs(
    model: Encoder = "mini", items: Items = False, as_json: Json = False
) -> None:
    """Measure the cosine of random pairs, and keep it: answers below it are marked as weak."""

    def run(calculator: "Calculator") -> "Report":
        from zcalc.bench import random_pairs

        return random_pairs(calculator)

    report(run, (model, None), None, items, as_json)


@app.command("retrieval")
def bench_retrieval(  # noqa: PLR0913, PLR0917
    table: Table,
    images: Folders = None,
    model: Encoder = "mini",
    other: Other = None,
    items: Items = False,
    as_json: Json = False,
) -> None:
    """Retrieve texts by picture and pictures by text: R@1, R@5, R@10, median rank."""

    def run(calculator: "Calculator") -> "Report":
        from zcalc.bench import retrieval

        return retrieval(calculator, table)

    report(run, (model, other), images, items, as_json)


@app.command("captions")
def bench_captions(  # noqa: PLR0913, PLR0917
    table: Table,
    images: Folders = None,
    method: Method = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Caption so many pictures.")] = None,
    model: Encoder = "mini",
    other: Other = None,
    items: Items = False,
    as_json: Json = False,
) -> None:
    """Caption pictures of a table or COCO JSON: BLEU, CIDEr, ROUGE-L, METEOR, CLIPScore …"""

    def run(calculator: "Calculator") -> "Report":
        from zcalc.bench import captions

        folder = images[0] if images and table.suffix.lower() == ".json" else None
        return captions(calculator, table, method, folder=folder, limit=limit)

    report(run, (model, other), images, items, as_json)
