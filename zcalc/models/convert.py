"""Convert a pickled open_clip checkpoint to a model folder that zcalc loads.

    python -m zcalc.models.convert FILE ARCH FOLDER

Reads FILE (open_clip_pytorch_model.bin; tensors only, no code is run) as the open_clip architecture
ARCH and writes FOLDER/open_clip_config.json and FOLDER/open_clip_model.safetensors. For the preset
`multilingual`, whose encoder is on the hub as a pickle only:

    hf download laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k \\
        open_clip_pytorch_model.bin --local-dir models
    python -m zcalc.models.convert models/open_clip_pytorch_model.bin \\
        xlm-roberta-base-ViT-B-32 models/multilingual/clip
    hf download FacebookAI/xlm-roberta-base config.json tokenizer.json tokenizer_config.json \\
        sentencepiece.bpe.model --local-dir models/multilingual/clip/text
    export ZCALC_MODELS=models
"""

import json
import pickle
import sys
from pathlib import Path

from zcalc.errors import ZcalcError
from zcalc.models import loading
from zcalc.models.checkpoint import CONFIG, WEIGHTS

import open_clip  # isort: skip
import torch  # isort: skip
from safetensors.torch import save_file  # isort: skip


def convert(file: Path, arch: str, folder: Path) -> None:
    """Write the tensors of `file`, a checkpoint of `arch`, as a model folder.

    Raises ZcalcError for an unknown architecture and a file that contains more than tensors.
    """
    config = open_clip.get_model_config(arch)
    if config is None:
        hint = "List the architectures: open_clip.list_models()"
        raise ZcalcError(f"open_clip has no architecture {arch}.", hint)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        hint = "Download it again. A file that contains more than tensors is not supported."
        raise ZcalcError(f"Can't read {file}: {loading.why(error, lines=1)}", hint) from error
    state = state.get("state_dict", state)
    tensors = {name.removeprefix("module."): t.clone().contiguous() for name, t in state.items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / WEIGHTS[0])
    (folder / CONFIG).write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}, indent=1))


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code: 1 for an error, 2 for wrong usage."""
    if len(arguments) != 3:
        print(__doc__)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        convert(Path(arguments[0]), arguments[1], Path(arguments[2]))
    except ZcalcError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Wrote {arguments[1]} to {arguments[2]}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
