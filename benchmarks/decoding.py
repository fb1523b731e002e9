"""Decoding, fast against plain, in one run, with the check that both write the same tokens.

python benchmarks/decoding.py            # mini: seconds, first token, search
python benchmarks/decoding.py --full     # ViT-B/32's text tower and GPT-2 medium's shape, random
                                         # weights; the plain version takes a quarter of an hour
python benchmarks/decoding.py --captions DIR   # ten expressions over a folder of photographs
"""

import argparse
import gzip
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from zcalc.calculator import Calculator
from zcalc.decode.captions import decoder_settings
from zcalc.decode import plain
from zcalc.decode.caption import Caption
from zcalc.decode.search import search
from zcalc.decode.settings import SearchSettings, ZeroCapSettings
from zcalc.decode.zerocap import zerocap
from zcalc.models.encoder import Encoder
from zcalc.models.language_model import LanguageModel

import open_clip  # isort: skip

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
    """Wall time of one call in seconds, and what it gave."""
    begin = time.perf_counter()
    done = work()
    return time.perf_counter() - begin, done


def last(captions: Iterator[Caption]) -> Caption:
    """What a decoder ends with."""
    *_, caption = captions
    return caption


def matrix_rate() -> float:
    """The best rate of fp32 products like the towers', a second; a multiply-add counts as two."""
    a, b, into = torch.randn(512, 512), torch.randn(512, 2048), torch.empty(512, 2048)
    rounds = [timed(lambda: [torch.mm(a, b, out=into) for _ in range(20)])[0] for _ in range(10)]
    return 20 * 2 * 512 * 512 * 2048 / min(rounds)


def resident() -> int:
    """This process's memory, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """The most memory of this process, in bytes, sampled every 5 ms."""
    found, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            found[0] = max(found[0], resident())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def share_in_products(work: Callable[[], Any]) -> tuple[float, float]:
    """The share of matrix products in the time of all operators, and in the time on the clock.

    Both by the profiler, whose own cost the second one has in it.
    """
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        seconds, _ = timed(work)
    events = profiler.key_averages()
    every = sum(e.self_cpu_time_total for e in events)
    taken = sum(e.self_cpu_time_total for e in events if any(p in e.key for p in PRODUCTS))
    return taken / every, taken / 1e6 / seconds


def same(fast: Caption, slow: Caption) -> bool:
    """Whether both wrote the same tokens, beam by beam."""
    return [b.tokens for b in fast.beams] == [b.tokens for b in slow.beams]


def compare(
    name: str,
    pair: tuple[Encoder, LanguageModel],
    target: Any,
    settings: ZeroCapSettings,
    loaded: int,
) -> None:
    """Fast and plain on one target, side by side; `loaded` is the memory with the models loaded."""
    with peak_memory() as memory:
        fast, by_fast = timed(lambda: last(zerocap(target, *pair, settings)))
    slow, by_plain = timed(lambda: last(plain.zerocap(target, *pair, settings)))
    with FlopCounterMode(display=False) as flops:
        last(zerocap(target, *pair, settings))
    limit = flops.get_total_flops() / matrix_rate()
    of_operators, of_clock = share_in_products(lambda: last(zerocap(target, *pair, settings)))
    print(
        f"{name}: {settings.max_tokens} tokens, {settings.beams} beams\n"
        f"  fast {fast:.2f} s, plain {slow:.2f} s: {slow / fast:.1f} × faster; "
        f"same tokens: {same(by_fast, by_plain)}\n"
        f"  {flops.get_total_flops() / 1e9:.0f} GFLOP in matrix products, at the machine's rate "
        f"{limit:.2f} s: {fast / limit:.1f} × that; they take {of_operators:.0%} of the operators' "
        f"time, {of_clock:.0%} of the clock's under the profiler\n"
        f"  memory over the loaded models {(memory[0] - loaded) / 2**20:.0f} MiB",
        flush=True,
    )


def full_size(folder: Path) -> tuple[Encoder, LanguageModel]:
    """ViT-B/32 and GPT-2 medium's shape with random weights, saved and loaded as real ones are."""
    from safetensors.torch import save_file
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    if not (folder / "clip").is_dir():
        config = open_clip.get_model_config("ViT-B-32")
        pictures = {"mean": [0.5] * 3, "std": [0.5] * 3}
        (folder / "clip").mkdir(parents=True)
        (folder / "clip" / "open_clip_config.json").write_text(
            json.dumps({"model_cfg": config, "preprocess_cfg": pictures})
        )
        state = open_clip.create_model("ViT-B-32", pretrained=None).state_dict()
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
    """A tokenizer of GPT-2's kind and size whose pieces are the words of CLIP's vocabulary."""
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


def full(folder: Path) -> None:
    """Full size: 2 tokens with 5 beams and 3 tokens with 1, and what 15 would take."""
    pair = full_size(folder)
    target = pair[0].texts(["a photo of a cat"])[0]
    last(zerocap(target, *pair, ZeroCapSettings(beams=1, max_tokens=1)))  # touches all weights
    loaded = resident()
    compare("full size", pair, target, ZeroCapSettings(beams=1, max_tokens=3), loaded)
    compare("full size", pair, target, ZeroCapSettings(beams=5, max_tokens=2), loaded)


def mini() -> None:
    """mini with its defaults: seconds a caption, the first token, search; and the token check."""
    calculator = Calculator("mini")
    pair = calculator.encoder, calculator.language_model
    settings = decoder_settings(calculator, "zerocap", {})
    quick = decoder_settings(calculator, "search", {})
    assert isinstance(settings, ZeroCapSettings) and isinstance(quick, SearchSettings)
    targets = {name: calculator(f"img({name})").vector for name in ("cat", "rocket", "coffee")}
    one = replace(settings, beams=1)
    first = partial(next, zerocap(targets["cat"], *pair, one))
    print(f"first token after load, 1 beam: {1000 * timed(first)[0]:.0f} ms")
    last(search(targets["cat"], *pair, replace(quick, max_tokens=1)))  # warm: its words
    loaded = resident()
    for name, target in targets.items():
        wide = {f"zerocap, {n} beams": (zerocap, replace(settings, beams=n)) for n in (1, 5)}
        for kind, (decode, own) in (
            wide | {f"search, {quick.beams} beams": (search, quick)}
        ).items():
            runs = [timed(lambda d=decode, t=target, o=own: last(d(t, *pair, o))) for _ in range(3)]
            seconds = sorted(taken for taken, _ in runs)
            found = runs[0][1]
            length = max(len(beam.tokens) for beam in found.beams)
            print(
                f"{name}, {kind}: {seconds[1]:.2f} s ({seconds[0]:.2f} to {seconds[2]:.2f}), "
                f"{length} tokens: {found.text}",
                flush=True,
            )
    runs = [timed(lambda: next(zerocap(targets["cat"], *pair, one)))[0] for _ in range(9)]
    print(f"first token of a later caption: {1000 * sorted(runs)[4]:.0f} ms")
    compare("mini", pair, targets["cat"], replace(settings, beams=1, max_tokens=3), loaded)


def captions(folder: Path) -> None:
    """Ten expressions with what each decoder writes, and how often bf16 writes the same."""
    calculator = Calculator("mini", [folder])
    results = [calculator(expression) for expression in EXPRESSIONS]
    methods = ("zerocap", "search", "retrieve")
    print("| expression | zerocap | search | retrieve |\n|---|---|---|---|")
    found = {method: calculator.captions(results, method) for method in methods}
    for i, expression in enumerate(EXPRESSIONS):
        texts = [f"{found[m][i].text} ({found[m][i].clip:.2f})" for m in methods]
        print(f"| `{expression}` | {' | '.join(texts)} |")
    for method in ("zerocap", "search"):
        half = calculator.captions(results, method, precision="bf16")
        alike = sum(a.text == b.text for a, b in zip(found[method], half, strict=True))
        print(f"{method}: bf16 writes {alike} of {len(half)} captions as fp32 does")


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the full-size pair, random weights")
    parser.add_argument("--folder", type=Path, help="where to keep its weights (2 GB)")
    parser.add_argument("--captions", type=Path, metavar="DIR", help="a folder of photographs")
    options = parser.parse_args()
    if options.captions:
        captions(options.captions)
        return
    print(f"{torch.get_num_threads()} threads, {matrix_rate() / 1e9:.0f} GFLOP/s in fp32 products")
    if not options.full:
        mini()
        return
    with tempfile.TemporaryDirectory() as folder:
        full(options.folder or Path(folder))


if __name__ == "__main__":
    main()
