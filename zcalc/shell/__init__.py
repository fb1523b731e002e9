"""The shell: a prompt that completes and continues lines, and what becomes of a line."""

from zcalc.shell.loop import Shell
from zcalc.shell.prompt import Prompt

__all__ = ["Prompt", "Shell"]
