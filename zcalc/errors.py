"""The error that every part of zcalc raises when a person can do something about it."""


class ZcalcError(Exception):
    """What happened, and what to do about it.

    `message` says what happened, `hint` what to do; the command line prints both and exits with 1.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback, which would hide what matters."""
        return [str(self)]
