"""The geometry measures, compared with scikit-learn, scipy, and hand calculations."""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation, Slerp
from scipy.stats import skew
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import zcalc
from zcalc.algebra import unit
from zcalc.decode.caption import Beam, Choice
from zcalc.errors import ZcalcError
from zcalc.geometry import (
    analogy,
    attribution,
    axes,
    cone,
    cosines,
    gap,
    hubness,
    maps,
    paths,
    trace,
)
from zcalc.geometry.base import Measure, NamedVectors
from zcalc.geometry.plots import draw

RANDOM = np.random.default_rng(7)
POINTS = RANDOM.normal(size=(120, 9)) @ np.diag([5, 3, 2, 1, 1, 1, 1, 0.5, 0.1]) + 2
OTHERS = RANDOM.normal(size=(80, 9)) - 1


def test_cosines_match_scikit_learn() -> None:
    assert np.allclose(cosines.cosines(POINTS, OTHERS), cosine_similarity(POINTS, OTHERS))
    assert np.allclose(cosines.cosines(POINTS), cosine_similarity(POINTS))


def test_gap_by_hand() -> None:
    measured = gap.gap(POINTS, OTHERS)
    pictures, texts = unit(POINTS), unit(OTHERS)
    assert np.allclose(measured.vector, pictures.mean(0) - texts.mean(0))
    assert measured.norm == pytest.approx(np.sqrt((measured.vector**2).sum()))
    within = cosine_similarity(POINTS)
    images = measured.before["image–image"]
    assert images.size == 120 * 119 // 2
    assert images.mean() == pytest.approx((within.sum() - 120) / (120 * 119))
    across = cosine_similarity(pictures - pictures.mean(0), texts - texts.mean(0))
    assert measured.after["image–text"].mean() == pytest.approx(across.mean())
    assert gap.gap(POINTS, OTHERS, most=10).before["text–text"].size == 45


def test_cone_matches_scikit_learn() -> None:
    measured = cone.cone(POINTS)
    rows = unit(POINTS)
    pairs = cosine_similarity(POINTS)[np.triu_indices(120, 1)]
    assert measured.anisotropy == pytest.approx(pairs.mean())
    variances = PCA().fit(rows).explained_variance_
    assert np.allclose(measured.variances, variances)
    assert measured.dimension == pytest.approx(variances.sum() ** 2 / (variances**2).sum())
    assert np.allclose(measured.along, cosine_similarity(rows, [rows.mean(0)])[:, 0])
    few = cone.cone(POINTS[:4])
    assert few.variances.shape == (9,) and np.count_nonzero(few.variances > 1e-12) == 3


def test_plane_matches_scikit_learns_pca() -> None:
    flat, share = maps.plane(POINTS)
    pca = PCA(2).fit(POINTS)
    assert np.allclose(np.abs(flat), np.abs(pca.transform(POINTS)))
    assert share == pytest.approx(pca.explained_variance_ratio_.sum())
    again, _ = maps.plane(POINTS[::-1])
    assert np.allclose(again[::-1], flat)
    wide, _ = maps.plane(POINTS[:5])  # fewer points than dimensions
    assert np.allclose(np.abs(wide), np.abs(PCA(2).fit_transform(POINTS[:5])))


def test_map_arrows_are_the_terms() -> None:
    rows = unit(POINTS)
    parts = np.stack([rows[0], -0.5 * rows[1]])
    points = np.vstack([rows[:2], unit(parts.sum(0))])
    terms = maps.TermSum("★", parts, ("+", "−"), 2)
    atlas = maps.map_of(NamedVectors(["a", "b", "★"], points), [terms])
    pca = PCA(2).fit(points)
    places = pca.transform([np.zeros(9), parts[0], parts.sum(0)])
    assert np.allclose(np.abs(atlas.chains[0].places), np.abs(places))
    assert np.allclose(atlas.chains[0].places[1], atlas.places[0])


def test_umap_preserves_neighbourhoods_and_is_deterministic() -> None:
    pytest.importorskip("umap")
    groups = np.repeat(np.eye(3), 12, axis=0) + 0.05 * RANDOM.normal(size=(36, 3))
    flat = maps.umap(groups, neighbours=6)
    near = NearestNeighbors(n_neighbors=6).fit(flat).kneighbors(return_distance=False)
    assert (near // 12 == np.arange(36)[:, None] // 12).mean() > 0.95
    assert np.allclose(flat, maps.umap(groups, neighbours=6))


def test_lerp_and_slerp_match_scipy() -> None:
    a, b = unit(RANDOM.normal(size=(2, 3)))
    t = np.linspace(0, 1, 7)
    axis = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
    turn = Slerp([0, 1], Rotation.from_rotvec([0 * axis, np.arccos(a @ b) * axis]))
    assert np.allclose(paths.slerp_path(a, b, t), turn(t).apply(a))
    assert np.allclose(paths.lerp_path(a, b, t), a + t[:, None] * (b - a))
    words = NamedVectors(["a", "b", "far"], np.stack([a, b, -a]))
    path = paths.path(("a", "b"), a, b, words, steps=7)
    angles = np.degrees(np.arccos(a @ b)) * t
    assert np.allclose(path.ways["slerp"].angles, angles)
    assert path.ways["lerp"].angles[3] == pytest.approx(angles[3])
    assert path.ways["lerp"].lengths.min() == pytest.approx(np.linalg.norm(a + b) / 2)
    assert [name for name, _ in path.ways["slerp"].words][::6] == ["a", "b"]
    assert np.allclose(path.curves["a"], np.cos(np.radians(angles)))


def test_parallelogram_and_both_scores_by_hand() -> None:
    a, b, c = np.array([3.0, 1, 1]), np.array([3.0, -1, 1]), np.array([-3.0, 1, 1])
    d = b - a + c
    angle, lengths = analogy.parallelogram(np.stack([a, b, c, d]))
    assert angle == pytest.approx(0, abs=1e-6) and lengths[0] == pytest.approx(lengths[1])
    assert analogy.angle(a, b) == pytest.approx(np.degrees(np.arccos(9 / 11)))
    near = cosine_similarity(OTHERS, POINTS[:3])
    assert np.allclose(analogy.cos_add(OTHERS, *POINTS[:3]), near[:, 1] - near[:, 0] + near[:, 2])
    add = analogy.cos_add(OTHERS, *POINTS[:3])
    toward = unit(POINTS[1]) - unit(POINTS[0]) + unit(POINTS[2])
    assert np.array_equal(np.argsort(add), np.argsort(unit(OTHERS) @ toward))
    shifted = (near + 1) / 2
    by_hand = shifted[:, 1] * shifted[:, 2] / (shifted[:, 0] + 0.001)
    assert np.allclose(analogy.cos_mul(OTHERS, *POINTS[:3]), by_hand)
    names = ("a", "b", "c", "d")
    corners = np.stack([a, b, c, d])
    measured = analogy.analogy(names, corners, corners, names, exclude=(0, 1, 2), answer=3)
    assert measured.ranks == {"3CosAdd": 1, "3CosMul": 1} and len(measured.answers["3CosAdd"]) == 1


def test_concept_axes_are_cosines_with_the_differences() -> None:
    x, y = POINTS[0] - POINTS[1], POINTS[2] - POINTS[3]
    points = NamedVectors([str(i) for i in range(80)], OTHERS)
    measured = axes.concept_axes(("x", "y"), (x, y), points)
    assert np.allclose(measured.places, cosine_similarity(OTHERS, [x, y]))
    low, high = measured.ends(2)["x"]
    assert int(high[0]) == cosine_similarity(OTHERS, [x])[:, 0].argmax() and low[0] != high[0]
    angle = np.degrees(np.arccos(cosine_similarity([x], [y])[0, 0]))
    assert measured.angle == pytest.approx(angle)


def test_k_occurrence_matches_scikit_learns_neighbours() -> None:
    for queries in (None, OTHERS):
        search = NearestNeighbors(n_neighbors=5, metric="cosine").fit(POINTS)
        near = search.kneighbors(queries, return_distance=False)
        counts = np.bincount(near.ravel(), minlength=len(POINTS))
        assert np.array_equal(hubness.k_occurrence(POINTS, 5, queries), counts)
        assert hubness.skewness(counts) == pytest.approx(skew(counts))


def test_whitening_matches_scikit_learn_up_to_rotation() -> None:
    ours, theirs = hubness.whiten(POINTS), PCA(whiten=True).fit(POINTS)
    assert np.allclose(np.cov(ours.T), np.eye(9))
    assert np.allclose(ours @ ours.T, theirs.transform(POINTS) @ theirs.transform(POINTS).T)
    assert procrustes(ours, theirs.transform(POINTS))[2] < 1e-12
    beside = hubness.whiten(POINTS, OTHERS)
    moved = theirs.transform(OTHERS - OTHERS.mean(0) + POINTS.mean(0))
    assert np.allclose(beside @ beside.T, moved @ moved.T)
    assert hubness.whiten(POINTS[:4]).shape == (4, 3), "four points span three dimensions"


def test_hub_counts_sum_to_k_per_query() -> None:
    hubs = hubness.hubness([str(i) for i in range(120)], POINTS, 5)
    assert hubs.counts.sum() == hubs.whitened.sum() == 600
    assert hubs.largest(1)[0][1] == hubs.counts.max()


def test_contributions_sum_to_the_cosine() -> None:
    parts = POINTS[:3] * np.array([[1], [-2], [0.5]])
    shares = attribution.contributions(parts, OTHERS)
    assert np.allclose(shares.sum(0), cosine_similarity([parts.sum(0)], OTHERS)[0])
    assert np.allclose(shares[1], parts[1] @ unit(OTHERS).T / np.linalg.norm(parts.sum(0)))


def test_trace_has_the_shift_of_each_candidate() -> None:
    first = Choice((" cat", " dog"), (0.5, 0.2), (-3.0, -1.0), (-1.0, -2.0))
    last = Choice((".",), (None,), (-0.1,), (-0.2,))
    beam = Beam("a cat.", 0.5, -1.0, (1, 2), (first, last))
    measured = trace.trace_of(beam, (" cat", "."))
    assert measured.shift[0].tolist() == [2.0, -1.0] and np.isnan(measured.shift[1, 1])
    assert [row[-1] for row in measured.table()[1]] == ["●", "", "●"]
    with pytest.raises(ZcalcError, match="without a trace") as caught:
        trace.trace_of(Beam("a cat.", 0.5, None), ())
    assert "trace=5" in str(caught.value)


def test_every_measure_has_a_plot() -> None:
    assert {kind for kind in draw.registry if kind is not object} == set(Measure.__subclasses__())


NAN = np.where(np.arange(120)[:, None] == 3, np.nan, POINTS)
SAME = np.tile(POINTS[:1], (8, 1))
ZERO = np.where(np.arange(120)[:, None] == 3, 0.0, POINTS)
TWO = NamedVectors(["a", "b"], POINTS[:2])


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda: cosines.cosines(NAN), "NaN"),
        (lambda: cosines.cosines(ZERO), "zero"),
        (lambda: cosines.cosines(POINTS[0]), "shape"),
        (lambda: cosines.cosine_matrix(["a"], POINTS[:1]), "at least 2 embeddings, got 1"),
        (lambda: gap.gap(POINTS[:1], OTHERS), "at least 2 pictures, got 1"),
        (lambda: gap.gap(SAME, OTHERS), "All pictures are identical"),
        (lambda: gap.gap(POINTS, SAME), "All texts are identical"),
        (lambda: cone.cone(POINTS[:2], "words"), "at least 3 words, got 2"),
        (lambda: cone.cone(SAME), "identical"),
        (lambda: maps.plane(POINTS[:1]), "at least 2 points, got 1"),
        (lambda: maps.plane(SAME), "All points are identical"),
        (lambda: maps.plane(NAN), "NaN or infinity, the first at row 3"),
        (lambda: maps.map_of(NamedVectors(["a"], POINTS[:1])), "two different points"),
        (lambda: maps.map_of(TWO, method="tsne"), "Unknown map method 'tsne'"),
        (lambda: maps.umap(POINTS[:4]), "at least 5 points, got 4"),
        (lambda: maps.umap(SAME), "identical"),
        (lambda: analogy.parallelogram(POINTS[[0, 0, 1, 2]]), "identical"),
        (lambda: analogy.angle(POINTS[0], 0 * POINTS[0]), "zero"),
        (lambda: axes.along(OTHERS, POINTS[0] * 0), "zero"),
        (lambda: hubness.k_occurrence(POINTS, 120), "k must be between 1 and 119, got 120"),
        (lambda: hubness.k_occurrence(POINTS, 0), "got 0"),
        (lambda: hubness.whiten(SAME), "identical"),
        (lambda: attribution.contributions(np.stack([POINTS[0], -POINTS[0]]), OTHERS), "cancel"),
        (lambda: paths.slerp_path(POINTS[0], -POINTS[0], np.array([0.5])), "opposite"),
    ],
)
def test_invalid_arrays(compute: Callable[[], Any], message: str) -> None:
    with pytest.raises(ZcalcError, match=message):
        compute()


# --- on a calculator, with plots ------------------------------------------------------------------


@pytest.fixture(scope="module")
def calc() -> Any:
    return zcalc.load("mini")


SUM = 'img(coffee) - "coffee" + "tea"'


@pytest.mark.model
@pytest.mark.parametrize("kind", ["map", "cosines", "terms", "trace"])
def test_plot_as_verb_and_as_method(calc: Any, kind: str) -> None:
    result = calc(f'{SUM} |> plot(kind="{kind}")')
    assert result.view.plot == {"kind": kind}
    html = result._repr_mimebundle_()["text/html"]
    assert "image/png" in html and "Nearest words" not in html
    figure = calc(SUM).plot(kind)
    assert figure.axes[0].get_title(loc="left") and figure.axes[0].get_xlabel() is not None
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.model
@pytest.mark.parametrize(
    ("compute", "rows"),
    [
        (lambda g: g.map(), 184),
        (lambda g: g.map(["img(king)", '"king"', SUM]), 6),
        (lambda g: g.cosines(["img(king)", '"king"']), 2),
        (lambda g: g.terms(SUM, words=["tea", "coffee", "a cup of tea"]), 3),
        (lambda g: g.path("img(cat)", '"coffee"', steps=5), 5),
        (lambda g: g.analogy('"man"', '"king"', '"woman"', '"queen"'), 5),
        (lambda g: g.analogy("img(man)", "img(king)", "img(woman)", "img(queen)"), 5),
        (lambda g: g.axes('"day" - "night"', '"summer" - "winter"', ["img(snow)", '"sun"']), 2),
        (lambda g: g.gap(), 4),
        (lambda g: g.cone("words"), 4),
        (lambda g: g.hubness(5, "pictures", queries="words"), 12),
    ],
)
def test_every_measure_has_a_table_data_and_a_card(
    calc: Any, compute: Callable[[Any], Any], rows: int
) -> None:
    measure = compute(calc.geometry)
    assert len(measure.table()[1]) == rows
    json.dumps(measure.data())
    bundle = measure._repr_mimebundle_()
    assert "image/png" in bundle["text/html"] and bundle["text/plain"] == str(measure)


@pytest.mark.model
def test_attribution_of_a_result_sums_to_its_cosines(calc: Any) -> None:
    result = calc(SUM)
    attributed = calc.geometry.terms(result, words=["tea", "espresso"])
    expected = [float(calc(f'cos({SUM}, "{word}")')) for word in attributed.words]
    assert np.allclose(attributed.cosines, expected, atol=1e-5)
    words = result.words(8)
    assert calc.geometry.terms(result).words == tuple(word.text for word in words)
    scores = [word.score for word in words]
    assert np.allclose(calc.geometry.terms(result).cosines, scores, atol=1e-5)


@pytest.mark.model
def test_interactive_map(calc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    atlas = calc.map(["img(king)", '"king"'])
    pytest.importorskip("jscatter")
    assert type(atlas.plot(interactive=True)).__module__ == "jscatter.widget"
    monkeypatch.setitem(sys.modules, "jscatter", None)
    with pytest.raises(ZcalcError, match="jscatter") as caught:
        atlas.plot(interactive=True)
    assert "zcalc[geometry]" in str(caught.value)


@pytest.mark.model
@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda c: c("img(cat)").plot(), "only one"),
        (lambda c: c("img(cat)").plot("pie"), "Unknown plot kind 'pie'"),
        (lambda c: c(SUM).plot("map", k=3), "does not accept k"),
        (lambda c: c(SUM).plot("terms", method="umap"), "does not accept method"),
        (lambda c: c.map(method="tsne"), "Unknown map method"),
        (lambda c: c.map([]), "list of expressions is empty"),
        (lambda c: c.map("img(cat)"), "Expected a list"),
        (lambda c: c.map(['cos("a", "b")', '"a"']), "single embedding"),
        (lambda c: c.geometry.cone("songs"), "Unknown group 'songs'"),
        (lambda c: c.geometry.hubness(10_000), "got 10000"),
        (lambda c: c.geometry.trace("img(cat)", method="retrieve"), "no setting trace"),
    ],
)
def test_invalid_calls(calc: Any, compute: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(ZcalcError, match=message):
        compute(calc)


def test_ten_thousand_points_are_unlabelled_dots() -> None:
    names, vectors = [str(i) for i in range(10_000)], RANDOM.normal(size=(10_000, 8))
    figure = maps.map_of(NamedVectors(names, vectors)).plot()
    assert not figure.axes[0].texts and len(figure.axes[0].collections[0].get_offsets()) == 10_000
