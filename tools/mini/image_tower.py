"""The image tower of `mini`: EfficientNet-Lite2, a head for drawings, a table of class names."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import timm
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from tools.mini import faces
from tools.mini.drawn_classes import DrawnClass
from zcalc.decode.english import article
from zcalc.models import tower

KIND_SHARE, DRAWN_KIND_SHARE = 0.45, 0.3  # of a class's kinds in its row
EXCESS = 0.03  # how much nearer to a country an animal's row may be than its relatives' rows
PEOPLE = (
    ("a person", "a human being"),
    ("a person", "people"),
    ("people", "a group of people"),
    ("people", "a crowd of people", "a crowd"),
)
PROMPTS = ("{name}", "{an} {name}", "a photo of {an} {name}", "Image of {an} {name}.")


def build(weights: Path, face_weights: Path, drawn: int) -> tower.ClassMixture:
    """Build the tower: pretrained backbone and face detector, an untrained head, an empty table."""
    if drawn != tower.DRAWN:
        raise RuntimeError(
            f"found {drawn} drawn classes, not {tower.DRAWN}: update DRAWN in {tower.__file__}"
        )
    torch.manual_seed(0)
    model = tower.ClassMixture(384, drawn)
    backbone = timm.create_model("tf_efficientnet_lite2")
    copy_weights(backbone, weights)
    model.backbone.load_state_dict(folded(backbone).state_dict())
    model.faces = faces.build(face_weights)
    return model.eval()


def people_rows(embed: Callable[[list[str]], torch.Tensor]) -> torch.Tensor:
    """Unit rows (4, d) of the tower's `people`: a portrait, a person, a few people, a crowd."""
    rows = [F.normalize(embed(list(texts)).sum(0), dim=-1) for texts in PEOPLE]
    return torch.stack(rows)


def copy_head(model: tower.ClassMixture, weights: Path) -> None:
    """Copy the head for drawings, and the mean photograph, from a finished model."""
    prefix = "visual.trunk."
    state = {key.removeprefix(prefix): value.float() for key, value in load_file(weights).items()}
    parts = {k: v for k, v in state.items() if k.startswith("drawn.") or k == "pooled_mean"}
    missing, unexpected = model.load_state_dict(parts, strict=False)
    if unexpected or any(key.startswith("drawn.") for key in missing):
        raise RuntimeError(f"{weights} has no head of this shape: {unexpected or missing}")


def copy_weights(backbone: torch.nn.Module, weights: Path) -> None:
    """Copy the tensors of the `.pth` file by position, which timm keeps in the same order."""
    source = torch.load(weights, weights_only=True)
    target = backbone.state_dict()
    if len(source) != len(target):
        raise RuntimeError(f"{weights.name} has {len(source)} tensors, expected {len(target)}")
    for (name, expected), actual in zip(target.items(), source.values(), strict=True):
        if expected.shape != actual.shape:
            shapes = f"expected {tuple(expected.shape)}, got {tuple(actual.shape)}"
            raise RuntimeError(f"{name} in {weights.name}: {shapes}")
    backbone.load_state_dict(dict(zip(target, source.values(), strict=True)))


def folded(model: torch.nn.Module) -> torch.nn.Module:
    """Fold a network's batch norms into the convolutions before them.

    Makes inference on a CPU 1.4 times as fast; the network can no longer be trained.
    """
    model.eval()
    previous: torch.nn.Module | None = None
    for name, child in list(model.named_children()):
        if isinstance(child, torch.nn.BatchNorm2d) and isinstance(previous, torch.nn.Conv2d):
            mean, variance = (
                cast(torch.Tensor, child.running_mean),
                cast(torch.Tensor, child.running_var),
            )
            previous.weight, previous.bias = torch.nn.utils.fuse_conv_bn_weights(
                previous.weight, previous.bias, mean, variance, child.eps, child.weight, child.bias
            )
            setattr(model, name, getattr(child, "act", torch.nn.Identity()))  # timm's includes it
        else:
            folded(child)
        previous = child
    return model


def plain(name: str) -> str:
    """A class name in lower case, without the explanation in parentheses."""
    return re.sub(r"\s*\(.*?\)", "", name).lower()


class ClassTable:
    """Builds the table of class embeddings from names and kinds.

    A class's row is its name, in four prompts, plus a share of its kinds, such as dog and animal
    for a beagle: `"a dog"` then finds every dog, whatever its breed is called. `kinds` are, for
    each class name, pairs of a kind and a weight. A breed is called after a country that no
    photograph of it shows: `countries`, their names and adjectives, are taken out of animals' rows.
    """

    def __init__(
        self,
        embed: Callable[[list[str]], torch.Tensor],
        kinds: Mapping[str, Sequence[tuple[str, float]]],
        share: float = KIND_SHARE,
        drawn_share: float = DRAWN_KIND_SHARE,
        countries: Sequence[str] = (),
    ) -> None:
        self.embed, self.kinds, self.share, self.drawn_share = embed, kinds, share, drawn_share
        self.countries = countries

    def __call__(self, names: list[str], drawn: list[DrawnClass]) -> torch.Tensor:
        """Unit rows (1000 + drawn, d): ImageNet's classes, then the drawn ones."""
        photographed = self.prompted(names) + self.share * self.kind_rows(names)
        photographed = self.without_countries(F.normalize(photographed, dim=-1), names)
        vectors = iter(self.embed([text for concept in drawn for text in concept.texts]))
        sums = [sum(next(vectors) for _ in concept.texts) for concept in drawn]  # (d,) each
        names = [concept.name for concept in drawn]
        shown = F.normalize(torch.stack(sums), dim=-1) + self.drawn_share * self.kind_rows(names)
        return F.normalize(torch.cat([photographed, shown]), dim=-1)

    def without_countries(self, rows: torch.Tensor, names: list[str]) -> torch.Tensor:
        """Unit rows (n, d) in which no animal is nearer to a country than its relatives are."""
        if not self.countries:
            return rows
        countries = self.embed(list(self.countries))  # (c, d)
        relatives: dict[str, list[int]] = {}
        for i, name in enumerate(names):
            kinds = [kind for kind, _ in self.kinds.get(name, ())]
            if "animal" in kinds:
                relatives.setdefault(kinds[0], []).append(i)
        rows = rows.clone()
        for family in relatives.values():
            own = rows[family]  # (f, d)
            usual = (own @ countries.T).median(0).values  # (c,)
            for _ in range(8):  # one country's share at a time; most rows need none or one
                excess, nearest = (own @ countries.T - usual).max(1)  # (f,) each
                excess = (excess - EXCESS).clamp(min=0).unsqueeze(1)
                own = F.normalize(own - excess * countries[nearest], dim=-1)
            rows[family] = own
        return rows

    def prompted(self, names: list[str]) -> torch.Tensor:
        """Unit embeddings (n, d) of names, each the mean of four prompts."""
        rows = sum(
            self.embed([prompt.format(name=n, an=article(n)) for n in map(plain, names)])
            for prompt in PROMPTS
        )  # (n, d)
        return F.normalize(rows, dim=-1)

    def kind_rows(self, names: list[str]) -> torch.Tensor:
        """Embeddings (n, d) of the kinds of classes: of unit length, less if all weigh little."""
        used = {kind for name in names for kind, _ in self.kinds.get(name, ())}
        all_kinds = sorted(used | {"people"})
        vectors = dict(zip(all_kinds, self.prompted(all_kinds), strict=True))
        rows = torch.zeros(len(names), next(iter(vectors.values())).shape[0])
        for row, name in zip(rows, names, strict=True):
            for kind, weight in self.kinds.get(name, ()):
                row.add_(vectors[kind], alpha=weight)
                if kind == "person":  # somebody: the picture may show one or many
                    row.add_(vectors["people"], alpha=weight)
        weights = [sum(weight for _, weight in self.kinds.get(name, ())) for name in names]
        return F.normalize(rows, dim=-1) * torch.tensor(weights).clamp(max=1).unsqueeze(1)
