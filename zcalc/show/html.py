"""What every HTML rendering shares: escaping, style sheets, and pictures as data URIs."""

import base64
import io
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def escaped(text: str) -> str:
    """Text inside HTML or a quoted attribute; broken encodings become question marks."""
    return escape(text.encode("utf-8", "replace").decode(), quote=True)


@cache
def style_sheet(name: str) -> str:
    """A style sheet of this package, such as "card.css"."""
    return (files("zcalc.show") / name).read_text(encoding="utf-8")


def jpeg_uri(picture: "Image", size: tuple[int, int], quality: int) -> str:
    """A picture, downscaled in place to fit `size` pixels, as a JPEG data URI."""
    picture.thumbnail(size)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return data_uri("image/jpeg", buffer.getvalue())


def data_uri(mime_type: str, data: bytes) -> str:
    """Bytes as a data URI."""
    return f"data:{mime_type};base64,{base64.b64encode(data).decode()}"
