"""The reverse-search widget: search the gallery with pictures, words and an expression."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from zcalc.answer import View
from zcalc.decodable import Decodable
from zcalc.errors import ZcalcError
from zcalc.expression import Expression
from zcalc.index.feedback import apply_feedback
from zcalc.index.query import NEAR_DUPLICATE
from zcalc.notebook.blocks import blocks_of, tree_of
from zcalc.notebook.live import hit_data, large
from zcalc.notebook.panel import SHARED_SCRIPTS, Panel, Request, read_sources

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

FILTERS: dict[str, Any] = {"k": 12, "where": "", "threshold": None, "fold": False, "diversity": 0.0}
_MAX_PICTURES = 200


class Search(Panel):
    """A query with its filters and results, and a preview of one picture."""

    _esm = read_sources(*SHARED_SCRIPTS, "search.js")
    _css = read_sources("widgets.css")
    filters = traitlets.Dict(dict(FILTERS)).tag(sync=True)
    preview = traitlets.Dict().tag(sync=True)

    def __init__(self, calculator: "Calculator", expr: str = "") -> None:
        self._hits: dict[str, dict[str, Any]] = {}
        super().__init__(calculator, expr)

    @property
    def handlers(self) -> dict:
        """The request handlers by name."""
        return super().handlers | {
            "more": lambda request: self._apply_feedback(more=[str(request["name"])]),
            "less": lambda request: self._apply_feedback(less=[str(request["name"])]),
            "filter": self._filter,
            "preview": self._open_preview,
            "close": lambda _: self.set_trait("preview", {}),
        }

    def _compute(self, result: Expression[Any, Any]) -> dict[str, Any]:
        if not isinstance(result, Decodable):
            hint = "Add pictures or words, or take the mean of a set."
            raise ZcalcError("This has no nearest pictures.", hint)
        return self._search(result, self.filters)

    def _search(self, result: Decodable[Any, Any], filters: dict[str, Any]) -> dict[str, Any]:
        """Search the gallery with these filters; returns the hits as JSON."""
        query = {
            "threshold": filters["threshold"],
            "where": filters["where"] or None,
            "fold": NEAR_DUPLICATE if filters["fold"] else None,
            "diversity": float(filters["diversity"]),
        }
        answer = result.answer(View(pictures=int(filters["k"]), query=query))
        pictures = hit_data(answer.images or ())
        self._hits = {hit["name"]: hit for hit in pictures}
        remarks = list(answer.remarks)
        return {
            "expr": answer.expr, "norm": answer.norm, "pictures": pictures, "remarks": remarks,
        }  # fmt: skip

    def _apply_feedback(self, **feedback: list[str]) -> None:
        """Edit the expression toward `more`, or away from `less`, of a picture."""
        if not self.draft.state.blocks:
            raise ZcalcError("There is no query yet.", "Add a picture or a word first.")
        self.draft.change(blocks_of(apply_feedback(tree_of(self.draft.state.blocks), **feedback)))
        self._refresh()

    def _filter(self, request: Request) -> None:
        """Search with new filters; invalid ones raise and leave the old in place."""
        filters = dict(FILTERS) | {name: request["filters"][name] for name in FILTERS}
        filters["k"] = max(1, min(_MAX_PICTURES, int(filters["k"])))
        if self.expr and self.draft.state.error is None:
            result = self.live.result(self.expr)
            if isinstance(result, Decodable):
                self.results = self._search(result, filters)
        self.filters = filters

    def _open_preview(self, request: Request) -> None:
        """Show a hit enlarged, with its score, file and metadata."""
        hit = self._hits.get(str(request["name"]))
        if hit is None:
            raise ZcalcError("This picture is no longer in the results.", "Search again.")
        details = [["score", f"{hit['score']:.2f}"], ["file", hit["path"]], *hit["metadata"]]
        details += [["near-duplicates", ", ".join(hit["alike"])]] if hit["alike"] else []
        self.preview = {"name": hit["name"], "src": large(Path(hit["path"])), "details": details}
