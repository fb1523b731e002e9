"""The fields of decoder settings: their documentation, types and ranges, checked and parsed."""

import math
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from zcalc.errors import ZcalcError

_TYPES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class SettingError(ZcalcError):
    """A setting that a decoder doesn't have, or a value that it can't take; `setting` is its name.

    A decoder's error in words: what is wrong, then the range and what the setting does.
    """

    def __init__(self, setting: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.setting = setting


@dataclass(frozen=True, slots=True)
class Setting:
    """A decoder's setting; a range without a bound there is None."""

    name: str
    default: Any
    doc: str = ""
    least: float | None = None
    above: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def type(self) -> type:
        """int, float, bool or str."""
        return type(self.default)

    @property
    def condition(self) -> str:
        """What values it takes, in words."""
        if self.choices:
            return " or ".join(f'"{choice}"' for choice in self.choices)
        words = _TYPES.get(self.type, self.type.__name__)
        bounds = []
        if self.least is not None:
            bounds.append(f"at least {self.least:g}")
        if self.above is not None:
            bounds.append(f"above {self.above:g}")
        if self.most is not None:
            bounds.append(f"at most {self.most:g}")
        return ", ".join([words, *[" and ".join(bounds)] * bool(bounds)])

    def checked(self, value: Any) -> Any:
        """A value of the setting's type; raises SettingError for any other, or one out of range."""
        converted = self._converted(value)
        if converted is None or not self._in_range(converted):
            about = f": {self.doc}" if self.doc else ""
            raise SettingError(
                self.name,
                f"Invalid decoder setting {self.name}={value!r}.",
                f"{self.name} must be {self.condition}{about}.",
            )
        return converted

    def _converted(self, value: Any) -> Any:
        """The value as the setting's type, or None."""
        if self.type is bool:
            return bool(value) if isinstance(value, bool) or value in (0, 1) else None
        if self.type is float:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return float(value) if number and math.isfinite(value) else None
        return value if type(value) is self.type else None

    def _in_range(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        return (
            (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
        )

    def parsed(self, text: str) -> Any:
        """The value that a text stands for, as on a command line; raises SettingError."""
        word = text.strip().lower()
        value: Any = text
        if self.type is bool and word in (*_YES, *_NO):
            value = word in _YES
        elif self.type in (int, float):
            try:
                value = self.type(word)
            except ValueError:
                value = text
        return self.checked(value)


def setting(default: Any, doc: str, **limits: Any) -> Any:
    """A dataclass field with documentation, and limits as `Setting` has them."""
    return field(default=default, metadata={"doc": doc, **limits})


def settings_of(kind: type) -> dict[str, Setting]:
    """The settings of a decoder's settings class, by name; any dataclass with defaults will do."""
    return {f.name: _setting(f) for f in fields(kind)}


def _setting(f: "Field[Any]") -> Setting:
    known = {name: f.metadata[name] for name in Setting.__slots__ if name in f.metadata}
    default = f.default
    if callable(f.default_factory):
        default = f.default_factory()
    return Setting(f.name, default, **known)


def setting_named(kind: type, decoder: str, name: str) -> Setting:
    """A decoder's setting of that name; raises SettingError, with the closest, for another name."""
    known = settings_of(kind)
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Settings: {', '.join(sorted(known))}."
    raise SettingError(name, f"The decoder {decoder} has no setting {name}.", hint)


class Checked:
    """A settings class whose values are checked, and converted to the types of their defaults."""

    def __post_init__(self) -> None:
        for name, known in settings_of(type(self)).items():
            object.__setattr__(self, name, known.checked(getattr(self, name)))
