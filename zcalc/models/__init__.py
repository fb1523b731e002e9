"""Models: presets, the image and text encoder (open_clip), the language model (transformers)."""
