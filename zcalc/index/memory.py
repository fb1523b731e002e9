"""Which structure searches so many vectors in so much memory."""

import math
import re
from dataclasses import dataclass

from zcalc.errors import ZcalcError

EXACT = 100_000  # vectors up to which every one is compared
MIDDLING = 2_000_000  # vectors up to which a byte a dimension is kept
LINKS = 32  # of each node of the graph that finds inverted lists
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "k": 10**3, "m": 10**6}
_UNITS |= {"g": 10**9, "t": 10**12}


@dataclass(frozen=True, slots=True)
class Plan:
    """A structure to build: `kind` as faiss would call it, and the bytes it takes in memory.

    `lists` inverted lists hold a code of each vector: a byte a dimension (`parts` 0), or 4 bits for
    each of `parts` stretches of it. `candidates` are compared in full for each one asked for.
    """

    kind: str
    memory: int
    lists: int = 0
    parts: int = 0
    candidates: int = 1


def bytes_of(text: str) -> int:
    """The number of bytes that a person means; raises ZcalcError for what is none.

    >>> bytes_of("4GB"), bytes_of("512 MiB"), bytes_of("1.5g")
    (4000000000, 536870912, 1500000000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text, re.ASCII)
    unit = _UNITS.get(found[2].lower()) if found else None
    if not found or unit is None or float(found[1]) * unit < 1:
        raise ZcalcError(f"{text!r} is no amount of memory.", "Write 4GB, 500MB or 2GiB.")
    return int(float(found[1]) * unit)


def amount(count: float) -> str:
    """A number of bytes as a person would say it.

    >>> amount(1_400_000_000), amount(999)
    ('1.4 GB', '999 bytes')
    """
    for unit in ("TB", "GB", "MB", "kB"):
        size = count / _UNITS[unit.lower()]
        if size >= 1:
            return f"{size:.3g} {unit}"
    return f"{count:.0f} bytes"


def choose(n: int, dim: int, memory: int | None = None) -> Plan:
    """The most exact structure for `n` vectors of `dim` numbers that fits into `memory` bytes.

    Raises ZcalcError where not even the coarsest does.
    """
    known = plans(n, dim)
    fitting = [plan for plan in known if memory is None or plan.memory <= memory]
    if not fitting:
        least = min(plan.memory for plan in known)
        raise ZcalcError(
            f"{n:,} vectors of {dim} numbers cannot be searched in {amount(memory or 0)}.",
            f"They need at least {amount(math.ceil(least / 1e6) * 1e6)}.",
        )
    return fitting[0]


def plans(n: int, dim: int) -> list[Plan]:
    """What could be built, the most exact first."""
    found = [Plan("exact", 4 * n * dim)] if n <= EXACT else []
    if n < 1000:  # too few to train on
        return found
    lists = 2 ** round(math.log2(4 * math.sqrt(n)))
    fixed = lists * (4 * dim + 8 * LINKS) + 8 * n  # their middles, and the vectors' numbers
    if n <= MIDDLING:
        found.append(Plan(f"IVF{lists},SQ8 re-ranked", fixed + n * dim, lists, 0, 8))
    for share, candidates in ((2, 20), (4, 40), (8, 100)):
        parts = _divisor(dim, dim // share)
        code = -(-parts // 2)  # bytes; lists are filled up to a multiple of 32
        size = fixed + (n + 16 * lists) * code
        kind = f"IVF{lists},PQ{parts}x4 re-ranked"
        found.append(Plan(kind, size, lists, parts, candidates))
    return found


def _divisor(dim: int, most: int) -> int:
    """The largest number up to `most` that divides the dimension."""
    return next(parts for parts in range(max(1, most), 0, -1) if dim % parts == 0)
