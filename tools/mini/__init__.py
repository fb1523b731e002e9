"""How the embedded model is built, from weights and word lists that package indexes carry."""

import zcalc.models.compat  # noqa: F401  (before anything that imports torchvision)
