"""An answer as the JSON object that the command line prints."""

from typing import Any

from zcalc.answer import Answer
from zcalc.decode.caption import Beam
from zcalc.index.hits import Hit, jsonable
from zcalc.language import unparse
from zcalc.words import Word


def answer_data(answer: Answer) -> dict[str, Any]:
    """The answer as JSON types; parts that it doesn't have are left out."""
    data: dict[str, Any] = {"expr": answer.expr, "model": answer.model}
    if answer.name:
        data["name"] = answer.name
    if answer.remarks:
        data["notes"] = list(answer.remarks)
    if answer.weak:
        data["weak"] = True
    if answer.value is not None:
        data["value"] = round(answer.value, 6)
        return data | _seconds(answer)
    if answer.norm is not None:
        data["norm"] = round(answer.norm, 6)
    if answer.captions is not None:
        data["captions"] = [_caption_data(beam) for beam in answer.captions]
    if answer.words is not None:
        data["words"] = [word_data(word) for word in answer.words]
    if answer.images is not None:
        data["images"] = [_hit_data(hit) for hit in answer.images]
    data |= _analyses(answer)
    captions = {unparse(node): picture.caption for node, picture in answer.operands.items()}
    if answer.norm is None:
        return data | _seconds(answer)
    data["terms"] = [
        {"name": term.name, "weight": round(term.weight, 6)}
        | {"norm": round(term.norm, 6), "cosine": _rounded(term.cosine)}
        | ({"caption": captions[term.name]} if captions.get(term.name) else {})
        for term in answer.terms
    ]
    data |= _seconds(answer)
    return data if answer.plot is None else data | {"plot": answer.plot.data()}


def _analyses(answer: Answer) -> dict[str, Any]:
    """What verbs add: classes, a sum of words, a difference of sets, and how large the sets are."""
    data: dict[str, Any] = {}
    rows = [
        [{"text": text, "probability": round(p, 6)} for text, p in one.probabilities]
        for one in answer.labels
    ]
    if answer.strips and answer.labels:
        pairs = zip(answer.labels, rows, strict=True)
        data["pictures"] = [{"name": one.name, "labels": row} for one, row in pairs]
    elif rows:
        data["labels"] = rows[0]
    if answer.parts is not None:
        data["parts"] = [
            {"text": t.text, "weight": t.weight, "share": _rounded(t.share)}
            for t in answer.parts.terms
        ]
        data["residual"], data["parts_expr"] = _rounded(answer.parts.residual), answer.parts.expr
    if answer.diff is not None:
        data["diff"] = [
            {"text": s.text, "auroc": _rounded(s.auroc)}
            | {"low": _rounded(s.low), "high": _rounded(s.high)}
            for s in answer.diff
        ]
    if answer.strips:
        data["sets"] = [{"expr": strip.name, "pictures": strip.count} for strip in answer.strips]
    return data


def word_data(word: Word) -> dict[str, Any]:
    """A word as JSON types; `rank` only where it is not the score itself."""
    data: dict[str, Any] = {"text": word.text, "score": _rounded(word.score)}
    return data if word.rank is None else data | {"rank": _rounded(word.rank)}


def _seconds(answer: Answer) -> dict[str, Any]:
    return {"seconds": {stage: round(s, 3) for stage, s in answer.seconds.items()}}


def _caption_data(beam: Beam) -> dict[str, Any]:
    scores = {"clip": _rounded(beam.clip), "logprob": _rounded(beam.logprob)}
    return {"text": beam.text, "raw": beam.raw, **scores}


def _hit_data(hit: Hit) -> dict[str, Any]:
    """A picture as JSON types, without empty fields."""
    data: dict[str, Any] = {"name": hit.name, "path": hit.path, "score": _rounded(hit.score)}
    if hit.caption:
        data["caption"] = hit.caption
    if hit.metadata:
        data["metadata"] = {name: jsonable(value) for name, value in hit.metadata.items()}
    if hit.missing:
        data["missing"] = True
    if hit.alike:
        data["alike"] = [_hit_data(other) for other in hit.alike]
    return data


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
