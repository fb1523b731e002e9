"""Captions written while the notebook stays live: in a thread, one at a time for a calculator."""

import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.decode.caption import Caption
    from zcalc.result import Result

_BUSY: "WeakKeyDictionary[Calculator, threading.Lock]" = WeakKeyDictionary()


class Writer:
    """Writes a caption at a time in a thread of its own.

    `tell` gets the caption so far (None before the first token), whether it is still being written,
    and what went wrong, if anything; it is called from that thread.
    """

    def __init__(self, tell: "Callable[[Caption | None, bool, str], None]") -> None:
        self._tell = tell
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, result: "Result") -> None:
        """Begin; raises ZcalcError while any other caption of the calculator is being written."""
        lock = _BUSY.setdefault(result.calculator, threading.Lock())
        if not lock.acquire(blocking=False):
            hint = "Stop it, or wait until it is done."
            raise ZcalcError("Another caption is being written with this calculator.", hint)
        self._stopped.clear()
        self._tell(None, True, "")
        self._thread = threading.Thread(target=self._write, args=(result, lock), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end with what there is so far; it does so at the next token."""
        self._stopped.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the caption that is being written."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _write(self, result: "Result", lock: threading.Lock) -> None:
        caption, wrong = None, ""
        try:
            caption = self._written(result)
        except KeyboardInterrupt:
            wrong = "Stopped before the first word."
        except Exception as error:
            wrong = str(error)
        finally:
            lock.release()
            self._tell(caption, False, wrong)

    def _written(self, result: "Result") -> "Caption":
        from zcalc.captions import decode, target_of
        from zcalc.decode.caption import latest

        def heard(caption: "Caption") -> None:
            self._tell(caption, True, "")
            if self._stopped.is_set():
                raise KeyboardInterrupt

        method = result.calculator.preset.method
        captions = decode(result.calculator, target_of(result, "vectors"), method, {})
        with closing(captions):  # type: ignore[type-var]
            return latest(captions, heard)
