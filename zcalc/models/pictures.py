"""Any picture as upright RGB, as the encoders want it."""

import numpy as np
from PIL import Image, ImageOps

from zcalc.errors import ZcalcError

_WHITE = (255, 255, 255)


def to_rgb(picture: Image.Image) -> Image.Image:
    """Turn a picture upright (EXIF) and into RGB: transparency over white, 16 bits scaled to 8.

    Raises ZcalcError for a picture that can't be read or is of a mode that has no colours in RGB.
    """
    try:
        upright = ImageOps.exif_transpose(picture)
        if upright.has_transparency_data:
            colour = upright.convert("RGBA")
            paper = Image.new("RGB", colour.size, _WHITE)
            paper.paste(colour, mask=colour.getchannel("A"))
            return paper
        if upright.mode == "F" or upright.mode.startswith("I"):
            return _from_deep(upright).convert("RGB")
        return upright.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        name = getattr(picture, "filename", "") or "a picture"
        raise ZcalcError(
            f"Can't read {name}: {error}",
            "Open it in a picture program and save it as PNG or JPEG.",
        ) from error


def _from_deep(picture: Image.Image) -> Image.Image:
    """Scale whole numbers of 16 bits, or fractions of 1, to 8 bits of grey."""
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32))  # (h, w)
    largest = float(values.max(initial=0))
    if picture.mode == "F":
        scale = 255.0 if largest <= 1 else 1.0
    else:
        scale = 255 / 65535 if picture.mode != "I" or largest > 255 else 1.0
    return Image.fromarray((values * scale).round().clip(0, 255).astype(np.uint8))
