"""Draws national flags from their geometry: an interpreter for the flag table's mini-language."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from tools.mini.flag_table import FIGURES, TABLE

_OVERSAMPLING = 3  # factor along each side
_PENTAGRAM = 0.382  # inner over outer radius of a regular five-pointed star

Point = tuple[float, float]


@dataclass(frozen=True)
class Flag:
    """A country's flag; its `parts` are commands, painted in order."""

    code: str  # ISO 3166 alpha-2, lower case
    country: str
    people: str  # the adjective
    ratio: tuple[int, int]  # height, width
    parts: tuple[str, ...]


def draw(flag: Flag, height: int = 240, ratio: tuple[int, int] | None = None) -> Image.Image:
    """Draw a flag in RGB, `height` pixels high; `ratio` (height, width) overrides its own."""
    tall, wide = ratio or flag.ratio
    size = (round(height * wide / tall), height)
    large = Image.new("RGB", (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING), "white")
    _Brush(large, 0, 0, large.width, large.height).paint(flag.parts)
    return large.resize(size, Image.Resampling.BOX)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _read(table: str) -> Iterable[Flag]:
    """Parse the table; a line that starts with a space continues the previous one."""
    for line in table.replace("\n ", " ").strip().splitlines():
        code, country, people, ratio, text = (field.strip() for field in line.split("|"))
        tall, wide = ratio.split(":")
        yield Flag(code, country, people, (int(tall), int(wide)), _parts(text))


FLAGS: tuple[Flag, ...] = tuple(_read(TABLE))


class _Brush:
    """Paints parts into a rectangle of an image.

    `x` and `y` are percentages of the rectangle's width and height, radii and line widths are
    percentages of its height, and angles are in degrees, clockwise from the top.
    """

    def __init__(self, image: Image.Image, *place: float) -> None:
        self.image, self.pen = image, ImageDraw.Draw(image)
        self.left, self.top, self.wide, self.high = place  # pixels

    def paint(self, parts: Iterable[str], ink: str = "") -> None:
        """Paint parts in order; `#` in place of a colour stands for `ink`."""
        for part in parts:
            name, *tokens = part.split()
            words = [ink if token == "#" else token for token in tokens if not _number(token)]
            getattr(self, name)(words, *(self._value(token) for token in tokens if _number(token)))

    def _value(self, token: str) -> float:
        """Parse a percentage; `50h` converts 50 % of the height to a share of the width."""
        if token.endswith("h"):
            return float(token[:-1]) * self.high / self.wide
        return float(token)

    def _at(self, x: float, y: float) -> Point:
        return self.left + x * self.wide / 100, self.top + y * self.high / 100

    def _length(self, length: float) -> float:
        return length * self.high / 100

    def _box(self, x: float, y: float, r: float) -> tuple[float, float, float, float]:
        (cx, cy), r = self._at(x, y), self._length(r)
        return cx - r, cy - r, cx + r, cy + r

    def _around(self, x: float, y: float, r: float, degrees: Iterable[float]) -> list[Point]:
        """Points on a circle, at these angles."""
        (cx, cy), r = self._at(x, y), self._length(r)
        turns = [math.radians(d) for d in degrees]
        return [(cx + r * math.sin(t), cy - r * math.cos(t)) for t in turns]

    def _pairs(self, numbers: tuple[float, ...]) -> list[Point]:
        return [self._at(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]

    # Fields

    def h(self, colours: list[str], *weights: float) -> None:
        """Horizontal stripes, of equal height or in proportion to the weights."""
        done, total = 0.0, sum(weights) or len(colours)
        for colour, weight in zip(colours, weights or (1,) * len(colours), strict=True):
            self.rect([colour], 0, 100 * done / total, 100, 100 * weight / total)
            done += weight

    def v(self, colours: list[str], *weights: float) -> None:
        """Vertical stripes, of equal width or in proportion to the weights."""
        done, total = 0.0, sum(weights) or len(colours)
        for colour, weight in zip(colours, weights or (1,) * len(colours), strict=True):
            self.rect([colour], 100 * done / total, 0, 100 * weight / total, 100)
            done += weight

    def rows(self, colours: list[str], count: float) -> None:
        """`count` horizontal stripes in alternating colours."""
        self.h([colours[i % len(colours)] for i in range(int(count))])

    def field(self, colours: list[str]) -> None:
        """A plain field of one colour."""
        self.rect(colours, 0, 0, 100, 100)

    def rect(self, colours: list[str], *numbers: float) -> None:
        """A rectangle: x and y of its upper left corner, width and height."""
        x, y, wide, high = numbers
        (x0, y0), (x1, y1) = self._at(x, y), self._at(x + wide, y + high)
        self.pen.rectangle((round(x0), round(y0), round(x1) - 1, round(y1) - 1), colours[0])

    def cross(self, colours: list[str], x: float, y: float, width: float) -> None:
        """A cross from edge to edge whose arms cross at (x, y)."""
        self.line(colours, width, x, -10, x, 110)
        self.line(colours, width, -10, y, 110, y)

    def saltire(self, colours: list[str], width: float) -> None:
        """A diagonal cross from corner to corner."""
        self.line(colours, width, -20, -20, 120, 120)
        self.line(colours, width, -20, 120, 120, -20)

    def hoist(self, colours: list[str], depth: float) -> None:
        """A triangle on the left edge, its depth a percentage of the height."""
        tip = depth * self.high / self.wide
        self.poly(colours, 0, 0, tip, 50, 0, 100)

    # Shapes

    def poly(self, colours: list[str], *numbers: float) -> None:
        """A filled polygon."""
        self.pen.polygon(self._pairs(numbers), colours[0])

    def mirror(self, colours: list[str], *numbers: float) -> None:
        """A filled polygon: the points of its left half, mirrored about x = 50."""
        left = list(zip(numbers[::2], numbers[1::2], strict=True))
        right = [(100 - x, y) for x, y in reversed(left)]
        self.poly(colours, *(z for point in left + right for z in point))

    def line(self, colours: list[str], width: float, *numbers: float) -> None:
        """A line through points."""
        thick = max(1, round(self._length(width)))
        self.pen.line(self._pairs(numbers), colours[0], thick, joint="curve")

    def disc(self, colours: list[str], x: float, y: float, r: float) -> None:
        """A filled circle."""
        self.pen.ellipse(self._box(x, y, r), colours[0])

    def oval(self, colours: list[str], *numbers: float) -> None:
        """A filled ellipse: x, y and both radii."""
        x, y, rx, ry = numbers
        (cx, cy), rx, ry = self._at(x, y), self._length(rx), self._length(ry)
        self.pen.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), colours[0])

    def pie(self, colours: list[str], *numbers: float) -> None:
        """A sector of a disc: x, y, radius, start and end angle."""
        x, y, r, start, end = numbers
        self.pen.pieslice(self._box(x, y, r), start - 90, end - 90, colours[0])

    def arc(self, colours: list[str], *numbers: float) -> None:
        """An arc of a ring: x, y, outer radius, width, start and end angle."""
        x, y, r, width, start, end = numbers
        thick = max(1, round(self._length(width)))
        self.pen.arc(self._box(x, y, r), start - 90, end - 90, colours[0], thick)

    def crescent(self, colours: list[str], *numbers: float) -> None:
        """A disc (x, y, radius) minus another (radius, offset 0, direction of the offset 90)."""
        x, y, r, hole, away, turn = _with_defaults(numbers, 0, 0, 0, 0, 0, 90)
        mask = Image.new("1", self.image.size)
        pen, (cx, cy) = ImageDraw.Draw(mask), self._around(x, y, away, [turn])[0]
        pen.ellipse(self._box(x, y, r), 1)
        hole = self._length(hole)
        pen.ellipse((cx - hole, cy - hole, cx + hole, cy + hole), 0)
        self.image.paste(colours[0], mask=mask)

    def star(self, colours: list[str], *numbers: float) -> None:
        """A star: x, y, radius, points (5), rotation (0), inner over outer radius."""
        x, y, r, points, turn, inner = _with_defaults(numbers, 0, 0, 0, 5, 0, _PENTAGRAM)
        step = 360 / points
        turns = [turn + i * step for i in range(int(points))]
        tips = self._around(x, y, r, turns)
        notches = self._around(x, y, r * inner, [t + step / 2 for t in turns])
        self.pen.polygon([p for pair in zip(tips, notches, strict=True) for p in pair], colours[0])

    def stars(self, colours: list[str], r: float, *numbers: float) -> None:
        """Five-pointed stars at these points."""
        for x, y in zip(numbers[::2], numbers[1::2], strict=True):
            self.star(colours, x, y, r)

    def starfield(self, colours: list[str], r: float, *numbers: float) -> None:
        """Stars on every other point of a grid: horizontal and vertical step, columns and rows."""
        dx, dy, columns, rows = numbers
        grid = [(i, j) for j in range(1, int(rows) + 1) for i in range(1, int(columns) + 1)]
        spots = [(i * dx, j * dy) for i, j in grid if (i + j) % 2 == 0]
        self.stars(colours, r, *(z for spot in spots for z in spot))

    def starring(self, colours: list[str], r: float, *numbers: float) -> None:
        """Stars along an arc: x, y, radius, count, angles of the first and last star."""
        x, y, far, count, start, end = numbers
        turns = [start + i * (end - start) / (count - 1) for i in range(int(count))]
        for px, py in self._around(x, y, far, turns):
            place = 100 * (px - self.left) / self.wide, 100 * (py - self.top) / self.high
            self.star(colours, *place, r)

    def loop(self, colours: list[str], width: float, *numbers: float) -> None:
        """The outline of a regular polygon: x, y, radius, corners, rotation (0), step (1)."""
        x, y, r, points, turn, skip = _with_defaults(numbers, 0, 0, 0, 0, 0, 1)
        turns = [turn + i * skip * 360 / points for i in range(int(points) + 2)]
        thick = max(1, round(self._length(width)))
        self.pen.line(self._around(x, y, r, turns), colours[0], thick, joint="curve")

    def spokes(self, colours: list[str], width: float, *numbers: float) -> None:
        """Radial lines: x, y, inner and outer radius, count, rotation (0)."""
        x, y, near, far, count, turn = _with_defaults(numbers, 0, 0, 0, 0, 0, 0)
        thick = max(1, round(self._length(width)))
        for i in range(int(count)):
            angle = [turn + i * 360 / count]
            ends = self._around(x, y, near, angle) + self._around(x, y, far, angle)
            self.pen.line(ends, colours[0], thick)

    def plus(self, colours: list[str], *numbers: float) -> None:
        """A Greek cross: x, y, length and width of its arms."""
        x, y, length, width = numbers
        (cx, cy), a, b = self._at(x, y), self._length(length) / 2, self._length(width) / 2
        self.pen.rectangle((cx - a, cy - b, cx + a, cy + b), colours[0])
        self.pen.rectangle((cx - b, cy - a, cx + b, cy + a), colours[0])

    def diamonds(self, colours: list[str], x: float, wide: float, count: float) -> None:
        """A column of `count` diamonds from top to bottom, each with smaller ones inside."""
        for i in range(int(count)):
            y, half = 100 * (i + 0.5) / count, 50 / count
            for colour, part in zip(colours, (1.0, 0.55, 0.3), strict=False):
                a, b = wide * part / 2, half * part
                self.poly([colour], x - a, y, x, y - b, x + a, y, x, y + b)

    def dashes(self, colours: list[str], y: float, high: float, count: float) -> None:
        """A dashed horizontal line, `high` thick."""
        for i in range(int(count)):
            self.rect(colours, 100 * i / count, y, 60 / count, high)

    def chequers(self, colours: list[str], *numbers: float) -> None:
        """A chequerboard: x and y of its upper left corner, square size, columns and rows."""
        x, y, side, columns, rows = numbers
        for i in range(int(columns)):
            for j in range(int(rows)):
                self.rect([colours[(i + j) % 2]], x + i * side, y + j * side, side, side)

    # Figures

    def figure(self, words: list[str], x: float, y: float, size: float) -> None:
        """A figure of the table, `size` high and centred on (x, y), with an optional ink."""
        (cx, cy), side = self._at(x, y), self._length(size)
        brush = _Brush(self.image, cx - side / 2, cy - side / 2, side, side)
        brush.paint(_parts(FIGURES[words[0]]), (words[1:] or [""])[0])

    def inset(self, words: list[str], *numbers: float) -> None:
        """A figure of the table, stretched over a rectangle (as in `rect`) and clipped to it."""
        x, y, wide, high = numbers
        (x0, y0), (x1, y1) = self._at(x, y), self._at(x + wide, y + high)
        part = Image.new("RGB", (round(x1 - x0), round(y1 - y0)))
        _Brush(part, 0, 0, part.width, part.height).paint(_parts(FIGURES[words[0]]))
        self.image.paste(part, (round(x0), round(y0)))


def _with_defaults(numbers: tuple[float, ...], *defaults: float) -> tuple[float, ...]:
    return numbers + defaults[len(numbers) :]


def _number(token: str) -> bool:
    return token[0] in "-.0123456789"
