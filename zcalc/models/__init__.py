"""Models: presets, the encoder of pictures and texts (open_clip), the language model."""
