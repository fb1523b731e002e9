"""Time the decoders, and zerocap against its reference, checking that both write the same tokens.

python benchmarks/decoding.py            # mini: seconds per caption, first token
python benchmarks/decoding.py --full --parts   # where the time goes at full size: a minute
python benchmarks/decoding.py --full     # ViT-B/32's text tower and GPT-2 medium's shape with
                                         # random weights; the reference takes a quarter of an hour
python benchmarks/decoding.py --captions DIR   # ten expressions over a folder of photographs
"""

import argparse
import gzip
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch.utils.flop_counter import FlopCounterMode

from zcalc.calculator import Calculator
from zcalc.decode import reference
from zcalc.decode import zerocap as decoder
from zcalc.decode.caption import Caption
from zcalc.decode.captions import complete_settings
from zcalc.decode.scoring import PrefixScorer
from zcalc.decode.search import search
from zcalc.decode.settings import SearchSettings, ZeroCapSettings
from zcalc.decode.zerocap import zerocap
from zcalc.models.continuations import SharedPrefixes
from zcalc.models.encoder import Encoder
from zcalc.models.language_model import LanguageModel

import open_clip  # isort: skip

PARTS = (
    (SharedPrefixes, "vectors", "text tower"),
    (decoder, "next_logits", "language model, forward"),
    (torch.autograd, "grad", "language model, backward"),
    (PrefixScorer, "__call__", "scoring of candidates"),
)
PRODUCTS = ("addmm", "mm", "bmm", "baddbmm", "_scaled_dot_product", "_native_multi_head", "gemm")
PAGE = 4096
EXPRESSIONS = (
    "img(Siamese_cat)",
    "img(cheeseburger)",
    "img(electric_guitar)",
    'img(Siamese_cat) - "cat" + "dog"',
    'img(cheeseburger) - "america" + "japan"',
    'img(electric_guitar) - "guitar" + "drum"',
    'img(boathouse) - "water" + "snow"',
    'img(dalmatian) + "a red ball"',
    'img(balloon) - "sky" + "sea"',
    "img(African_elephant) - img(African_crocodile)",
)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time of a call in seconds, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def last(captions: Iterator[Caption]) -> Caption:
    """The last caption of a decoder."""
    *_, caption = captions
    return caption


def matrix_rate() -> float:
    """The peak rate of fp32 products of the towers' shapes, in FLOP/s (a multiply-add is two)."""
    a, b, out = torch.randn(512, 512), torch.randn(512, 2048), torch.empty(512, 2048)
    rounds = [timed(lambda: [torch.mm(a, b, out=out) for _ in range(20)])[0] for _ in range(10)]
    return 20 * 2 * 512 * 512 * 2048 / min(rounds)


def resident() -> int:
    """The resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """The peak memory of this process in bytes, sampled every 5 ms."""
    peak, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            peak[0] = max(peak[0], resident())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def share_in_products(work: Callable[[], Any]) -> tuple[float, float]:
    """The share of matrix products in the time of all operators, and in wall time.

    Measured with the profiler, whose overhead is part of the wall time.
    """
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        seconds, _ = timed(work)
    events = profiler.key_averages()
    total = sum(e.self_cpu_time_total for e in events)
    products = sum(e.self_cpu_time_total for e in events if any(p in e.key for p in PRODUCTS))
    return products / total, products / 1e6 / seconds


class Stopwatch:
    """Where the time of a call goes: seconds by part, each without the parts that it calls."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._inner = [0.0]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the parts of zerocap; what is left is Python and small operators."""
        with ExitStack() as stack:
            for owner, name, part in PARTS:
                watched = self._watched(getattr(owner, name), part)
                stack.enter_context(patch.object(owner, name, watched))
            yield

    def _watched(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            seconds, result = timed(lambda: function(*args, **kwargs))
            self.seconds[part] += seconds - self._inner.pop()
            self._inner[-1] += seconds
            return result

        return call


def print_parts(work: Callable[[], Any]) -> None:
    """Print which share of a call's time each part takes."""
    watch = Stopwatch()
    with watch.watching():
        whole, _ = timed(work)
    watch.seconds["Python and small operators"] = whole - sum(watch.seconds.values())
    for part, seconds in watch.seconds.most_common():
        print(f"  {part}: {seconds:.2f} s, {seconds / whole:.0%}")


def same_tokens(a: Caption, b: Caption) -> bool:
    """Whether two captions have the same tokens in every beam."""
    return [beam.tokens for beam in a.beams] == [beam.tokens for beam in b.beams]


def compare(
    name: str,
    pair: tuple[Encoder, LanguageModel],
    target: Any,
    settings: ZeroCapSettings,
    loaded: int,
) -> None:
    """Compare zerocap with its reference on one target; `loaded` is the memory of the models."""
    with peak_memory() as memory:
        fast, caption = timed(lambda: last(zerocap(target, *pair, settings)))
    slow, expected = timed(lambda: last(reference.zerocap(target, *pair, settings)))
    with FlopCounterMode(display=False) as flops:
        last(zerocap(target, *pair, settings))
    limit = flops.get_total_flops() / matrix_rate()
    of_operators, of_clock = share_in_products(lambda: last(zerocap(target, *pair, settings)))
    print(
        f"{name}: {settings.max_tokens} tokens, {settings.beams} beams\n"
        f"  zerocap {fast:.2f} s, reference {slow:.2f} s: {slow / fast:.1f} × as fast; "
        f"same tokens: {same_tokens(caption, expected)}\n"
        f"  {flops.get_total_flops() / 1e9:.0f} GFLOP in matrix products, {limit:.2f} s at the "
        f"machine's peak rate: {fast / limit:.1f} × that; they take {of_operators:.0%} of the "
        f"operators' time, {of_clock:.0%} of wall time under the profiler\n"
        f"  memory on top of the loaded models: {(memory[0] - loaded) / 2**20:.0f} MiB",
        flush=True,
    )


def full_size(folder: Path) -> tuple[Encoder, LanguageModel]:
    """ViT-B/32 and GPT-2 medium with random weights, saved and loaded like real checkpoints."""
    from safetensors.torch import save_file
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    if not (folder / "clip").is_dir():
        config = open_clip.get_model_config("ViT-B-32-quickgelu")
        pictures = {"mean": [0.5] * 3, "std": [0.5] * 3}
        (folder / "clip").mkdir(parents=True)
        (folder / "clip" / "open_clip_config.json").write_text(
            json.dumps({"model_cfg": config, "preprocess_cfg": pictures})
        )
        state = open_clip.create_model("ViT-B-32-quickgelu", pretrained=None).state_dict()
        save_file(
            {k: v.contiguous().clone() for k, v in state.items()},
            folder / "clip" / "open_clip_model.safetensors",
        )
        tokenizer = words_tokenizer(50_257)
        shape = GPT2Config(n_embd=1024, n_layer=24, n_head=16, bos_token_id=0, eos_token_id=0)
        GPT2LMHeadModel(shape).save_pretrained(folder / "lm")
        tokenizer.save_pretrained(folder / "lm")
    encoder = Encoder.load(str(folder / "clip"), "cpu")
    return encoder, LanguageModel.load(str(folder / "lm"), "cpu")


def words_tokenizer(size: int) -> Any:
    """A tokenizer of the size of GPT-2's with the words of CLIP's vocabulary as pieces."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    file = Path(open_clip.tokenizer.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")
    merges = gzip.decompress(file.read_bytes()).decode().split("\n")[1:]
    joined = ["".join(merge.split()) for merge in merges if merge]
    words = ["Ġ" + word[:-4] if word.endswith("</w>") else word for word in joined]
    more = ["Ġ" + word[1:].capitalize() for word in words if word.startswith("Ġ")]
    end, letters = "<|endoftext|>", pre_tokenizers.ByteLevel.alphabet()
    pieces = list(dict.fromkeys([end, ".", *sorted(letters), *words[:48_000], *more]))[:size]
    unigram = Tokenizer(models.Unigram([(piece, -10.0) for piece in pieces], unk_id=0))
    unigram.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    unigram.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=unigram, bos_token=end, eos_token=end)


def _caption(target: Any, pair: tuple[Encoder, LanguageModel], settings: ZeroCapSettings) -> None:
    last(zerocap(target, *pair, settings))


def full(folder: Path, reference_too: bool) -> None:
    """Full size: where the time of 5 beams goes, then 3 tokens with 1 beam and 2 with 5."""
    pair = full_size(folder)
    target = pair[0].texts(["a photo of a cat"])[0]
    last(zerocap(target, *pair, ZeroCapSettings(beams=1, max_tokens=1)))  # warm-up
    wide = ZeroCapSettings(beams=5, max_tokens=2)
    for precision in ("fp32", "bf16"):
        print(f"full size, 5 beams, 2 tokens, {precision}:")
        own = replace(wide, precision=precision)
        last(zerocap(target, *pair, own))  # warm-up: in bf16, the matrices are converted
        print_parts(partial(_caption, target, pair, own))
    if not reference_too:
        return
    loaded = resident()
    compare("full size", pair, target, ZeroCapSettings(beams=1, max_tokens=3), loaded)
    compare("full size", pair, target, wide, loaded)


def mini() -> None:
    """mini with its defaults: seconds per caption and for the first token; the token check."""
    calculator = Calculator.create("mini")
    models = calculator.models
    pair = models.encoder, models.language_model
    settings: ZeroCapSettings = complete_settings(models, "zerocap", {})
    quick: SearchSettings = complete_settings(models, "search", {})
    targets = {name: calculator(f"img({name})").vector for name in ("cat", "rocket", "coffee")}
    one = replace(settings, beams=1)
    first = partial(next, zerocap(targets["cat"], *pair, one))
    print(f"first token after load, 1 beam: {1000 * timed(first)[0]:.0f} ms")
    last(search(targets["cat"], *pair, replace(quick, max_tokens=1)))  # warm-up: the words' vectors
    loaded = resident()
    for name, target in targets.items():
        wide = {f"zerocap, {n} beams": (zerocap, replace(settings, beams=n)) for n in (1, 5)}
        for label, (decode, s) in (
            wide | {f"search, {quick.beams} beams": (search, quick)}
        ).items():
            runs = [timed(lambda d=decode, t=target, s=s: last(d(t, *pair, s))) for _ in range(3)]
            times = sorted(seconds for seconds, _ in runs)
            caption = runs[0][1]
            length = max(len(beam.tokens) for beam in caption.beams)
            print(
                f"{name}, {label}: {times[1]:.2f} s ({times[0]:.2f} to {times[2]:.2f}), "
                f"{length} tokens: {caption.text}",
                flush=True,
            )
    runs = [timed(lambda: next(zerocap(targets["cat"], *pair, one)))[0] for _ in range(9)]
    print(f"first token of a later caption: {1000 * sorted(runs)[4]:.0f} ms")
    compare("mini", pair, targets["cat"], replace(settings, beams=1, max_tokens=3), loaded)


def write_captions(folder: Path) -> None:
    """Caption ten expressions with each decoder, and count the captions that bf16 changes."""
    calculator = Calculator.create("mini", images=[folder])
    results = [calculator(expression) for expression in EXPRESSIONS]
    methods = ("zerocap", "search", "retrieve")
    print("| expression | zerocap | search | retrieve |\n|---|---|---|---|")
    captions = {method: calculator.captions(results, method) for method in methods}
    for i, expression in enumerate(EXPRESSIONS):
        texts = [f"{captions[m][i].text} ({captions[m][i].clip:.2f})" for m in methods]
        print(f"| `{expression}` | {' | '.join(texts)} |")
    for method in ("zerocap", "search"):
        half = calculator.captions(results, method, precision="bf16")
        equal = sum(a.text == b.text for a, b in zip(captions[method], half, strict=True))
        print(f"{method}: {equal} of {len(half)} captions are the same in bf16 and fp32")


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="full-size models, random weights")
    parser.add_argument("--parts", action="store_true", help="with --full: only where time goes")
    parser.add_argument("--folder", type=Path, help="where to save their weights (2 GB)")
    parser.add_argument("--captions", type=Path, metavar="DIR", help="a folder of photographs")
    options = parser.parse_args()
    if options.captions:
        write_captions(options.captions)
        return
    print(f"{torch.get_num_threads()} threads, {matrix_rate() / 1e9:.0f} GFLOP/s in fp32 products")
    if not options.full:
        mini()
        return
    with tempfile.TemporaryDirectory() as folder:
        full(options.folder or Path(folder), not options.parts)


if __name__ == "__main__":
    main()
