"""Search results, one by one and as a list that converts to tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    import pandas
    import polars
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result: `score` is its cosine, `alike` the near-duplicates folded into it.

    `metadata` is what the index stores about it; `missing` is set if its file was moved or deleted.
    `caption` is the one that goes into its point.
    """

    name: str
    path: str
    score: float
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    missing: bool = False
    alike: "tuple[Hit, ...]" = ()
    caption: str | None = None

    @property
    def details(self) -> dict[str, Any]:
        """The metadata without the caption."""
        return {name: v for name, v in self.metadata.items() if v != self.caption}

    def thumbnail(self, side: int = 288) -> "Image | None":
        """The picture, at most `side` pixels wide and high; None if it can't be read."""
        from zcalc.pictures import SHOWN, open_picture

        try:
            picture = open_picture(Path(self.path), SHOWN)
        except ZcalcError:
            return None
        picture.thumbnail((side, side))
        return picture


class Hits(list[Hit]):
    """Search results, best first: a list, and a table where one is wanted."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dictionary for each: name, path, score, and the columns of the index."""
        own = ("name", "path", "score")
        return [
            {"name": hit.name, "path": hit.path, "score": hit.score}
            | {f"{k}_" if k in own else k: v for k, v in hit.metadata.items()}
            for hit in self
        ]

    def to_pandas(self) -> "pandas.DataFrame":
        """A pandas DataFrame with a row for each; raises ZcalcError without pandas."""
        return _library("pandas").DataFrame(self.to_dicts())

    def to_polars(self) -> "polars.DataFrame":
        """A polars DataFrame with a row for each; raises ZcalcError without polars."""
        return _library("polars").DataFrame(self.to_dicts(), infer_schema_length=None)


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ZcalcError(f"{name} is not installed.", f"pip install {name}") from error


def jsonable(value: Any) -> Any:
    """A metadata value as JSON can represent it; dates and the like become text."""
    if isinstance(value, list):
        return [jsonable(one) for one in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def shown(value: Any) -> str:
    """A metadata value for people.

    >>> from datetime import datetime
    >>> shown(["Zürich", "lake"]), shown(datetime(2019, 7, 14, 18, 30)), shown(1.5)
    ('Zürich, lake', '2019-07-14 18:30:00', '1.5')
    """
    return ", ".join(map(shown, value)) if isinstance(value, list) else str(value)
