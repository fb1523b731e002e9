"""Laws of the algebra, and expressions without a direction."""

import math
import os

import numpy as np
import pytest

from zcalc.algebra import unit
from zcalc.combination import point
from zcalc.errors import ZcalcError
from zcalc.evaluator import Evaluation
from zcalc.language import Text, parse

A, B, C = Text("a"), Text("b"), Text("c")
LAWS = (
    ('"a" + "b"', '"b" + "a"'),
    ('("a" + "b") + "c"', '"a" + ("b" + "c")'),
    ('"a" - ("b" - "c")', '"a" - "b" + "c"'),
    ('2 * ("a" + "b")', '"a" * 2 + 2 * "b"'),
    ('"a" / 4', '0.25 * "a"'),
    ('-(-"a")', '+"a"'),
    ('-2 * "a"', '"a" * -2'),
    ('"a" / (1 - 3)', '-"a" / 2'),
    ('"a" - "b" * 2 / 4', '"a" - 0.5 * "b"'),
)


def vectors(seed: int, d: int = 16) -> dict:
    random = np.random.default_rng(seed)
    return {key: unit(random.normal(size=d)) for key in (A, B, C)}


@pytest.mark.parametrize(("left", "right"), LAWS)
def test_laws(left: str, right: str) -> None:
    for seed in range(20_000 if os.environ.get("ZCALC_SOAK") else 1000):
        evaluation = Evaluation(vectors(seed))
        sides = [evaluation(parse(text)).vector for text in (left, right)]
        np.testing.assert_allclose(*sides, atol=1e-12)


def test_unit_has_length_one_at_any_scale() -> None:
    rows = np.array([[3, 4], [3e200, 4e200], [3e-200, 4e-200], [0, 0]])  # (n, d)
    np.testing.assert_allclose(unit(rows), [[0.6, 0.8]] * 3 + [[0, 0]], atol=1e-12)


def test_point_is_a_direction_and_a_norm() -> None:
    vector, norm = point(
        Evaluation({A: np.array([3.0, 0.0]), B: np.array([0.0, 4.0])})(parse('"a" + "b"'))
    )
    assert vector.dtype == np.float32 and norm == pytest.approx(5)
    np.testing.assert_allclose(vector, [0.6, 0.8], atol=1e-7)


@pytest.mark.parametrize(
    "text", ['"a" - "a"', '0 * "a"', '"a" + "b" - ("b" + "a")', '"a"/3 + "a"/3 + "a"/3 - "a"']
)
def test_sums_that_cancel_out_are_refused(text: str) -> None:
    for seed in range(20):
        with pytest.raises(ZcalcError, match="cancels out"):
            point(Evaluation(vectors(seed))(parse(text)))


@pytest.mark.parametrize("text", ['1e-9 * "a"', '"a" / 1e200', '1e300 * "a"', '"a" - 0.99 * "a"'])
def test_small_and_large_multiples_are_directions(text: str) -> None:
    operands = vectors(0)
    vector, norm = point(Evaluation(operands)(parse(text)))
    np.testing.assert_allclose(vector, operands[A], atol=1e-6)
    assert math.isfinite(norm) and norm > 0


def test_overflow_is_refused() -> None:
    with pytest.raises(ZcalcError, match="too large"):
        Evaluation({A: np.ones(4)})(parse('1e308 * "a" + 1e308 * "a"'))
