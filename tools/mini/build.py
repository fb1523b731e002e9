"""One build of the embedded models: its steps in order, each resumable, and the files between."""

import json
import math
import random
import shutil
from pathlib import Path
from typing import ClassVar

from tools.mini import sources

TEXT_STEPS, LM_STEPS, HEAD_STEPS, SENTENCES, HELD = 2400, 2100, 2800, 6000, 500


class CannotBuildError(Exception):
    """What a step made can't be used; the message says why."""


class Build:
    """A build's work folder, and where the finished models go."""

    STEPS: ClassVar = (
        "fetch", "words", "captions", "teacher", "text_tower", "language_model", "pictures",
        "drawn_head", "image_tower", "pack",
    )  # fmt: skip

    def __init__(self, work: Path, package: Path) -> None:
        self.work, self.mini = work, package / "models/mini"
        self.data, self.bench = package / "data", package / "evaluate"
        self.made = work / "mini"
        (self.made / "lm").mkdir(parents=True, exist_ok=True)

    def fetch(self) -> None:
        """Bring the source packages, checked by hash, and draw the emoji."""
        sources.fetch(self.work)
        sources.use(self.work)
        from tools.mini import drawings, photos, teacher

        photos.fetch(self.work)
        drawings.render(self.work)
        self.names = sources.class_names(self.work)
        self.embed_by_teacher = teacher.Teacher(sources.teacher_folder(self.work))

    def words(self) -> None:
        """Choose the nouns that captions are about, and the vocabulary."""
        from tools.mini import nouns, vocabulary
        from tools.mini.flags import FLAGS

        kept = self.work / "words.json"
        if not kept.exists():
            found = {
                "nouns": [vars(n) for n in nouns.visible_nouns(self.work, self.embed_by_teacher)],
                "words": vocabulary.vocabulary(self.work, self.embed_by_teacher),
            }
            kept.write_text(json.dumps(found))
        found = json.loads(kept.read_text())
        self.nouns = [nouns.Noun(**row) for row in found["nouns"]]
        self.entries = found["words"]
        self.countries = [(flag.country, flag.people) for flag in FLAGS]

    def captions(self) -> None:
        """Have SmolLM2 write captions; hold 1,000 of them out of everything."""
        from tools.mini import corpus, sample

        sample.write(sources.writer_file(self.work), self.nouns, self.work / "captions.jsonl")
        written = corpus.sampled(self.work / "captions.jsonl")
        self.train, self.held = corpus.hold_out(written)

    def teacher(self) -> None:
        """Collect what the text tower is taught, and the teacher's embedding of each text."""
        from tools.mini import corpus, teacher

        texts = corpus.texts(self.work, self.nouns, self.entries, self.train, self.countries)
        self.held_out = corpus.held_out(self.work, texts, self.entries, self.held, HELD)
        unseen = {text for kind in self.held_out.values() for text in kind}
        seen = [text for text in texts if text not in unseen]
        self.texts = random.Random(0).sample(seen, len(seen))
        self.targets = teacher.embed(self.embed_by_teacher, self.texts, self.work / "teacher.npy")

    def text_tower(self) -> None:
        """Teach the text tower."""
        import torch

        from tools.mini import text_tower as tower

        self.tokenizer = tower.make_tokenizer(sources.teacher_folder(self.work), self.made)
        torch.manual_seed(0)
        self.clip = tower.build(self.made, len(self.tokenizer))
        if not (self.work / "text.pt").exists():
            tokens = [
                t.removeprefix("##")
                for t in self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
            ]
            tower.start_as_bag_of_words(self.clip.text, tokens, self.embed_by_teacher)
        held = {
            kind: (self._ids(texts), self.embed_by_teacher(texts))
            for kind, texts in self.held_out.items()
        }
        ids, keep = self._ids(self.texts), self.work / "text.pt"
        tower.train(self.clip, ids, self.targets, TEXT_STEPS, keep, held)

    def language_model(self) -> None:
        """Train the small GPT-2 on captions and templates."""
        from tools.mini import corpus, language_model

        train = [language_model.mend(c) for c in self.train]
        written = (
            train * 2
            + corpus.templates(self.nouns, seed=5, each=3)
            + corpus.national(self.countries, seed=6, each=16)
        )
        words = [n.word for n in self.nouns if n.share >= 0.4] + [
            w for w in self.entries[:6000] if " " not in w
        ]
        tokenizer = language_model.train_tokenizer(written, words * 3, self.made / "lm")
        ids = language_model.encode(written, tokenizer)
        self.lm = language_model.build()
        language_model.train(self.lm, ids, LM_STEPS, self.work / "lm.pt")
        held = language_model.encode([language_model.mend(c) for c in self.held], tokenizer)
        print(f"      held-out perplexity {language_model.perplexity(self.lm, held):.2f}")

    def pictures(self) -> None:
        """Paint the scenes with flags and drawings, and see them through the backbone."""
        from tools.mini import image_tower, scene_set
        from tools.mini.drawn_classes import drawn_classes

        self.classes = drawn_classes(self.work)
        self.tower = image_tower.build(sources.backbone_weights(self.work), len(self.classes))
        self.scenes = scene_set.write(self.work, self.tower)

    def drawn_head(self) -> None:
        """Teach the head that knows flags and drawings."""
        from tools.mini import drawn_head, scene_set

        drawn_head.train(
            self.tower, lambda: scene_set.read(self.scenes), HEAD_STEPS, self.work / "head.pt"
        )

    def image_tower(self) -> None:
        """Fill the table with the text tower's names of the classes."""
        from tools.mini import drawn_head, image_tower, scene_set
        from tools.mini.text_tower import features

        drawn_head.lower(self.tower)

        self.tower.table.data = image_tower.class_table(
            self.names, self.classes, lambda texts: features(self.clip, self._ids(texts))
        )
        self.tower.pooled_mean.data = scene_set.mean_of_photographs(self.scenes)
        self.tower.fit_guess()
        self.clip.visual.trunk.load_state_dict(self.tower.state_dict())
        self.clip.logit_scale.data.fill_(math.log(1 / 0.05))

    def pack(self) -> None:
        """Write fp16 safetensors, the package's word lists, pictures and measuring sets."""
        from tools.mini import pack

        pack.models(self)
        shutil.copytree(self.made, self.mini, dirs_exist_ok=True)
        pack.lists(self, SENTENCES)
        pack.pictures(self)

    def _ids(self, texts: list[str]):
        import torch

        context = self.tokenizer.model_max_length
        batch = self.tokenizer(texts, padding="max_length", truncation=True, max_length=context)
        return torch.tensor(batch.input_ids)
