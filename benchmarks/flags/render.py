"""Render the flags of `zcalc bench flags`, in designs that no model is trained on.

    python benchmarks/flags/render.py FLAG_ICONS NOTO

FLAG_ICONS is the unpacked npm package flag-icons, NOTO the unpacked Debian package
fonts-noto-color-emoji. The countries are those of zcalc/bench/flags.tsv.
"""

import io
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
WIDTH = 160  # pixels of a 4:3 flag-icons drawing
NOTO_SIZE = (128, 128)  # pixels; the font's bitmaps are 136 by 128 with empty edges
COLOURS = 64  # in a palette


def main(flag_icons: Path, noto: Path) -> None:
    """Write xx.png for every country to the folders flag-icons and noto."""
    table = HERE.parents[1] / "zcalc/bench/flags.tsv"
    codes = [line.split("\t")[0] for line in table.read_text("utf8").splitlines()[1:]]
    font = _font(noto)
    for folder in ("flag-icons", "noto"):
        (HERE / folder).mkdir(exist_ok=True)
    for code in codes:
        _save(_flag_icon(flag_icons / f"flags/4x3/{code}.svg"), HERE / f"flag-icons/{code}.png")
        _save(_emoji(code, font), HERE / f"noto/{code}.png")


def _flag_icon(file: Path) -> Image.Image:
    import resvg_py

    data = resvg_py.svg_to_bytes(svg_path=str(file), width=WIDTH)
    return Image.open(io.BytesIO(bytes(data))).convert("RGBA")


def _font(noto: Path) -> ImageFont.FreeTypeFont:
    file = next(noto.rglob("NotoColorEmoji.ttf"))
    return ImageFont.truetype(file, 109, layout_engine=ImageFont.Layout.RAQM)


def _emoji(code: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Draw the flag of a pair of regional indicators on a transparent background."""
    first = ord("\N{REGIONAL INDICATOR SYMBOL LETTER A}")
    letters = "".join(chr(first + ord(letter) - ord("a")) for letter in code)
    picture = Image.new("RGBA", NOTO_SIZE)
    ImageDraw.Draw(picture).text((-4, 0), letters, font=font, embedded_color=True)
    return picture


def _save(picture: Image.Image, file: Path) -> None:
    opaque = picture.getextrema()[3][0] == 255
    if opaque:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    else:
        small = picture.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
