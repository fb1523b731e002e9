"""Captions written in a thread, one at a time per calculator, so that the widgets stay live."""

import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from zcalc.decodable import Decodable
    from zcalc.decode.caption import Caption
    from zcalc.space import Space

_BUSY: "WeakKeyDictionary[Space, threading.Lock]" = WeakKeyDictionary()


class Writer:
    """Writes captions in a thread.

    `update` is called from the thread with the caption so far (None before the first token),
    whether it is still being written, and an error message or "".
    """

    def __init__(self, update: "Callable[[Caption | None, bool, str], None]") -> None:
        self._update = update
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, result: "Decodable[Any, Any]") -> None:
        """Start a caption; raises ZcalcError if the calculator is already writing one."""
        lock = _BUSY.setdefault(result.calculator, threading.Lock())
        if not lock.acquire(blocking=False):
            hint = "Stop it, or wait until it is finished."
            raise ZcalcError("This calculator is already writing a caption.", hint)
        self._stopped.clear()
        self._update(None, True, "")
        self._thread = threading.Thread(target=self._write, args=(result, lock), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop at the next token, keeping the caption so far."""
        self._stopped.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until no caption is being written."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _write(self, result: "Decodable[Any, Any]", lock: threading.Lock) -> None:
        caption, message = None, ""
        try:
            caption = self._decode(result)
        except KeyboardInterrupt:
            message = "Stopped before the first word."
        except Exception as error:
            message = str(error)
        finally:
            lock.release()
            self._update(caption, False, message)

    def _decode(self, result: "Decodable[Any, Any]") -> "Caption":
        from zcalc.decode.caption import latest
        from zcalc.decode.captions import decode

        def on_token(caption: "Caption") -> None:
            self._update(caption, True, "")
            if self._stopped.is_set():
                raise KeyboardInterrupt

        models, seed = result.calculator.models, result.calculator.seed
        captions = decode(models, result.target(), models.preset.method, {}, seed)
        with closing(captions):  # type: ignore[type-var]
            return latest(captions, on_token)
