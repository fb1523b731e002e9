"""Render the drawings in `pictures/` from Noto Emoji's vector graphics.

Requires npm's @iconify-json/noto 1.2.9, unpacked, and PyPI's resvg-py 0.5.0:

    npm pack @iconify-json/noto@1.2.9 && tar xzf iconify-json-noto-1.2.9.tgz
    pip install --no-deps --target packages resvg-py==0.5.0
    PYTHONPATH=packages python benchmarks/arithmetic/render.py package/icons.json
"""

import hashlib
import io
import json
import sys
from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).parent / "pictures"
# icons.json of version 1.2.9
SHA256 = "9eac6ef4e7ec122b6f0e7ac281d61008afdbc720d0ce861e398b939daaa347c6"
SIZE = 128  # pixels
# Drawings whose icon has another name; the others' icons have the same name with hyphens.
ICONS = {
    "bride": "woman-with-veil",
    "camel": "two-hump-camel",
    "car": "automobile",
    "cowboy": "cowboy-hat-face",
    "curry": "curry-rice",
    "doctor": "health-worker",
    "groom": "man-in-tuxedo",
    "king": "prince",
    "leaf": "leaf-fluttering-in-wind",
    "queen": "princess",
    "ramen": "steaming-bowl",
    "smile": "grinning-face",
}
NAMED_ALIKE = """
    airplane ambulance bicycle boy castle christmas_tree church cook cow croissant crying_face
    dog farmer feather firefighter girl hindu_temple horse hot_dog house hut jack_o_lantern
    japanese_castle judge kangaroo kimono lemon lion man mosque necktie old_man old_woman
    paintbrush panda pizza polar_bear police_car police_officer rooster rose sari shark
    shinto_shrine ship singer snowman spaghetti statue_of_liberty stethoscope sushi synagogue
    taco teacher tokyo_tower top_hat tractor wheel woman
""".split()  # noqa: SIM905


def main(source: Path) -> None:
    """Render every drawing from the package's icons.json."""
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit(f"{source} is not the icons.json of @iconify-json/noto 1.2.9.")
    icons = json.loads(data)
    PICTURES.mkdir(exist_ok=True)
    for name, icon in sorted({**{n: n.replace("_", "-") for n in NAMED_ALIKE}, **ICONS}.items()):
        draw(icons, icon).save(PICTURES / f"{name}.png", optimize=True)


def draw(icons: dict, icon: str) -> Image.Image:
    """Draw an icon on white, 128 by 128 pixels, in 128 colours."""
    import resvg_py

    icon = icons.get("aliases", {}).get(icon, {}).get("parent", icon)
    entry = icons["icons"][icon]
    side = entry.get("width", icons.get("width", 128))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
    data = resvg_py.svg_to_bytes(svg_string=f"{head}{entry['body']}</svg>", width=SIZE, height=SIZE)
    picture = Image.open(io.BytesIO(bytes(data))).convert("RGBA")
    background = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(background, picture).convert("RGB").quantize(128)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
