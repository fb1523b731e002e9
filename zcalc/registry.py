"""Registries: named objects of zcalc, extended by installed packages through entry points."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Named(Protocol):
    """An object with a name, under which it is registered."""

    @property
    def name(self) -> str:
        """The name to look it up by."""
        ...


T = TypeVar("T", bound=Named)


class Registry(Mapping[str, T]):
    """Named objects by name: zcalc's own, then those of the entry point group `group`.

    Entry points are read once, on the first access that goes beyond zcalc's own objects, and each
    is loaded when it is looked up. Iteration, `in` and `len` load nothing; `values` and `items`
    load everything. If a name is registered twice, zcalc's own object wins, then the package that
    comes first on `sys.path`.

    Looking up an entry point that fails to load raises ZcalcError with its distribution and the
    error, and so do `values` and `items`: a broken package is never skipped silently. To list what
    does load, iterate over the names and handle the error of each lookup. The objects of packages
    must have the same type as zcalc's own, of which there is at least one.

    >>> from types import SimpleNamespace
    >>> registry = Registry("zcalc.nothing", [SimpleNamespace(name="mini")])
    >>> list(registry), "mini" in registry, registry.get("maxi")
    (['mini'], True, None)
    """

    def __init__(self, group: str, own: Iterable[T]) -> None:
        self._group = group
        self._loaded = {item.name: item for item in own}
        self._own = tuple(self._loaded)
        self._type = type(next(iter(self._loaded.values())))

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            self._loaded[name] = self._load(self._entry_points[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._loaded or name in self._entry_points

    def __iter__(self) -> Iterator[str]:
        return iter((*self._own, *self._entry_points))

    def __len__(self) -> int:
        return len(self._own) + len(self._entry_points)

    @cached_property
    def _entry_points(self) -> "dict[str, EntryPoint]":
        """The entry points of other packages by name."""
        from importlib.metadata import entry_points

        registered: dict[str, EntryPoint] = {}
        for entry_point in entry_points(group=self._group):
            if entry_point.name not in self._own:
                registered.setdefault(entry_point.name, entry_point)
        return registered

    def _load(self, entry_point: "EntryPoint") -> T:
        """The object of an entry point; raises ZcalcError unless it is of zcalc's own type."""
        try:
            item = entry_point.load()
            if not isinstance(item, self._type):
                kind = type(item).__name__
                raise TypeError(f"{entry_point.value} is a {kind}, not a {self._type.__name__}")
            if item.name != entry_point.name:
                raise ValueError(f"{entry_point.value} has the name {item.name!r}")
        except Exception as error:
            package = entry_point.dist.name if entry_point.dist else entry_point.value
            raise ZcalcError(
                f"{entry_point.name!r}, which the package {package} adds to {self._group}, can't "
                f"be loaded: {type(error).__name__}: {error}.",
                f"Upgrade the package or uninstall it: pip uninstall {package}",
            ) from error
        return item
