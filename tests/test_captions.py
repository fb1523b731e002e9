"""Captions of many expressions at once, and of one expression by several decoders."""

from html.parser import HTMLParser

import numpy as np
import pytest

import zcalc
from zcalc.decode import captions, search

pytestmark = pytest.mark.model
SHORT = {"beams": 1, "max_tokens": 3}


@pytest.fixture(scope="module")
def calc():
    return zcalc.load("mini")


@pytest.mark.parametrize("method", ["search", "zerocap"])
def test_a_batch_of_captions_with_different_lengths(calc, method):
    expressions = ["img(cat)", "img(rocket)", "img(coffee)"]
    options = {"beams": 1, "max_tokens": 12, "end_token": " the"}
    together = calc.captions(expressions, method, **options)
    assert len({len(caption.beams[0].tokens) for caption in together}) > 1
    for expression, caption in zip(expressions, together, strict=True):
        assert caption.finished and caption.text == calc(expression).caption(method, **options).text


@pytest.mark.parametrize("stop", [1, 4, 5])
def test_an_interrupt_returns_the_captions_so_far(calc, monkeypatch, stop):
    """Captions of three tokens each, decoded one by one and interrupted at token `stop`."""
    expressions = ["img(cat)", "img(rocket)", "img(coffee)"]
    whole = calc.captions(expressions, "search", budget=1, **SHORT)
    search_each, count = search.search_each, 0

    def stopping(*args, **options):
        nonlocal count
        for batch in search_each(*args, **options):
            count += 1
            yield batch
            if count == stop:
                raise KeyboardInterrupt

    monkeypatch.setattr(search, "search_each", stopping)
    partial = calc.captions(expressions, "search", budget=1, **SHORT)
    assert len(partial) == (1 if stop == 1 else 2)
    *finished, last = partial
    assert [caption.text for caption in finished] == [c.text for c in whole[: len(finished)]]
    assert not last.finished and whole[len(finished)].raw.startswith(last.raw)


def test_an_interrupt_before_the_first_caption_is_raised(calc, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(captions, "decode_each", interrupted)
    with pytest.raises(KeyboardInterrupt):
        calc.captions(["img(cat)"], "search")


def test_captions_compared(calc):
    result = calc('img(coffee) - "coffee" + "<b>tea</b>"')
    comparison = result.compare("search", "retrieve", **{"beams": 1})
    assert [(row.method, row.mode) for row in comparison.rows] == [
        ("search", "vectors"),
        ("search", "scores"),
        ("retrieve", "vectors"),
        ("retrieve", "scores"),
    ]
    for row in comparison.rows:
        assert row.caption.text == result.caption(row.method, mode=row.mode, beams=1).text
        vector = calc.models.encoder.texts([row.caption.text])[0]  # (d,)
        assert row.cosine == pytest.approx(vector @ result.vector / np.linalg.norm(vector))
        assert row.caption.text in repr(comparison)
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: tags.append(tag)
    parser.feed(comparison._repr_mimebundle_()["text/html"])
    assert "b" not in tags and tags.count("tr") == 5
    assert [row.method for row in result.compare(beams=1).rows] == ["search", "search"]
