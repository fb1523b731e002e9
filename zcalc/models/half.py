"""A module's twin whose matrices are in bfloat16, for products under autocast.

Autocast converts weights that need no gradient anew at every call: on a CPU that takes longer than
the products. Everything else, such as embeddings and norms, is shared with the module itself, so
the results are those of autocast.
"""

import copy
from typing import Any

import torch
from torch import nn

_MATRICES = ("weight", "in_proj_weight")


def with_half_matrices(module: nn.Module) -> Any:
    """The twin of a module in evaluation mode; costs half of the matrices' memory."""
    return _twin(module, {})


def _twin(module: nn.Module, twins: dict[int, nn.Module]) -> nn.Module:
    if id(module) in twins:
        return twins[id(module)]
    twin = twins[id(module)] = copy.copy(module)
    twin._modules = {
        name: None if child is None else _twin(child, twins)
        for name, child in module._modules.items()
    }
    twin._parameters = {
        name: _half(weights) if weights is not None and _is_matrix(module, name) else weights
        for name, weights in module._parameters.items()
    }
    return twin


def _is_matrix(module: nn.Module, name: str) -> bool:
    """Whether a parameter of a module is a matrix of products, not a table of embeddings."""
    weights = module._parameters[name]
    is_table = isinstance(module, nn.Embedding)
    return weights is not None and name in _MATRICES and weights.dim() == 2 and not is_table


def _half(weights: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(weights.detach().to(torch.bfloat16), requires_grad=False)
