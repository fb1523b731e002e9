"""The card as static, escaped, self-contained HTML, and as text."""

import base64
import io
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers import hash_calculator, save_photo
from PIL import Image

from zcalc.show.card import card_html, card_text
from zcalc.show.page import page

HOSTILE = (
    "<script>alert(1)<script>", "<img src=x onerror=alert(1)>", '" onerror="alert(1)',
    "' onmouseover='alert(1)", "</style><b>", "</figure></div><h1>", "<!--", "-->", "]]>",
    "&lt;b&gt;", "&amp;quot; x", "`${alert(1)}`", "{{7*7}}", "<svg onload=alert(1)>",
    "javascript:alert(1)", "[red]bold[-red]",
    "[link=file:etc]x", "\x1b[31mred", "\u202egnp.exe", "a\nb", "a\tb", "%00",
    "%3Cb%3E", "＜b＞", "𝕬", "😀", "é́́", "x" * 200, "a b", " lead", "'", '"', "\\",
    "$(id)", "`id`", "; rm -rf ~", "--help", "-x", "#", "img(a)", "\x7f", "ﬀ",
)  # fmt: skip


class Tags(HTMLParser):
    """A page's tags with their attributes, its links and its texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, tuple(name for name, _ in attributes)))
        self.sources += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


ALLOWED = {
    ("div", ("class",)),
    ("div", ("class", "style")),
    ("style", ()),
    ("span", ("class",)),
    ("span", ("title",)),
    ("figure", ()),
    ("figcaption", ("title",)),
    ("img", ("src", "alt")),
    ("p", ("class",)),
    ("h4", ()),
    ("div", ()),
    ("table", ("class",)),
    ("tr", ()),
    ("th", ()),
    ("td", ()),
    ("details", ()),
    ("summary", ()),
}


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for i, name in enumerate(HOSTILE):
        save_photo(root / f"{name}.png".replace("/", "∕"), f"hsl({i * 8}, 90%, 50%)")
    return root


def test_hostile_names_and_texts_are_escaped(hostile: Path) -> None:
    calc = hash_calculator([hostile])
    for i, picture in enumerate(calc.gallery):
        result = calc.img(str(picture.path)) - calc.txt(HOSTILE[i])
        card = Tags(card_html(result.answer()))
        assert set(card.tags) <= ALLOWED, picture.name
        assert all(s.startswith("data:image/jpeg;base64,") for s in card.sources)
        assert sum(f"“{HOSTILE[i]}”" in text for text in card.texts) == 1
        assert picture.name in card.texts
        assert "\x1b" not in picture.name and "\n" not in picture.name


def test_a_page_of_hostile_cards_is_escaped(hostile: Path) -> None:
    calc = hash_calculator([hostile])
    html = page([calc.txt(text).answer() for text in HOSTILE[:5]])
    outside = ("html", "head", "meta", "title", "style", "body", "header", "h1", "p")
    tags = [tag for tag in Tags(html).tags if tag not in ALLOWED and tag[0] not in outside]
    assert tags == []
    assert "http:" not in html and "https:" not in html and "url(" not in html


def test_a_card_is_small_and_complete() -> None:
    calc = hash_calculator()
    names = [picture.name for picture in calc.gallery][:14]  # the photographs
    result = calc(" + ".join(f"img({name})" for name in names) + ' + "tea"')
    html = card_html(result.answer())
    assert len(html.encode()) < 150_000
    card = Tags(html)
    pictures = [base64.b64decode(s.partition(",")[2]) for s in card.sources]
    assert all(max(Image.open(io.BytesIO(data)).size) <= 288 for data in pictures)
    for part in (result.caption().text, "Nearest words", "Nearest pictures", *names):
        assert any(part in text for text in card.texts), part


def test_a_card_of_many_pictures_stays_small(tmp_path: Path) -> None:
    noise = Image.effect_noise((400, 400), 100).convert("RGB")
    for i in range(30):
        noise.rotate(i).save(tmp_path / f"noise{i}.png")
    calc = hash_calculator([tmp_path])
    html = card_html(calc(" + ".join(f"img(noise{i})" for i in range(30))).answer())
    assert len(html.encode()) < 150_000
    assert "noise29" in html


def test_a_result_displays_as_a_card() -> None:
    result = hash_calculator()('img(coffee) - "coffee" + "tea"')
    bundle = result._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/html"].startswith('<div class="zcalc">')
    assert repr(result) == '(img(coffee) - "coffee" + "tea")'


def test_a_card_has_the_other_captions() -> None:
    result = hash_calculator()('img(coffee) - "coffee" + "tea"')
    others = {beam.text for beam in result.caption().beams} - {result.caption().text}
    assert others
    html, text = card_html(result.answer()), card_text(result.answer())
    folded = html.partition("<details>")[2].partition("</details>")[0]
    assert all(f"<th>{escape(other)}</th>" in folded and other in text for other in others)


def test_the_card_as_text() -> None:
    text = card_text(hash_calculator()('-2 * (img(coffee) - "a <cup>") / 3').answer())
    lines = text.split("\n")
    assert lines[0] == '− 2 × (img(coffee) − "a <cup>") / 3'
    assert any(line.split() == ["Nearest", "words", "cosine", "rank"] for line in lines)
    assert "Nearest pictures" in lines
    assert lines[-1].startswith("norm ") and max(map(len, lines)) <= 80
    assert "█" in text


def test_a_skipped_picture_is_named(tmp_path: Path) -> None:
    save_photo(tmp_path / "red.png", "red")
    (tmp_path / "<b>bad.png").write_bytes(b"")
    html = card_html(hash_calculator([tmp_path])('"tea"').answer())
    assert "skipped &lt;b&gt;bad.png: the file is empty" in html
