"""The reverse-search widget: a query of pictures, words and an expression, and what it finds."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from zcalc.errors import ZcalcError
from zcalc.index.feedback import edited
from zcalc.index.query import SAME
from zcalc.notebook.blocks import blocks_of, tree_of
from zcalc.notebook.live import large, shown_hits
from zcalc.notebook.panel import Panel, Request, carried
from zcalc.result import Result, Scalar

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

FILTERS: dict[str, Any] = {"k": 12, "where": "", "threshold": None, "fold": False, "diversity": 0.0}
_MOST = 200  # pictures that are shown


class Search(Panel):
    """A query, its filters, the pictures it finds, and the one that is looked at."""

    _esm = carried("panel.js", "search.js")
    _css = carried("widgets.css")
    filters = traitlets.Dict(dict(FILTERS)).tag(sync=True)
    looked_at = traitlets.Dict().tag(sync=True)

    def __init__(self, calculator: "Calculator", expr: str = "") -> None:
        self._known: dict[str, dict[str, Any]] = {}
        super().__init__(calculator, expr)

    @property
    def handlers(self) -> dict:
        """What can be asked for, by its name."""
        return super().handlers | {
            "more": lambda request: self._tell(more=[str(request["name"])]),
            "less": lambda request: self._tell(less=[str(request["name"])]),
            "filter": self._filter,
            "look": self._look,
            "close": lambda _: self.set_trait("looked_at", {}),
        }

    def _computed(self, result: Result | Scalar) -> dict[str, Any]:
        if isinstance(result, Scalar):
            raise ZcalcError("A number finds no pictures.", "Write an expression of pictures.")
        return self._found(result, self.filters)

    def _found(self, result: Result, filters: dict[str, Any]) -> dict[str, Any]:
        """The pictures that a result and its filters find, as JSON."""
        hits = result.nearest(
            int(filters["k"]),
            threshold=filters["threshold"],
            where=filters["where"] or None,
            fold=SAME if filters["fold"] else None,
            diversity=float(filters["diversity"]),
        )
        shown = shown_hits(hits)
        self._known = {one["name"]: one for one in shown}
        return {"expr": result.expr, "norm": result.norm, "pictures": shown}

    def _tell(self, **said: list[str]) -> None:
        """Write into the expression that there should be more or less like a picture."""
        if not self.draft.state.blocks:
            raise ZcalcError("There is no query yet.", "Begin with a picture or a word.")
        self.draft.change(blocks_of(edited(tree_of(self.draft.state.blocks), **said)))
        self._show()

    def _filter(self, request: Request) -> None:
        """Take filters that find something or nothing; those that can't be used change nothing."""
        filters = dict(FILTERS) | {name: request["filters"][name] for name in FILTERS}
        filters["k"] = max(1, min(_MOST, int(filters["k"])))
        if self.expr and self.draft.state.error is None:
            result = self.live.result(self.expr)
            if isinstance(result, Result):
                self.results = self._found(result, filters)
        self.filters = filters

    def _look(self, request: Request) -> None:
        """Show a picture that was found in large, with what is known about it."""
        hit = self._known.get(str(request["name"]))
        if hit is None:
            raise ZcalcError("This picture is not among those found any more.", "Search again.")
        about = [["score", f"{hit['score']:.2f}"], ["file", hit["path"]], *hit["metadata"]]
        about += [["alike", ", ".join(hit["alike"])]] if hit["alike"] else []
        self.looked_at = {"name": hit["name"], "src": large(Path(hit["path"])), "about": about}
