"""The decoders on tiny random models, against independent implementations."""

import dataclasses
import math
import os
from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers import TEXTS, save_tiny_clip, save_tiny_gpt2
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

import zcalc
from zcalc.decode.beam import Beams
from zcalc.decode.caption import Beam, Caption, latest
from zcalc.decode.kv_cache import next_logits, prefill
from zcalc.decode.objective import objective
from zcalc.decode.retrieve import retrieve
from zcalc.decode.run import Group, Run
from zcalc.decode.scoring import TextScorer
from zcalc.decode.search import _embed_words, search
from zcalc.decode.settings import RetrieveSettings, SearchSettings, ZeroCapSettings
from zcalc.decode.vocabulary import FUNCTION_WORDS, Vocabulary, begin_tokens
from zcalc.decode.zerocap import edit_special_tokens, fuse, guidance_loss, shift, zerocap
from zcalc.errors import ZcalcError

pytestmark = pytest.mark.model
EOS = "<|endoftext|>"
OFF = {"end_token": EOS, "forbidden": ""}  # no factors on single tokens
UNGUIDED = ZeroCapSettings(
    steps=0, end_factor=1, first_end_factor=1, forbidden_factor=1, max_tokens=20, **OFF
)
WORDS = [word for text in TEXTS for word in text.replace(",", "").split()]
COUNT = 50 if os.environ.get("ZCALC_SOAK") else 20
PROMPTS = [" ".join((WORDS * 3)[i : i + (3 if i < 25 else 4)]) for i in range(COUNT)]
SHORT = ZeroCapSettings(beams=2, max_tokens=3, steps=2, candidates=64)


@pytest.fixture(scope="module")
def lm(tmp_path_factory):
    """A GPT-2 whose random weights are large enough to prefer some tokens."""
    from zcalc.models.language_model import LanguageModel

    folder = tmp_path_factory.mktemp("lm")
    save_tiny_gpt2(folder)
    lm = LanguageModel.load(str(folder), "cpu")
    with torch.no_grad():
        for weight in lm.model.parameters():
            weight.mul_(8 if weight.ndim > 1 else 1)
    return lm


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    from zcalc.models.encoder import Encoder

    folder = tmp_path_factory.mktemp("clip")
    save_tiny_clip(folder, "hf")
    return Encoder.load(str(folder), "cpu")


@pytest.fixture(scope="module")
def targets(encoder):
    return encoder.texts([f"Image of a {word}" for word in ("cat", "dog", "rocket", "sea", "tea")])


def last(captions):
    *_, caption = captions
    return caption


def list_beam_search(lm, prompt, width, length):
    """Beam search by mean log-probability with Python lists; each beam is (tokens, sum)."""
    tokenizer = lm.tokenizer
    start = [tokenizer.bos_token_id, *tokenizer.encode(prompt)]
    beams = [((), 0.0)]
    for _ in range(length):
        grown = []
        for tokens, total in beams:
            if tokens and tokens[-1] == tokenizer.eos_token_id:
                grown.append((tokens, total))
                continue
            with torch.no_grad():
                logits = lm.model(torch.tensor([[*start, *tokens]])).logits[0, -1]
            for token, gain in enumerate(logits.log_softmax(-1).tolist()):
                grown.append(((*tokens, token), total + gain))
        grown.sort(key=lambda beam: -beam[1] / len(beam[0]))
        beams = grown[:width]
    return beams


# Without guidance: the language model's own decoding


@pytest.mark.parametrize("off", [{"steps": 0}, {"steps": 5, "clip_weight": 0}])
def test_zerocap_without_guidance_is_greedy_decoding(lm, encoder, targets, off):
    for prompt in PROMPTS:
        settings = dataclasses.replace(UNGUIDED, beams=1, prompt=prompt, **off)
        caption = last(zerocap(targets[0], encoder, lm, settings))
        ids = torch.tensor([[lm.tokenizer.bos_token_id, *lm.tokenizer.encode(prompt)]])
        expected = lm.model.generate(ids, do_sample=False, max_new_tokens=20, pad_token_id=0)
        assert caption.beams[0].tokens == tuple(expected[0, ids.shape[1] :].tolist())


def test_both_decoders_without_guidance_are_beam_search(lm, encoder, targets):
    for prompt in PROMPTS:
        expected = list_beam_search(lm, prompt, width=3, length=5)
        settings = dataclasses.replace(UNGUIDED, beams=3, max_tokens=5, prompt=prompt)
        unguided = last(zerocap(targets[0], encoder, lm, settings))
        searched = last(
            search(
                targets[0],
                encoder,
                lm,
                SearchSettings(
                    english=False, beams=3, max_tokens=5, prompt=prompt, clip_weight=0, **OFF
                ),
            )
        )
        for caption in (unguided, searched):
            assert [beam.tokens for beam in caption.beams] == [tokens for tokens, _ in expected]
            for beam, (tokens, total) in zip(caption.beams, expected, strict=True):
                assert beam.logprob == pytest.approx(total / len(tokens), abs=1e-4)


# With guidance


def test_one_step_matches_the_gradient_by_finite_differences(lm, encoder, targets):
    """One step against central differences over every cached value, in float64."""
    settings = ZeroCapSettings(steps=1, candidates=10_000, clip_temperature=0.1)
    run = Run.prepare(targets[:1], encoder, lm, settings, "zerocap")
    contexts = torch.stack([run.vocabulary.prompt[-3:], run.vocabulary.prompt[:3]])  # (2, 3)
    past = cache_of(lm, contexts)
    shifted = shifted_cache(run, settings, contexts, past)
    lm.model.double()
    try:
        for row in range(2):
            flat, loss = loss_of_cache(run, contexts[row : row + 1])
            for index, tensor in enumerate(flat):
                gradient = finite_differences(loss, flat, index)
                step = -0.3 * gradient / gradient.norm() ** 0.9
                ours = shifted[index // 2][index % 2][row : row + 1].double() - tensor
                assert step.norm() > 0.05
                assert (ours - step).norm() < 1e-3 * step.norm()
    finally:
        lm.model.float()


def loss_of_cache(run, context):
    """The keys and values of a context, layer by layer, and the loss as a function of them."""
    from transformers import DynamicCache

    model = run.lm.model
    with torch.no_grad():
        out = model(context, use_cache=True)
    unshifted = out.logits[0, -1].softmax(-1)
    layers = out.past_key_values.layers
    flat = [t[:, :, :-1] for layer in layers for t in (layer.keys, layer.values)]
    prefix = run.text(context[0].tolist())
    texts = [prefix + piece for piece in run.vocabulary.pieces]
    clip_probs = (run.score(0, texts).double() / 0.1).softmax(-1)

    def loss(tensors):
        cache = DynamicCache()
        for layer in range(len(layers)):
            cache.update(tensors[2 * layer], tensors[2 * layer + 1], layer)
        with torch.no_grad():
            p = model(context[:, -1:], past_key_values=cache).logits[0, -1].softmax(-1)
        return float(-(clip_probs * p.log()).sum() + 0.2 * (p * (p / unshifted).log()).sum())

    return flat, loss


def finite_differences(loss, flat, index):
    gradient = torch.zeros_like(flat[index])
    for i in range(gradient.numel()):
        losses = []
        for delta in (1e-5, -1e-5):
            copies = [t.clone() for t in flat]
            copies[index].view(-1)[i] += delta
            losses.append(loss(copies))
        gradient.view(-1)[i] = (losses[0] - losses[1]) / 2e-5
    return gradient


def cache_of(lm, contexts):
    """Keys and values of all but the last token, with a forward pass for each context."""
    rows = [prefill(lm, context) for context in contexts]
    return [
        tuple(torch.cat(parts) for parts in zip(*layer, strict=True))
        for layer in zip(*rows, strict=True)
    ]


def scores_of(run, contexts):
    group = Group.start(1, contexts.device)
    group = Group(
        [dataclasses.replace(group.beams[0], ended=torch.zeros(len(contexts)).bool())], [[]]
    )
    return run.candidates(group, contexts)


def shifted_cache(run, settings, contexts, past):
    """The cache in the last forward pass of `shift`."""
    caches = []

    def spy(lm, last, cache):
        caches.append(cache)
        return next_logits(lm, last, cache)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zcalc.decode.zerocap.next_logits", spy)
        shift(run.lm, settings, contexts[:, -1], past, scores_of(run, contexts))
    return caches[-1]


def test_gradient_steps_lower_the_loss(lm, encoder, targets):
    settings = ZeroCapSettings(clip_temperature=0.1)
    for target in targets:
        run = Run.prepare([target], encoder, lm, settings, "zerocap")
        contexts = run.vocabulary.prompt[None]
        past, score = cache_of(lm, contexts), scores_of(run, contexts)
        losses = []
        for steps in (1, 5):
            changed = dataclasses.replace(settings, steps=steps)
            plain, logits, _ = shift(lm, changed, contexts[:, -1], past, score)
            losses.append(float(guidance_loss(settings, logits.log_softmax(-1), plain, score)))
        assert float(guidance_loss(settings, plain, plain, score)) > losses[0] > losses[1]


def test_guidance_brings_captions_closer_to_the_target(lm, encoder, targets):
    options = {"beams": 1, "max_tokens": 4, "candidates": 100, "clip_temperature": 0.02}
    for decode, settings in (
        (zerocap, ZeroCapSettings(step_size=1, **options)),
        (search, SearchSettings(english=False, **options)),
    ):
        off = dataclasses.replace(settings, clip_weight=0)
        guided = [last(decode(t, encoder, lm, settings)).clip for t in targets]
        unguided = [last(decode(t, encoder, lm, off)).clip for t in targets]
        assert np.mean(guided) > np.mean(unguided) + 0.02


def test_search_uses_words_that_only_the_target_proposes(lm, encoder, targets):
    narrow = SearchSettings(
        english=False, beams=2, max_tokens=1, candidates=2, proposals=0, clip_weight=100
    )
    wide = dataclasses.replace(narrow, proposals=16)
    without = [last(search(target, encoder, lm, narrow)).clip for target in targets]
    proposed = [last(search(target, encoder, lm, wide)).clip for target in targets]
    assert all(b >= a for a, b in zip(without, proposed, strict=True))
    assert sum(proposed) > sum(without)


def test_word_vectors_are_cached_and_a_damaged_file_is_rebuilt(encoder, monkeypatch, tmp_path):
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    words = ["dog", "cat", "sea"]
    vectors = _embed_words(words, encoder)
    (file,) = tmp_path.rglob("*.safetensors")
    assert torch.equal(_embed_words(words, encoder), vectors)
    file.write_bytes(file.read_bytes()[:-5] + b"xxxxx")
    assert torch.equal(_embed_words(words, encoder), vectors)
    assert vectors.norm(dim=1).tolist() == pytest.approx([1, 1, 1])
    assert _embed_words([], encoder).numel() == 0


# Special tokens, fusion, beams


def test_the_factors_on_single_tokens(lm):
    settings = ZeroCapSettings(repetition_penalty=2, end_factor=1.25)
    vocabulary = Vocabulary(lm, settings)
    recent, digit, end = 300, vocabulary.pieces.index("7"), vocabulary.end
    contexts = torch.tensor([[301, recent, 302, 303, 304], [recent, 301, 302, 303, 304]])
    logits = torch.full((2, len(vocabulary.pieces)), 4.0)
    logits[1] = -4.0
    first = edit_special_tokens(logits, contexts, 0, vocabulary, settings)
    later = edit_special_tokens(logits, contexts, 1, vocabulary, settings)
    assert first[0, [recent, digit, end]].tolist() == pytest.approx([2, 0.2, 2.5])
    assert later[0, [recent, digit, end]].tolist() == pytest.approx([2, 0.2, 5])
    assert first[1, [recent, digit, end]].tolist() == pytest.approx([-4, -80, -6.4])
    assert later[1, [recent, digit, end]].tolist() == pytest.approx([-4, -80, -3.2])
    assert (first == logits).sum() == 2 * len(vocabulary.pieces) - (4 + 4) - 2 * (
        1 + int(vocabulary.forbidden.sum())
    )


@pytest.mark.parametrize(
    ("piece", "forbidden"),
    [("7", 1), ("1990", 1), ("07", 0), (" 7", 0), (",", 1), ("\n", 1), ("-", 0), (" dog", 0)],
)
def test_forbidden_tokens_are_those_of_the_released_code(piece, forbidden):
    import re

    assert bool(re.fullmatch(ZeroCapSettings().forbidden, piece)) is bool(forbidden)


def test_a_piece_is_the_text_that_a_token_adds(lm):
    vocabulary = Vocabulary(lm, SHORT)
    for text in TEXTS:
        ids = lm.tokenizer.encode(text)
        assert "".join(vocabulary.pieces[i] for i in ids) == text == vocabulary.text(ids)
    assert vocabulary.pieces[lm.tokenizer.eos_token_id] == ""
    assert vocabulary.ends.tolist() == [lm.tokenizer.eos_token_id, vocabulary.end]


def test_fusion_is_a_geometric_mean_normalised_over_all_beams():
    shifted = torch.randn(2, 5).log_softmax(-1)
    plain = torch.randn(2, 5).log_softmax(-1)
    expected = shifted.exp() ** 0.9 * plain.exp() ** 0.1
    assert torch.allclose(
        fuse(shifted, plain, 0.9, ended=0).exp(), expected / expected.sum(), atol=1e-6
    )
    assert torch.allclose(
        fuse(shifted, plain, 0.9, ended=1).exp(), expected / (expected.sum() + 1), atol=1e-6
    )


def test_beams_compete_by_mean_and_ended_ones_stay():
    ends = torch.tensor([1])
    table = torch.tensor([[-9.0, -1.0, -1.2, -5.0]])
    beams = Beams.start(torch.device("cpu")).extend(table, table, 2, ends)
    assert beams.sequences() == [(1,), (2,)] and beams.ended.tolist() == [True, False]
    step = torch.tensor([[-9.0, -0.6, -0.4, -5.0]])
    beams = beams.extend(step, 2 * step, 3, ends)
    assert beams.sequences() == [(2, 2), (2, 1), (1,)]  # means -0.8, -0.9, -1.0
    assert beams.scores.tolist() == pytest.approx([-1.6, -1.8, -1.0])
    assert beams.logprobs.tolist() == pytest.approx([-2.0, -2.4, -1.0])
    assert beams.lengths.tolist() == [2, 2, 1] and beams.ended.tolist() == [False, True, True]
    assert beams.contexts(torch.tensor([7])).tolist() == [[7, 2, 2]]


@pytest.mark.parametrize("decode", [zerocap, search])
@pytest.mark.parametrize(
    "state", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)]
)
def test_decoding_is_the_same_in_any_state_of_torch(tmp_path_factory, decode, state):
    from zcalc.models.encoder import Encoder
    from zcalc.models.language_model import LanguageModel

    root = tmp_path_factory.mktemp("state")
    save_tiny_gpt2(root / "lm")
    save_tiny_clip(root / "clip", "hf")

    def captions():
        lm = LanguageModel.load(str(root / "lm"), "cpu")
        encoder = Encoder.load(str(root / "clip"), "cpu")
        target = encoder.texts(["a dog in the snow"])[0]
        kind = ZeroCapSettings if decode is zerocap else SearchSettings
        yield from decode(target, encoder, lm, kind(beams=2, max_tokens=3))

    expected = [caption.beams for caption in captions()]
    with state():
        before = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        autocast = torch.is_autocast_enabled("cpu")
        for caption, right in zip(captions(), expected, strict=True):
            assert caption.beams == right
            assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == before
            assert torch.is_autocast_enabled("cpu") == autocast


def test_diverse_beams_avoid_the_content_of_the_groups_before_them():
    ends, content = torch.tensor([1]), torch.tensor([False, False, True, True, False])
    first = torch.tensor([[-9.0, -9.0, -1.0, -1.5, -4.0]])
    start = Beams.start(torch.device("cpu"))
    assert start.extend(first, first, 2, ends).sequences() == [(2,), (3,)]
    beams = start.extend(first, first, 2, ends, 5.0, content)
    assert beams.sequences() == [(2,), (3,)]  # content differs as it is
    second = torch.tensor([[-9.0, -9.0, -9.0, -1.0, -4.0], [-9.0, -9.0, -0.5, -9.0, -4.0]])
    plain = beams.extend(second, second, 2, ends)
    assert plain.sequences() == [(2, 3), (3, 2)]
    diverse = beams.extend(second, second, 2, ends, 5.0, content)
    assert diverse.sequences() == [(2, 3), (3, 4)]  # 2 is the first group's
    assert diverse.scores.tolist() == pytest.approx([-2.0, -5.5])  # without the penalty


def test_a_diverse_first_beam_is_that_of_a_narrower_search(lm, encoder):
    target = encoder.texts(["a dog in the snow"])[0]
    settings = SearchSettings(english=False, beams=4, max_tokens=5, diversity=3.0)
    narrow = dataclasses.replace(settings, beams=2, diversity=0.0)
    diverse = latest(search(target, encoder, lm, settings))
    best = latest(search(target, encoder, lm, narrow)).beams[0]
    assert best.tokens in [beam.tokens for beam in diverse.beams]


def test_no_usable_token_is_an_error():
    nothing = torch.full((1, 4), -math.inf)
    with pytest.raises(ZcalcError, match="no usable next token"):
        Beams.start(torch.device("cpu")).extend(nothing, nothing, 2, torch.tensor([1]))


# Streaming


@pytest.mark.parametrize("decode", [zerocap, search])
def test_one_caption_per_token(decode, lm, encoder, targets):
    kind = ZeroCapSettings if decode is zerocap else SearchSettings
    options = {"max_tokens": 4, "candidates": 64, "clip_temperature": 0.05}
    captions = list(decode(targets[1], encoder, lm, kind(beams=1, **options)))
    assert [len(caption.beams[0].tokens) for caption in captions] == [1, 2, 3, 4][: len(captions)]
    assert [caption.finished for caption in captions] == [False] * (len(captions) - 1) + [True]
    texts = ["Image of a", *(caption.raw for caption in captions)]
    assert all(b.startswith(a) for a, b in pairwise(texts))
    wide = list(decode(targets[1], encoder, lm, kind(beams=3, **options)))
    assert wide == list(decode(targets[1], encoder, lm, kind(beams=3, **options)))
    caption = wide[-1]
    assert caption.text == caption.best_clip.text and caption.method == decode.__name__
    assert caption.clip == max(beam.clip for beam in caption.beams)
    assert caption.best_likelihood.logprob == max(beam.logprob for beam in caption.beams)
    assert caption.clip == pytest.approx(
        cosine(encoder.texts([caption.raw])[0], targets[1]), abs=1e-5
    )


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_an_ended_caption_stops_the_decoder(lm, encoder, targets):
    """Any token may end a caption; here, one that unguided decoding writes."""
    pieces = Vocabulary(lm, UNGUIDED).pieces
    for prompt in PROMPTS:
        settings = dataclasses.replace(UNGUIDED, beams=1, max_tokens=8, prompt=prompt)
        tokens = last(zerocap(targets[0], encoder, lm, settings)).beams[0].tokens
        for end in set(tokens[:-1]):
            if pieces[end] and pieces.count(pieces[end]) == 1:
                ending = dataclasses.replace(settings, end_token=pieces[end])
                captions = list(zerocap(targets[0], encoder, lm, ending))
                assert captions[-1].beams[0].tokens == tokens[: tokens.index(end) + 1]
                assert captions[-1].finished and len(captions) == tokens.index(end) + 1


def test_an_interrupt_returns_the_last_caption(lm, encoder, targets):
    captions = []

    def stop_at_the_second(caption):
        captions.append(caption)
        if len(captions) == 2:
            raise KeyboardInterrupt

    caption = latest(zerocap(targets[0], encoder, lm, SHORT), stop_at_the_second)
    assert caption is captions[1] and not caption.finished
    assert latest(zerocap(targets[0], encoder, lm, SHORT)).finished

    def interrupted():
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        latest(interrupted())


# Errors


@pytest.mark.parametrize("decode", [zerocap, search])
@pytest.mark.parametrize(
    "case",
    [
        (lambda t: t * np.nan, {}, "no direction"),
        (lambda t: t * 0, {}, "no direction"),
        (lambda t: t[:-1], {}, r"has 23 dimensions.*24 dimensions"),
        (lambda t: t[None], {}, "shape"),
        (lambda t: t, {"prompt": "a " * 60}, "language model's 64 positions"),
        (lambda t: t, {"prompt": "cat dog tea sea red " * 3}, "text encoder's 16 tokens"),
        (lambda t: t, {"end_token": "no such token"}, "'no such token' is not a single token"),
        (lambda t: t, {"end_token": ""}, "'' is not a single token"),
    ],
)
def test_errors(decode, case, lm, encoder, targets):
    change, options, message = case
    kind = ZeroCapSettings if decode is zerocap else SearchSettings
    with pytest.raises(ZcalcError, match=message) as caught:
        next(decode(change(targets[0]), encoder, lm, kind(**options)))
    assert caught.value.hint


@pytest.mark.parametrize(
    "options", [{"beams": 0}, {"max_tokens": 0}, {"fusion": 2}, {"clip_temperature": 0}]
)
def test_invalid_settings(options):
    ((name, value),) = options.items()
    with pytest.raises(ZcalcError, match=f"Invalid decoder setting {name}={value}") as caught:
        ZeroCapSettings(**options)
    assert caught.value.hint.startswith(f"{name} must be ")


def test_the_settings_of_retrieve():
    assert RetrieveSettings().beams == 5 and RetrieveSettings(beams=1).beams == 1
    with pytest.raises(ZcalcError, match="setting beams=0"):
        RetrieveSettings(beams=0)


def test_a_text_longer_than_the_context_has_the_lowest_score(encoder, targets):
    score = TextScorer([objective(targets[0])], encoder, "Image of a")
    near, far = score(0, ["Image of a cat", "cat " * 40]).tolist()
    assert near == pytest.approx(1, abs=1e-5) and far == -1


# Begin and end tokens


def test_captions_begin_as_in_the_release_or_as_the_tokenizer_says(lm):
    from types import SimpleNamespace

    from tokenizers.processors import TemplateProcessing
    from transformers import AutoConfig

    def begin(family, adds=False, bos=EOS):
        end = "<|endoftext|>"
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer.from_str(lm.tokenizer.backend_tokenizer.to_str()),
            bos_token=bos,
            eos_token=end,
        )
        if adds:
            special = [(end, tokenizer.convert_tokens_to_ids(end))]
            tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
                single=f"{end} $A", special_tokens=special
            )
        model = SimpleNamespace(config=AutoConfig.for_model(family))
        return begin_tokens(SimpleNamespace(model=model, tokenizer=tokenizer))

    own = [lm.tokenizer.bos_token_id]
    assert begin("gpt2") == own
    assert begin("gpt2", bos=None) == []
    assert begin("gpt_neo") == begin("gpt_neo", adds=True) == []
    assert begin("llama") == begin("qwen3") == []
    assert begin("llama", adds=True) == own


def test_the_release_scores_an_end_of_text_as_the_caption_without_it(tmp_path):
    from zcalc.models.encoder import Encoder

    save_tiny_clip(tmp_path, "plain")
    encoder = Encoder.load(str(tmp_path), "cpu")
    # To OpenAI's tokenizer, which the release uses, <|endoftext|> in a text is the end token.
    plain = encoder.texts(["Image of a cat"])[0]
    ids = encoder.tokenize(["Image of a cat"])
    end = encoder.token_count("Image of a cat")
    ids[0, end] = ids[0, end - 1]
    assert np.abs(plain - encoder.text_features(ids)[0].numpy()).max() < 1e-5
    assert np.abs(plain - encoder.texts(["Image of a cat ended"])[0]).max() > 1e-3


# retrieve


def test_retrieve_returns_the_nearest_sentence(encoder, targets):
    sentences = ["Image of a dog", "Image of a cat", *TEXTS[2:]]
    vectors = encoder.texts(sentences)
    caption = retrieve(targets[0], sentences, 3 * vectors, RetrieveSettings(beams=2, english=False))
    assert caption.text == "Image of a cat" and caption.finished and len(caption.beams) == 2
    assert caption.clip == pytest.approx(1, abs=1e-5)
    for target, rows in (
        (targets[0][:3], vectors),
        (targets[0], vectors[:2]),
        (targets[0] * 0, vectors),
    ):
        with pytest.raises(ZcalcError):
            retrieve(target, sentences, rows)


def test_the_best_beams():
    beams = [Beam("a", 0.1, -1.0), Beam("b", 0.3, -3.0), Beam("c", 0.2, -0.5)]
    caption = Caption.of(beams, "zerocap")
    assert (caption.text, caption.best_clip.text, caption.best_likelihood.text) == ("b", "b", "c")


@pytest.mark.model
def test_search_repeats_function_words_only():
    caption = zcalc.load("mini")('img(coffee) - "coffee" + "tea"').caption("search")
    for beam in caption.beams:
        words = [word for word in beam.text.rstrip(".").split() if len(word) > 2]
        repeated = {word for word in words if words.count(word) > 1}
        assert repeated <= FUNCTION_WORDS, beam.text
