"""The prompt: history, completion, and lines that go on while they can't end."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from zcalc.calculator import Calculator
from zcalc.language import FUNCTIONS, VERBS, LanguageError, parse
from zcalc.storage import cache_folder


class Prompt:
    """Asks for a line; `options` are further ones of prompt_toolkit's `PromptSession`."""

    def __init__(self, calculator: Calculator, **options: Any) -> None:
        self.completer = _Completions(calculator)
        self._session: PromptSession[str] = PromptSession(
            "zcalc> ",
            completer=self.completer,
            complete_while_typing=False,
            history=_history(),
            auto_suggest=AutoSuggestFromHistory(),
            multiline=Condition(lambda: _goes_on(self._session.default_buffer)),
            prompt_continuation="   ... ",
            key_bindings=_keys(),
            enable_open_in_editor=True,
            **options,
        )

    def __call__(self) -> str:
        """The next line, which may have line breaks.

        Raises EOFError at Ctrl-D, KeyboardInterrupt at Ctrl-C.
        """
        return self._session.prompt()


class _Completions(Completer):
    """Completes as notebooks do, and topics after `?`."""

    def __init__(self, calculator: Calculator) -> None:
        self._calculator = calculator

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        """What can stand at the cursor."""
        text, cursor = document.text, document.cursor_position
        if text.startswith("?"):
            topics = (*FUNCTIONS, *VERBS, *self._calculator.names)
            typed = text[1:cursor]
            found = [topic for topic in topics if topic.startswith(typed)]
            yield from (Completion(topic, -len(typed)) for topic in found)
            return
        completion = self._calculator.complete(text, cursor)
        for option in completion.options:
            yield Completion(option, completion.start - cursor)


def is_unfinished(text: str) -> bool:
    """Whether a program can't end here but could go on.

    >>> is_unfinished("img(cat) +"), is_unfinished("img(cat)"), is_unfinished("img(cat))")
    (True, False, False)
    """
    try:
        parse(text)
    except LanguageError as error:
        return error.unfinished
    return False


def _goes_on(buffer: Buffer) -> bool:
    """Whether Enter starts a new line; after an empty line it never does."""
    text = buffer.text
    is_help = text.lstrip().startswith("?") or text.rstrip().endswith("?")
    return not is_help and not text.endswith("\n") and is_unfinished(text)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _history() -> History:
    """Lines of earlier sessions, or only this one's where the cache can't be written."""
    file = cache_folder("history")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab"):
            return FileHistory(str(file))
    return InMemoryHistory()
