"""`zcalc decoder`: the decoders, and training one on captions."""

import typer

from zcalc.cli import decoder_train
from zcalc.cli.options import Json, Model, print_json, reporting

app = typer.Typer(help="Decoders: list them, or train one on captions.", no_args_is_help=True)
app.command("train")(decoder_train.train)


@app.command("list")
def list_decoders(model: Model = "mini", as_json: Json = False) -> None:
    """List the decoders with their settings; defaults are those of the preset."""
    with reporting(as_json):
        from zcalc.decode.decoders import DECODERS
        from zcalc.decode.fields import settings_of
        from zcalc.models.pair import Models

        preset = Models.named(model).preset
        data = []
        for decoder in DECODERS.values():
            own = preset.decoder.get(decoder.name, {})
            settings = [
                {
                    "name": known.name,
                    "default": own.get(known.name, known.default),
                    "takes": known.condition,
                    "meaning": known.doc,
                }
                for known in settings_of(decoder.settings).values()
            ]
            data.append(
                {
                    "name": decoder.name,
                    "description": decoder.description,
                    "is_default": decoder.name == preset.method,
                    "settings": settings,
                }
            )
        if as_json:
            print_json({"model": model, "decoders": data})
        else:
            from zcalc.show.decoders import print_decoders

            print_decoders(data, model)


@app.callback()
def decoder() -> None:
    """Decoders: list them, or train one on captions."""
