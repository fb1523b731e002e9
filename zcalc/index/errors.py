"""What can go wrong with an index on disk."""

from pathlib import Path

from zcalc.errors import ZcalcError


class DamagedIndex(ZcalcError):
    """An index whose files are not what was written; `reason` says which and why."""

    def __init__(self, folder: Path, reason: str, hint: str = "") -> None:
        hint = hint or "Rebuild it with zcalc index build."
        super().__init__(f"The index {folder} is damaged: {reason}.", hint)
        self.reason = reason


class OtherVersion(ZcalcError):
    """An index in the format of an older or, if `newer`, a newer zcalc."""

    newer = False


class CannotWrite(ZcalcError):
    """The operating system refuses a write: no permission, no space, a failing disk."""
