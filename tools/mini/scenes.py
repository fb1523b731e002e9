"""Training pictures of 224 x 224: flags, drawings and photographs in varied scenes."""

from numpy.random import Generator
from PIL import Image, ImageDraw

from tools.mini.scene_parts import (
    SIDE,
    Box,
    Colour,
    background_scene,
    cropped,
    drawing_background,
    noisy,
    outlined,
    pasted,
    plain,
    tilted,
    waved,
)

CLEAR = (0, 0, 0, 0)
ASPECTS = (1.0, 4 / 3, 4 / 3, 3 / 2, 3 / 2, 2.0)
FLAG_KINDS = {
    "flat": 0.24,
    "badge": 0.05,
    "waving": 0.21,
    "pole": 0.14,
    "tilted": 0.11,
    "small": 0.10,
    "crop": 0.09,
    "fabric": 0.06,
}


def flag_scene(flag: Image.Image, rng: Generator, background: Image.Image | None) -> Image.Image:
    """A random scene with a flag, never mirrored, its hue shifted by at most 3 degrees."""
    kind = str(rng.choice(list(FLAG_KINDS), p=list(FLAG_KINDS.values())))
    return flag_scene_of(kind, flag, rng, background)


def flag_scene_of(
    kind: str, flag: Image.Image, rng: Generator, background: Image.Image | None
) -> Image.Image:
    """A random scene of a certain kind, a key of `FLAG_KINDS`."""
    flag = flag.convert("RGB")
    if rng.random() < 0.4:  # many designs use an off-white
        gain = rng.uniform(0.87, 1.0)
        flag = flag.point(lambda value: value * gain)
    if kind == "crop" or (kind == "fabric" and rng.random() < 0.6):
        picture = _zoomed(flag, rng)
        if kind == "fabric" or rng.random() < 0.3:
            cloth = waved(picture.convert("RGBA"), (0, 0, SIDE, SIDE), rng, (0.03, 0.0))
            picture = pasted(cloth, picture)  # the flag shows behind edges that moved inwards
        return noisy(picture, rng, hue=3, grey=0)
    if kind == "flat":
        picture = _flat(flag, rng)
    elif kind == "badge":
        picture = _badge(flag, rng, background)
    else:
        picture = _cloth(kind, flag, rng, background)
    return noisy(picture, rng, hue=3, grey=0)


def drawing_scene(
    drawing: Image.Image, rng: Generator, background: Image.Image | None
) -> Image.Image:
    """A random scene with an RGBA drawing, on a plain light background 40 % of the time."""
    drawing = drawing.convert("RGBA")
    drawing = drawing.crop(drawing.getchannel("A").getbbox() or (0, 0, *drawing.size))
    if rng.random() < 0.5:
        drawing = drawing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    layer = Image.new("RGBA", (SIDE, SIDE), CLEAR)
    if rng.random() < 0.04:
        for left, top in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))[: rng.integers(2, 5)]:
            scale = rng.uniform(0.35, 0.5)
            _place(layer, drawing, (left * SIDE, top * SIDE, SIDE / 2, scale * SIDE), rng)
    else:
        scale = rng.uniform(0.7, 1.0) if rng.random() < 0.8 else rng.uniform(0.45, 0.7)
        _place(layer, drawing, (0.0, 0.0, SIDE, scale * SIDE), rng)
    if rng.random() < 0.7:
        layer = tilted(layer, rng, turn=15, amount=0.05 if rng.random() < 0.5 else 0.0)
    scene = plain(rng, 1.0) if rng.random() < 0.4 else drawing_background(rng, background)
    return noisy(outlined(layer, scene, rng), rng, hue=9, grey=0.05)


def photo_scene(photo: Image.Image, rng: Generator) -> Image.Image:
    """A random crop of 30 to 100 % of a photograph's area, mirrored half of the time."""
    return noisy(cropped(photo, rng, 0.3), rng, hue=6, grey=0.03)


def _place(layer: Image.Image, drawing: Image.Image, box: Box, rng: Generator) -> None:
    """Paste the drawing somewhere in the box (left, top, box side, longer side of the drawing)."""
    left, top, side, size = box
    scale = size / max(drawing.size)
    width, height = (max(1, round(length * scale)) for length in drawing.size)
    if rng.random() < 0.3:
        width = max(1, round(width * rng.uniform(0.85, 1.0)))
    small = drawing.resize((width, height), Image.Resampling.BICUBIC)
    x = left + rng.uniform(0, 1) * max(side - width, 0)
    y = top + rng.uniform(0, 1) * max(side - height, 0)
    layer.alpha_composite(small, (round(x), round(y)))


def _aspect(flag: Image.Image, rng: Generator) -> float:
    """Width over height: the flag's own 40 % of the time, otherwise a common one."""
    own = flag.width / flag.height
    return min(own, 2.2) if rng.random() < 0.4 else float(rng.choice(ASPECTS))


def _zoomed(flag: Image.Image, rng: Generator) -> Image.Image:
    """A crop of 75 to 100 % of the flag's area that fills the frame."""
    w, h = (flag.width * rng.uniform(0.866, 1), flag.height * rng.uniform(0.866, 1))
    left, top = rng.uniform(0, flag.width - w), rng.uniform(0, flag.height - h)
    return flag.resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + w, top + h))


def _flat(flag: Image.Image, rng: Generator) -> Image.Image:
    """The flag laid flat, centre-cropped as in CLIP's preprocessing, or with margins."""
    aspect = _aspect(flag, rng)
    if rng.random() < 0.35:
        keep = flag.width / max(aspect, 1.0)
        left = (flag.width - keep) / 2
        size, resample = (SIDE, SIDE), Image.Resampling.BICUBIC
        return flag.resize(size, resample, (left, 0, left + keep, flag.height))
    width = SIDE * rng.uniform(0.72, 1.0)
    height = min(width / aspect, SIDE)
    left = (SIDE - width) * rng.uniform(0.2, 0.8)
    top = (SIDE - height) * (0.5 if rng.random() < 0.7 else rng.uniform(0.1, 0.9))
    layer = _card(flag, (left, top, width, height), rng)
    return pasted(layer, plain(rng, 0.55))


def _card(flag: Image.Image, box: Box, rng: Generator) -> Image.Image:
    """A transparent layer with the flag in the box, at times with round corners or an edge."""
    left, top, width, height = (round(value) for value in box)
    layer = Image.new("RGBA", (SIDE, SIDE), CLEAR)
    small = flag.resize((max(width, 8), max(height, 8)), Image.Resampling.BICUBIC)
    mask = Image.new("L", (small.width * 2, small.height * 2), 255)
    radius = 0.0
    if rng.random() < 0.4:
        radius = rng.uniform(0.03, 0.2) * min(small.size)
        mask.paste(0, (0, 0, *mask.size))
        end = (mask.width - 1, mask.height - 1)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, *end), 2 * radius, fill=255)
    if rng.random() < 0.35:
        shade: Colour = (0, 0, 0) if rng.random() < 0.6 else (int(rng.integers(60, 230)),) * 3
        edge = max(1, round(rng.uniform(0.004, 0.03) * small.width))
        end = (small.width - 1, small.height - 1)
        ImageDraw.Draw(small).rounded_rectangle((0, 0, *end), radius, outline=shade, width=edge)
    layer.paste(small, (left, top), mask.resize(small.size, Image.Resampling.BOX))
    return layer


def _badge(flag: Image.Image, rng: Generator, background: Image.Image | None) -> Image.Image:
    """A round badge with the middle of the flag, or all of it squeezed in."""
    diameter = int(SIDE * rng.uniform(0.5, 1.0))
    keep = flag.height if rng.random() < 0.6 else flag.width
    left = max(flag.width - keep, 0) / 2
    box = (left, 0, min(left + keep, flag.width), flag.height)
    small = flag.resize((diameter, diameter), Image.Resampling.BICUBIC, box)
    mask = Image.new("L", (2 * diameter, 2 * diameter), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, 2 * diameter - 1, 2 * diameter - 1), fill=255)
    layer = Image.new("RGBA", (SIDE, SIDE), CLEAR)
    x, y = (int(value) for value in rng.integers(0, SIDE - diameter + 1, 2))
    layer.paste(small, (x, y), mask.resize(small.size, Image.Resampling.BOX))
    scene = background_scene(rng, background) if rng.random() < 0.3 else plain(rng, 0.6)
    return outlined(layer, scene, rng)


def _cloth(
    kind: str, flag: Image.Image, rng: Generator, background: Image.Image | None
) -> Image.Image:
    """A cloth or board flag in a scene: waving, on a pole, tilted, small or as fabric."""
    low, high = {"pole": (0.35, 0.8), "small": (0.2, 0.45)}.get(kind, (0.65, 0.96))
    aspect = _aspect(flag, rng)
    width = SIDE * rng.uniform(low, high) * min(1.0, aspect)
    height = width / aspect
    spread = 0.48 if kind == "small" else 0.25
    left, top = (0.5 + rng.uniform(-spread, spread, 2)) * (SIDE - width, SIDE - height)
    box = (left, top, width, height)
    layer = _card(flag, box, rng)
    emoji = kind == "waving" and rng.random() < 0.5
    if kind in ("waving", "pole", "fabric") or rng.random() < 0.4:
        fold = 0.08 if emoji else rng.uniform(0.02, 0.13)
        layer = waved(layer, box, rng, (fold, 0.35 if kind == "pole" else 0.0))
    if kind == "pole" or (kind == "small" and rng.random() < 0.5):
        layer = _poled(layer, box, rng)
    if kind == "tilted" or (not emoji and rng.random() < 0.4):
        layer = tilted(layer, rng, turn=10, amount=0.16 if kind == "tilted" else 0.06)
    scene = plain(rng, 0.8) if emoji else background_scene(rng, background)
    return pasted(layer, scene)


def _poled(layer: Image.Image, box: Box, rng: Generator) -> Image.Image:
    """Draw a pole at the flag's left edge down to the bottom of the frame, at times with a knob."""
    left, top, width, _ = box
    thick = max(2.0, width * rng.uniform(0.015, 0.06))
    greys = int(rng.integers(90, 230))
    colours = ((greys, greys, greys), (110, 75, 45), (240, 240, 240), (200, 165, 70))
    colour = (*colours[rng.integers(4)], 255)
    peak = top - rng.uniform(0.01, 0.12) * SIDE
    pole = Image.new("RGBA", (SIDE, SIDE), CLEAR)
    draw = ImageDraw.Draw(pole)
    draw.rectangle((left - thick, peak, left, SIDE), fill=colour)
    dark = (*(int(value * 0.7) for value in colour[:3]), 255)
    draw.rectangle((left - thick / 3, peak, left, SIDE), fill=dark)
    if rng.random() < 0.5:
        knob, middle = thick * rng.uniform(0.8, 1.4), left - thick / 2
        draw.ellipse((middle - knob, peak - knob, middle + knob, peak + knob), fill=colour)
    return Image.alpha_composite(pole, layer)
