"""zerocap against the reference implementation, and the parts that make it fast one by one."""

import dataclasses
import os
import warnings
from collections import Counter

import numpy as np
import pytest
import torch
from helpers import save_tiny_clip, save_tiny_lm

import zcalc
from zcalc.decode import reference
from zcalc.decode.caption import latest
from zcalc.decode.objective import Toward
from zcalc.decode.search import search
from zcalc.decode.settings import SearchSettings, ZeroCapSettings
from zcalc.decode.vocabulary import Vocabulary
from zcalc.decode.zerocap import zerocap, zerocap_each
from zcalc.errors import ZcalcError
from zcalc.models.continuations import SharedPrefixes, WholeTexts
from zcalc.models.open_clip_model import causal_tower

pytestmark = pytest.mark.model
heavy = pytest.mark.heavy
SOAK = bool(os.environ.get("ZCALC_SOAK"))
SETTINGS = ZeroCapSettings(max_tokens=4, candidates=128, clip_temperature=0.05, step_size=1)
QUICK = dataclasses.replace(SETTINGS, beams=2, max_tokens=3, steps=2, candidates=64)
SUBJECTS = ("cat", "dog", "rocket", "sea", "tea")


def load_lm(folder, family):
    from zcalc.models.language_model import LanguageModel

    save_tiny_lm(folder, family)
    lm = LanguageModel.load(str(folder), "cpu")
    with torch.no_grad():
        for weight in lm.model.parameters():
            weight.mul_(8 if weight.ndim > 1 else 1)  # large enough to prefer some tokens
    return lm


@pytest.fixture(
    scope="module",
    params=["gpt2", *(pytest.param(name, marks=heavy) for name in ("llama", "qwen3"))],
)
def any_lm(request, tmp_path_factory):
    return load_lm(tmp_path_factory.mktemp("lm"), request.param)


@pytest.fixture(scope="module")
def lm(tmp_path_factory):
    return load_lm(tmp_path_factory.mktemp("lm"), "gpt2")


def load_encoder(folder, kind="hf"):
    from zcalc.models.encoder import Encoder

    save_tiny_clip(folder, kind)
    return Encoder.load(str(folder), "cpu")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return load_encoder(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def targets(encoder):
    """Five points; in the soak test fifty, most of them mixtures."""
    rows = encoder.texts([f"Image of a {word}" for word in SUBJECTS])
    if SOAK:
        mixed = np.random.default_rng(0).normal(size=(45, 5)).astype("f4") @ rows
        rows = np.concatenate([rows, mixed])
    return rows


def last(captions):
    *_, caption = captions
    return caption


def assert_same(fast, slow):
    assert [beam.tokens for beam in fast.beams] == [beam.tokens for beam in slow.beams]
    for a, b in zip(fast.beams, slow.beams, strict=True):
        assert a.text == b.text
        assert a.clip == pytest.approx(b.clip, abs=1e-4)
        assert a.logprob == pytest.approx(b.logprob, abs=1e-4)


@pytest.mark.filterwarnings("ignore:Skipped a candidate")
@pytest.mark.parametrize("beams", [1, 3, pytest.param(5, marks=heavy)])
def test_zerocap_writes_the_same_tokens_as_the_reference(any_lm, encoder, targets, beams):
    settings = dataclasses.replace(SETTINGS, beams=beams)
    unstable = 0
    for target in targets:
        fast = list(zerocap(target, encoder, any_lm, settings))
        slow = list(reference.zerocap(target, encoder, any_lm, settings))
        if tokens_of(fast) != tokens_of(slow) and is_unstable(target, encoder, any_lm, settings):
            unstable += 1
            continue
        assert len(fast) == len(slow)
        for a, b in zip(fast, slow, strict=True):
            assert_same(a, b)
    assert unstable <= len(targets) // 20  # none of five


def tokens_of(captions):
    return [[beam.tokens for beam in caption.beams] for caption in captions]


def is_unstable(target, encoder, lm, settings):
    """Whether the reference itself writes other tokens when rounding errors move the target."""
    random = np.random.default_rng(0)
    nudged = [target + 1e-7 * random.normal(size=target.shape).astype("f4") for _ in range(16)]
    runs = [tokens_of(reference.zerocap(t, encoder, lm, settings)) for t in (target, *nudged)]
    return any(tokens != runs[0] for tokens in runs)


@pytest.mark.filterwarnings("ignore:Skipped a candidate")
@pytest.mark.parametrize("kind", ["plain", "xlm"])
def test_zerocap_equals_the_reference_with_other_text_towers(lm, kind, tmp_path):
    encoder = load_encoder(tmp_path, kind)
    for target in encoder.texts(["Image of a cat", "Image of a dog"]):
        fast = last(zerocap(target, encoder, lm, QUICK))
        assert_same(fast, last(reference.zerocap(target, encoder, lm, QUICK)))


PREFIXES = ["Image of a", "Image of a dog in", ""]
PIECES = [" cat", " mat", "mber", "", "</s> dog", " dog in the snow", "g", " Cat", " cat", "\ufffd"]


@pytest.mark.parametrize("kind", ["plain", "hf", "mixture", "xlm", "mini"])
def test_shared_prefixes_give_the_vectors_of_whole_texts(kind, tmp_path):
    from zcalc.models.encoder import Encoder

    encoder = Encoder.load("mini", "cpu") if kind == "mini" else load_encoder(tmp_path, kind)
    shared = encoder.continuations(PREFIXES)
    assert isinstance(shared, WholeTexts if kind == "xlm" else SharedPrefixes)
    sources = [i for i in range(3) for _ in PIECES]
    texts = [prefix + piece for prefix in PREFIXES for piece in PIECES]
    with torch.no_grad():
        whole = encoder.text_features(encoder.tokenize(texts))
    expected = torch.nn.functional.normalize(whole, dim=-1)
    assert torch.allclose(shared.vectors(sources, texts), expected, atol=2e-6)
    long = "Image of a" + " dog in the" * encoder.context_length
    both = shared.vectors([0, 0], [long, texts[0]])
    assert both[0].isnan().all() and torch.allclose(both[1], expected[0], atol=2e-6)


def test_only_causal_towers_are_accepted(encoder):
    import copy

    model = copy.deepcopy(encoder.clip.model)
    assert causal_tower(model)
    model.text.attn_mask.zero_()  # attends to later positions
    assert causal_tower(model) is None
    model = copy.deepcopy(encoder.clip.model)
    model.text.pool_type = "first"
    assert causal_tower(model) is None
    model = copy.deepcopy(encoder.clip.model)
    model.text.ln_final.forward = lambda x: 2 * x + 1  # the tower uses it too
    assert causal_tower(model)
    model.encode_text = lambda ids: encoder.clip.model.encode_text(ids) + 1  # not part of it
    assert causal_tower(model) is None


def test_a_candidate_is_scored_once_per_context(lm, encoder, targets, monkeypatch):
    embedded = []
    vectors = SharedPrefixes.vectors

    def spy(self, sources, texts):
        embedded.extend(texts)
        return vectors(self, sources, texts)

    monkeypatch.setattr(SharedPrefixes, "vectors", spy)
    settings = dataclasses.replace(QUICK, beams=1, max_tokens=1, steps=5)
    last(zerocap(targets[0], encoder, lm, settings))
    pieces = Vocabulary(lm, settings).pieces  # some share a text: lone bytes, special ones
    candidates = Counter(t.removeprefix("Image of a") for t in embedded[1:])  # after the prompt
    assert len(candidates) > 30
    assert all(n <= pieces.count(piece) + 1 for piece, n in candidates.items())


def test_candidates_that_are_too_long_are_skipped_with_one_warning(lm, encoder, targets):
    settings = dataclasses.replace(QUICK, prompt="cat dog tea sea red", end_token="<|endoftext|>")
    room = encoder.context_length - encoder.token_count(settings.prompt)
    settings = dataclasses.replace(settings, prompt=settings.prompt + " tea" * (room - 1))
    for decode, options in (
        (zerocap, settings),
        (search, SearchSettings(prompt=settings.prompt, max_tokens=3, end_token="<|endoftext|>")),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            caption = last(decode(targets[0], encoder, lm, options))
        assert sum("Skipped a candidate" in str(w.message) for w in caught) == 1
        assert caption.finished


# Objectives


def test_one_point_is_its_cosine_and_several_add_up(lm, encoder, targets):
    a = last(zerocap(targets[0], encoder, lm, QUICK))
    assert a == last(zerocap(Toward(targets[0]), encoder, lm, QUICK))
    both = Toward(targets[:2], (1.0, -0.5))
    unit = targets[:2] / np.linalg.norm(targets[:2], axis=1, keepdims=True)
    point = unit[0] - 0.5 * unit[1]
    warm = dataclasses.replace(QUICK, clip_temperature=0.05 / float(np.linalg.norm(point)))
    summed = last(zerocap(both, encoder, lm, QUICK))
    assert [b.tokens for b in summed.beams] == [
        b.tokens for b in last(zerocap(point, encoder, lm, warm)).beams
    ]


def test_any_function_of_texts_can_guide(lm, encoder):
    def without_e(vectors, texts):
        return torch.tensor([-float(text.count("e")) for text in texts])

    caption = last(search(without_e, encoder, lm, SearchSettings(max_tokens=3, clip_weight=50)))
    assert caption.clip == -1.0  # the one in the prompt


@pytest.mark.parametrize(
    ("points", "weights"),
    [(np.ones((2, 24)), (1.0,)), (np.zeros(24), (1.0,)), (np.ones(24), (np.nan,))],
)
def test_invalid_objectives(points, weights):
    with pytest.raises(ZcalcError):
        Toward(points, weights)


# Several targets, traces, modes


def test_targets_decoded_together_get_their_own_captions(lm, encoder, targets):
    settings = dataclasses.replace(QUICK, max_tokens=5, end_token="X")
    together = last(zerocap_each(targets[:3], encoder, lm, settings))
    for target, caption in zip(targets[:3], together, strict=True):
        assert_same(caption, last(zerocap(target, encoder, lm, settings)))


def test_the_trace_has_the_candidates_of_every_token(lm, encoder, targets):
    for decode, settings in ((zerocap, QUICK), (search, SearchSettings(beams=2, max_tokens=3))):
        traced = last(decode(targets[0], encoder, lm, dataclasses.replace(settings, trace=4)))
        untraced = last(decode(targets[0], encoder, lm, settings))
        assert [dataclasses.replace(b, trace=()) for b in traced.beams] == list(untraced.beams)
        for beam in traced.beams:
            assert len(beam.trace) == len(beam.tokens)
            for choice in beam.trace:
                assert len(choice.candidates) == len(choice.before) == len(choice.clip) == 4
                scores = [x for x in choice.after if x is not None]
                assert scores == sorted(scores, reverse=True)
        prefix = "Image of a"
        first = traced.beams[0].trace[0]
        vector = encoder.texts([prefix + first.candidates[0]])[0]
        cosine = vector @ targets[0] / np.linalg.norm(vector) / np.linalg.norm(targets[0])
        assert first.clip[0] == pytest.approx(cosine, abs=1e-5)


def test_captions_of_several_expressions_are_those_of_each():
    calc = zcalc.load("mini")
    expressions = ["img(cat)", "img(rocket)", 'img(coffee) - "coffee" + "tea"']
    options = {"beams": 2, "max_tokens": 4}
    alone = [calc(e).caption("search", **options) for e in expressions]
    for budget in (1, 1 << 30):
        together = calc.captions(expressions, "search", budget=budget, **options)
        for a, b in zip(together, alone, strict=True):
            assert_same(a, b)
    assert calc.captions([], "search") == []
    assert len(calc.captions(expressions, "retrieve")) == 3
    for invalid in (["norm(img(cat))"], ["img(cat); img(rocket)"]):
        with pytest.raises(ZcalcError, match="no caption"):
            calc.captions(invalid)
    with pytest.raises(ZcalcError, match="budget is 0"):
        calc.captions(expressions, budget=0)


def test_arithmetic_on_scores():
    calc = zcalc.load("mini")
    result = calc('img(coffee) - "coffee" + "tea"')
    options = {"beams": 1, "max_tokens": 3}
    by_scores = result.caption("search", mode="scores", **options)
    vector = calc.models.encoder.texts([by_scores.raw])[0]
    cosine = float(vector @ result.vector / np.linalg.norm(vector))
    assert by_scores.clip == pytest.approx(cosine * result.norm, abs=1e-4)
    with pytest.raises(ZcalcError, match="Unknown mode"):
        result.caption(mode="both")


def test_decoding_in_bfloat16(lm, encoder, targets):
    for decode, settings in ((zerocap, QUICK), (search, SearchSettings(beams=2, max_tokens=3))):
        half = dataclasses.replace(settings, precision="bf16")
        a = last(decode(targets[0], encoder, lm, settings))
        b = last(decode(targets[0], encoder, lm, half))
        assert b.finished and abs(a.beams[0].logprob - b.beams[0].logprob) < 1
    with pytest.raises(ZcalcError, match="precision"):
        ZeroCapSettings(precision="int1")


def test_an_interrupt_passes_through_the_progress_bar(lm, encoder, targets):
    from zcalc.progress import track

    def stop(caption):
        raise KeyboardInterrupt

    caption = latest(track(zerocap(targets[0], encoder, lm, QUICK), "Writing"), stop)
    assert len(caption.beams[0].tokens) == 1


def test_matrices_in_bfloat16_give_what_autocast_gives(lm, encoder):
    """The twin's weights are converted once; the model itself stays as it is."""
    ids = torch.tensor([lm.tokenizer.encode("Image of a cat", add_special_tokens=False)])
    before = [weights.clone() for weights in lm.model.parameters()]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        expected, logits = lm.model(ids).logits, lm.half(ids).logits
        scores = encoder.continuations(["Image of"]).vectors([0], ["Image of a cat"])
    torch.testing.assert_close(logits, expected)
    plain = encoder.continuations(["Image of"]).vectors([0], ["Image of a cat"])
    assert 0 < (scores - plain).abs().max() < 0.05
    assert all(map(torch.equal, before, lm.model.parameters()))
    halves = [w for w in lm.half.parameters() if w.dtype == torch.bfloat16]
    assert len(halves) >= 8 and lm.half.get_input_embeddings().weight.dtype == torch.float32
