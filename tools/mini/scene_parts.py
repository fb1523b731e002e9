"""Building blocks of `scenes`: backgrounds, layer warps, and the noise of real pictures."""

import io
import math

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageChops, ImageFilter

SIDE = 224  # pixels
WHITE = (255, 255, 255)
Colour = tuple[int, ...]
Box = tuple[float, float, float, float]  # left, top, width, height in pixels


def background_scene(rng: Generator, background: Image.Image | None) -> Image.Image:
    """The background of a flag: the photograph 60 % of the time, otherwise synthetic."""
    if background is not None and rng.random() < 0.6:
        scene = cropped(background, rng, 0.2)
        if rng.random() < 0.35:
            scene = scene.filter(ImageFilter.BoxBlur(rng.uniform(1, 5)))
        return scene
    draw = (_sky, _sky, _blobs, _gradient, _texture)[rng.integers(5)]
    return draw(rng)


def _colour(rng: Generator) -> Colour:
    return tuple(int(value) for value in rng.integers(0, 256, 3))


def plain(rng: Generator, white: float) -> Image.Image:
    """A plain colour: white with probability `white`, otherwise black, grey or any."""
    if rng.random() < white:
        colour: Colour = WHITE if rng.random() < 0.8 else (int(rng.integers(235, 256)),) * 3
    else:
        grey = (int(rng.integers(40, 245)),) * 3
        colour = ((0, 0, 0), grey, _colour(rng), _colour(rng))[rng.integers(4)]
    return Image.new("RGB", (SIDE, SIDE), colour)


def _upsampled(cells: np.ndarray) -> Image.Image:
    """Cells (h, w, 3), 0 to 255, interpolated to the size of the picture."""
    small = Image.fromarray(np.clip(cells, 0, 255).astype(np.uint8))
    return small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _gradient(rng: Generator) -> Image.Image:
    ends = rng.uniform(0, 255, (2, 3))
    corners = np.stack((ends[0], ends.mean(0), ends.mean(0), ends[1]))
    return _upsampled(corners.reshape(2, 2, 3))


def _sky(rng: Generator) -> Image.Image:
    top = np.array((rng.uniform(20, 150), rng.uniform(90, 190), rng.uniform(170, 255)))
    bottom = top + rng.uniform(0.1, 0.9) * (255 - top)
    if rng.random() < 0.15:  # dusk
        bottom = np.array((250, rng.uniform(120, 200), rng.uniform(80, 150)))
    rows = np.linspace(0, 1, 9)[:, None, None]
    cells = top + rows * (bottom - top) + np.zeros((9, 9, 1))  # (9, 9, 3)
    if rng.random() < 0.5:  # clouds
        cells = cells + rng.uniform(0, 90) * np.maximum(rng.standard_normal((9, 9, 1)), 0)
    return _upsampled(cells)


def _blobs(rng: Generator) -> Image.Image:
    cells = int(rng.integers(3, 7))
    return _upsampled(rng.uniform(0, 255, (cells, cells, 3)))


def _texture(rng: Generator) -> Image.Image:
    """A colour with soft light and dark spots of similar size."""
    cells = int(rng.integers(8, 90))
    spots = rng.standard_normal((cells, cells, 1)) * rng.uniform(4, 22)
    return _upsampled(np.array(_colour(rng)) + spots)


def drawing_background(rng: Generator, background: Image.Image | None) -> Image.Image:
    """The background of a drawing that is not on white: a photograph, colour or texture."""
    draw = rng.random()
    if background is not None and draw < 0.4:
        return background_scene(rng, background)
    return (
        plain(rng, 0.0)
        if draw < 0.65
        else (_gradient, _texture, _blobs, _sky)[rng.integers(4)](rng)
    )


def cropped(photo: Image.Image, rng: Generator, least: float) -> Image.Image:
    """A random crop of at least `least` of the photograph's area, mirrored half of the time."""
    width, height = photo.size
    area, ratio = rng.uniform(least, 1) * width * height, math.exp(rng.uniform(-0.29, 0.29))
    w = min(width, math.sqrt(area * ratio))
    h = min(height, math.sqrt(area / ratio))
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    part = photo.resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + w, top + h), reducing_gap=2.0
    ).convert("RGB")
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part


def waved(layer: Image.Image, box: Box, rng: Generator, bend: tuple[float, float]) -> Image.Image:
    """Warp the layer along a wave and shade its folds.

    `bend` is the amplitude of the wave and the maximum sag of the fly end, as shares of the box's
    height.
    """
    (left, top, width, height), (fold, droop) = box, bend
    turns, lean = rng.uniform(0.7, 2.4), rng.uniform(-1.2, 1.2)
    phase, second = rng.uniform(0, 2 * math.pi, 2)
    fixed = rng.random() < 0.6  # the hoist does not move
    sag = rng.uniform(0, droop) * height
    strength = rng.uniform(0.05, 0.3)

    def wave(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        """Source x and y of points of the picture, and the slope there, -1 to 1."""
        u, v = (x - left) / width, (y - top) / height
        ramp = np.clip(u, 0, 1) if fixed else 1.0
        angle = 2 * math.pi * turns * u + lean * v + phase
        shift = fold * height * (np.sin(angle) + 0.3 * np.sin(1.7 * angle + second))
        across = 0.25 * fold * height * np.sin(angle + second)
        return x + ramp * across, y + ramp * shift - sag * u, np.cos(angle) * ramp

    columns, rows = np.linspace(0, SIDE, 33), np.linspace(0, SIDE, 9)
    corners = np.stack(wave(*np.meshgrid(columns, rows))[:2], -1)  # (9, 33, 2)
    layer = layer.transform(
        layer.size, Image.Transform.MESH, _mesh(columns, rows, corners), Image.Resampling.BILINEAR
    )
    ys, xs = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    return _shaded(layer, strength * wave(xs, ys)[2])


def _mesh(columns: np.ndarray, rows: np.ndarray, corners: np.ndarray) -> list:
    """Pillow's mesh: boxes between columns (w,) and rows (h,), with source corners (h, w, 2)."""
    x, y = columns.astype(int).tolist(), rows.astype(int).tolist()
    return [
        (
            (x[j], y[i], x[j + 1], y[i + 1]),
            (*corners[i, j], *corners[i + 1, j], *corners[i + 1, j + 1], *corners[i, j + 1]),
        )
        for i in range(len(y) - 1)
        for j in range(len(x) - 1)
    ]


def _shaded(layer: Image.Image, light: np.ndarray) -> Image.Image:
    """Darken or lighten the layer by `light` (224, 224), a relative change around 0."""
    values = np.asarray(layer).astype(np.float32)  # (224, 224, 4)
    gain = light[..., None].astype(np.float32)
    values[..., :3] = values[..., :3] * (1 + gain) + 60 * np.maximum(gain, 0)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8), "RGBA")


def tilted(layer: Image.Image, rng: Generator, turn: float, amount: float) -> Image.Image:
    """Rotate the layer by up to `turn` degrees and move its corners by up to `amount` of SIDE."""
    angle = math.radians(rng.uniform(-turn, turn))
    square = np.array(((0, 0), (0, 1), (1, 1), (1, 0))) - 0.5  # (4, 2)
    spin = np.array(((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))))
    target = (square @ spin.T + rng.uniform(-amount, amount, (4, 2)) + 0.5) * SIDE
    source = (square + 0.5) * SIDE
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    data = np.linalg.solve(np.array(rows), np.array(values))  # (8,)
    kind, resample = Image.Transform.PERSPECTIVE, Image.Resampling.BILINEAR
    return layer.transform(layer.size, kind, tuple(data), resample)


def pasted(layer: Image.Image, scene: Image.Image) -> Image.Image:
    """Paste the layer on the scene, in place."""
    scene.paste(layer, (0, 0), layer)
    return scene


def outlined(layer: Image.Image, scene: Image.Image, rng: Generator) -> Image.Image:
    """Paste the layer on the scene, with a shadow at times, and an outline at times.

    A layer that would not stand out against the scene always gets an outline.
    """
    alpha = layer.getchannel("A")
    if rng.random() < 0.2:
        soft = alpha.filter(ImageFilter.BoxBlur(rng.uniform(1, 6)))
        shift = [int(value) for value in rng.integers(-2, 9, 2)]
        soft = ImageChops.offset(soft, *shift).point(lambda value: value * 0.45)
        scene.paste((0, 0, 0), (0, 0), soft)
    opaque = np.asarray(alpha) > 128  # (224, 224)
    front = np.asarray(layer)[opaque][:, :3].astype(np.float32)  # (pixels, 3)
    back = np.asarray(scene)[opaque].astype(np.float32)
    low_contrast = front.size > 0 and np.abs(front - back).max(1).mean() < 45
    if low_contrast or rng.random() < 0.1:
        edge = 60 if front.size and front.mean() > 150 and low_contrast else 255
        outline = alpha.filter(ImageFilter.BoxBlur(rng.uniform(1.5, 5)))
        outline = outline.point(lambda value: min(255, value * 6))
        scene.paste((edge, edge, edge), (0, 0), outline)
    return pasted(layer, scene)


def noisy(picture: Image.Image, rng: Generator, hue: float, grey: float) -> Image.Image:
    """Randomly tone, blur, add noise and compress; shift the hue by at most `hue` degrees.

    `grey` is the probability that a toned picture loses its colour.
    """
    if rng.random() < 0.85:
        picture = _toned(picture, rng, hue, 0.0 if rng.random() < grey else rng.uniform(0.7, 1.2))
    if rng.random() < 0.12:
        side = int(rng.integers(48, 121))
        small = picture.resize((side, side), Image.Resampling.BILINEAR)
        picture = small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    elif rng.random() < 0.2:
        picture = picture.filter(ImageFilter.BoxBlur(rng.uniform(0.3, 1.6)))
    if rng.random() < 0.3:
        grain = rng.standard_normal((SIDE, SIDE, 3), dtype=np.float32)
        values = np.asarray(picture) + grain * np.float32(rng.uniform(2, 14))
        picture = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=int(rng.integers(30, 96)))
        picture = Image.open(packed).convert("RGB")
    return picture


def _toned(picture: Image.Image, rng: Generator, hue: float, saturation: float) -> Image.Image:
    """Change brightness, contrast, warmth, saturation and hue with one matrix."""
    luma = np.array(((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)))
    angle = math.radians(rng.uniform(-hue, hue))
    turn = np.eye(3)
    turn[1:, 1:] = np.array(
        ((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle)))
    )
    turn[1:] *= saturation
    contrast = rng.uniform(0.75, 1.15)
    gains = contrast * rng.uniform(0.85, 1.15) * rng.uniform(0.97, 1.03, (3, 1))
    matrix = gains * (np.linalg.inv(luma) @ turn @ luma)  # (3, 3)
    lift = np.full((3, 1), 128 * (1 - contrast) * rng.uniform(0.3, 1.2))
    return picture.convert("RGB", tuple(np.hstack((matrix, lift)).ravel()))
