"""Captions of many expressions, and of one by many decoders."""

from html.parser import HTMLParser

import numpy as np
import pytest

import zcalc
from zcalc import captions
from zcalc.decode import search

pytestmark = pytest.mark.model
SHORT = {"beams": 1, "max_tokens": 3}


@pytest.fixture(scope="module")
def calc():
    return zcalc.load("mini")


@pytest.mark.parametrize("method", ["search", "zerocap"])
def test_captions_that_end_at_different_tokens(calc, method):
    expressions = ["img(cat)", "img(rocket)", "img(coffee)"]
    options = {"beams": 1, "max_tokens": 12, "end_token": " the"}
    together = calc.captions(expressions, method, **options)
    assert len({len(caption.beams[0].tokens) for caption in together}) > 1
    for expression, caption in zip(expressions, together, strict=True):
        assert caption.finished and caption.text == calc(expression).caption(method, **options).text


@pytest.mark.parametrize("stop", [1, 4, 5])
def test_an_interrupt_leaves_the_captions_that_are_there(calc, monkeypatch, stop):
    """One caption at a time of three tokens each, interrupted at token `stop` of them all."""
    expressions = ["img(cat)", "img(rocket)", "img(coffee)"]
    whole = calc.captions(expressions, "search", budget=1, **SHORT)
    own, count = search.search_each, 0

    def stopping(*args, **options):
        nonlocal count
        for found in own(*args, **options):
            count += 1
            yield found
            if count == stop:
                raise KeyboardInterrupt

    monkeypatch.setattr(search, "search_each", stopping)
    found = calc.captions(expressions, "search", budget=1, **SHORT)
    assert len(found) == (1 if stop == 1 else 2)
    assert [caption.text for caption in found[:-1]] == [c.text for c in whole[: len(found) - 1]]
    assert not found[-1].finished and whole[len(found) - 1].text.startswith(found[-1].text)


def test_an_interrupt_before_any_caption_is_one(calc, monkeypatch):
    def none(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(captions, "decode_each", none)
    with pytest.raises(KeyboardInterrupt):
        calc.captions(["img(cat)"], "search")


def test_captions_compared(calc):
    result = calc('img(coffee) - "coffee" + "<b>tea</b>"')
    found = result.compare("search", "retrieve", **{"beams": 1})
    kinds = [(row.method, row.mode) for row in found.rows]
    assert kinds == [
        ("search", "vectors"),
        ("search", "scores"),
        ("retrieve", "vectors"),
        ("retrieve", "scores"),
    ]
    for row in found.rows:
        assert row.caption.text == result.caption(row.method, mode=row.mode, beams=1).text
        vector = calc.encoder.texts([row.caption.text])[0]  # (d,)
        assert row.cosine == pytest.approx(vector @ result.vector / np.linalg.norm(vector))
        assert row.caption.text in repr(found)
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: tags.append(tag)
    parser.feed(found._repr_html_())
    assert "b" not in tags and tags.count("tr") == 5
    assert [row.method for row in result.compare(beams=1).rows] == ["search", "search"]
