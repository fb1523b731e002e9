"""Builds the bundled models from weights and word lists published on package indexes."""

import zcalc.models.compat  # noqa: F401  (before anything that imports torchvision)
