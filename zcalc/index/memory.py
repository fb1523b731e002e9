"""Choosing a search structure by the number of vectors and the memory available."""

import math
import re
from dataclasses import dataclass

from zcalc.errors import ZcalcError

MAX_EXACT = 100_000  # vectors up to which search is brute force
MAX_SQ8 = 2_000_000  # vectors up to which codes have a byte per dimension
HNSW_LINKS = 32  # links per node of the graph over the list centroids
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "k": 10**3, "m": 10**6}
_UNITS |= {"g": 10**9, "t": 10**12}


@dataclass(frozen=True, slots=True)
class Plan:
    """A search structure to build: `kind` in faiss's notation, and its memory in bytes.

    `lists` inverted lists store a code per vector: a byte per dimension if `subvectors` is 0, else
    4 bits for each of `subvectors` (product quantization). `candidates` are re-ranked per hit.
    """

    kind: str
    memory: int
    lists: int = 0
    subvectors: int = 0
    candidates: int = 1


def parse_bytes(text: str) -> int:
    """Parse an amount of memory; raises ZcalcError if it isn't one.

    >>> parse_bytes("4GB"), parse_bytes("512 MiB"), parse_bytes("1.5g")
    (4000000000, 536870912, 1500000000)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text, re.ASCII)
    unit = _UNITS.get(match[2].lower()) if match else None
    if not match or unit is None or float(match[1]) * unit < 1:
        raise ZcalcError(f"{text!r} is not an amount of memory.", "Write 4GB, 500MB or 2GiB.")
    return int(float(match[1]) * unit)


def format_bytes(count: float) -> str:
    """Format a number of bytes for people.

    >>> format_bytes(1_400_000_000), format_bytes(999)
    ('1.4 GB', '999 bytes')
    """
    for unit in ("TB", "GB", "MB", "kB"):
        size = count / _UNITS[unit.lower()]
        if size >= 1:
            return f"{size:.3g} {unit}"
    return f"{count:.0f} bytes"


def choose(n: int, dim: int, memory: int | None = None) -> Plan:
    """The most accurate plan for `n` vectors of `dim` dimensions that fits into `memory` bytes.

    Raises ZcalcError if even the most compact one doesn't fit.
    """
    available = plans(n, dim)
    fitting = [plan for plan in available if memory is None or plan.memory <= memory]
    if not fitting:
        minimum = min(plan.memory for plan in available)
        raise ZcalcError(
            f"Searching {n:,} vectors of {dim} dimensions doesn't fit into "
            f"{format_bytes(memory or 0)}.",
            f"Allow at least {format_bytes(math.ceil(minimum / 1e6) * 1e6)}.",
        )
    return fitting[0]


def plans(n: int, dim: int) -> list[Plan]:
    """All plans for `n` vectors, most accurate first."""
    options = [Plan("exact", 4 * n * dim)] if n <= MAX_EXACT else []
    if n < 1000:  # too few to train on
        return options
    lists = 2 ** round(math.log2(4 * math.sqrt(n)))
    overhead = lists * (4 * dim + 8 * HNSW_LINKS) + 8 * n  # centroids with links, and row ids
    if n <= MAX_SQ8:
        options.append(Plan(f"IVF{lists},SQ8 re-ranked", overhead + n * dim, lists, 0, 8))
    for dims_per_code, candidates in ((2, 20), (4, 40), (8, 100)):
        subvectors = _largest_divisor(dim, dim // dims_per_code)
        code = -(-subvectors // 2)  # bytes; lists are padded to a multiple of 32 codes
        size = overhead + (n + 16 * lists) * code
        kind = f"IVF{lists},PQ{subvectors}x4 re-ranked"
        options.append(Plan(kind, size, lists, subvectors, candidates))
    return options


def _largest_divisor(dim: int, limit: int) -> int:
    """The largest divisor of `dim` up to `limit`."""
    return next(n for n in range(max(1, limit), 0, -1) if dim % n == 0)
