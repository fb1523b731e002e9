"""Processes that write an index and get killed; see test_index_kill.py."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from helpers import HashEncoder, save_photo

from zcalc import storage
from zcalc.index import Index, Settings, source_of, update
from zcalc.index.edit import compact, remove
from zcalc.index.importing import bring_in

CALLS = ("write", "fsync", "replace", "unlink", "mkdir", "open", "truncate")


class Log:
    """Lines appended to a file, which survive a kill."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, line: str, _write: Callable = os.write) -> None:
        _write(self._handle, f"{line}\n".encode())


def watch(kill_at: int, when: str, log: Log) -> None:
    """Kill this process at the nth system call: before any that changes the disk, during a write,
    or after a replace.
    """
    count = 0
    counted = {"during": ["write"], "after": ["replace"]}.get(when, CALLS)

    def watched(name: str, real: Callable) -> Callable:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **options)
            count += name in counted
            if count != kill_at:
                return real(*arguments, **options)
            try:
                if when == "after":
                    real(*arguments, **options)
                if when == "during":
                    real(arguments[0], bytes(arguments[1])[: len(bytes(arguments[1])) // 2])
            finally:
                log(f"killed {when} call {kill_at}: {name}")
                os.kill(os.getpid(), signal.SIGKILL)

        return call

    for name in CALLS:
        setattr(os, name, watched(name, getattr(os, name)))
    assert storage.os is os


def build(photos: str, to: str, log_file: str, kill_at: int, when: str) -> None:
    """Update an index and log the acknowledgement; killed at call `kill_at`, unless it is 0."""
    log = Log(Path(log_file))
    if kill_at:
        watch(kill_at, when, log)
    index, report = update(source_of([photos]), HashEncoder(), Path(to))
    log(f"acknowledged {len(index)} {report.encoded}")


def operate(  # noqa: PLR0913, PLR0917
    what: str, place: str, to: str, log_file: str, kill_at: int, when: str
) -> None:
    """Add to an index, remove from it, compact it or import into it; killed as `build` is."""
    log = Log(Path(log_file))
    if kill_at:
        watch(kill_at, when, log)
    operation(what, Path(place), Path(to))
    log("acknowledged")


def operation(what: str, place: Path, to: Path) -> None:
    """One operation on an index, with the folders and files in `place`."""
    match what:
        case "add":
            update(source_of([place / "more"]), HashEncoder(), to, Settings(keep_others=True))
        case "remove":
            remove(to, [str(place / "more")])
        case "compact":
            compact(to)
        case "import":
            bring_in(place / "export.parquet", HashEncoder(), to)


class SlowEncoder(HashEncoder):
    """An encoder as slow as a model, which logs what it encodes."""

    batch_size = 16

    def __init__(self, log: Log, seconds: float) -> None:
        super().__init__()
        self._log, self._seconds = log, seconds

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        time.sleep(self._seconds)
        self._log(f"encoded {len(inputs)}")
        return super().encode(inputs)


def build_slowly(photos: str, to: str, log_file: str, seconds: float) -> None:
    """Build an index with a `SlowEncoder`."""
    log = Log(Path(log_file))
    log("started")
    _, report = update(source_of([photos]), SlowEncoder(log, seconds), Path(to))
    log(f"acknowledged {report.encoded}")


def add_pictures(photos: str, to: str, log_file: str, name: str, count: int) -> None:
    """Add pictures to a folder one by one, updating its index after each."""
    log = Log(Path(log_file))
    for i in range(count):
        colour = f"#{abs(hash((name, i))) % 0xFFFFFF:06x}"
        save_photo(Path(photos, f"{name}-{i}.png"), colour)
        index, _ = update(source_of([photos]), HashEncoder(), Path(to))
        assert f"{name}-{i}" in {entry.name for entry in index.entries}
        log(f"acknowledged {name}-{i}")


def read_repeatedly(to: str, log_file: str, seconds: float) -> None:
    """Open an index repeatedly while others write it; it must always be intact."""
    log, end, times, count = Log(Path(log_file)), time.monotonic() + seconds, 0, 0
    while time.monotonic() < end and not Path(to, "stop").exists():
        if not Path(to, "manifest.json").exists():
            continue
        index = Index.open(Path(to))
        rows = np.asarray(index.vectors)
        assert len(index.entries) == len(rows) == index.manifest.count >= count
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        times, count = times + 1, len(rows)
    log(f"read {times}")


class Server:
    """Forks processes from one that has finished its imports; the protocol is JSON lines."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def request(self, **message: Any) -> Any:
        """Send a request and wait for the response."""
        assert self._process.stdin and self._process.stdout
        print(json.dumps(message), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def start(self, function: Callable, *arguments: Any) -> "Child":
        """Run a function of this module in a new process."""
        return Child(self, self.request(start=function.__name__, arguments=arguments))

    def close(self) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.wait()


class Child:
    """A process forked by the server; `code` is its exit code, as in subprocess."""

    def __init__(self, server: Server, pid: int) -> None:
        self._server, self.pid, self.code = server, pid, None

    def wait(self, seconds: float = 60) -> int | None:
        """Wait for its exit code; None after a timeout."""
        if self.code is None:
            self.code = self._server.request(wait=self.pid, seconds=seconds)
        return self.code

    def kill(self) -> None:
        """Kill it."""
        if self.wait(0) is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()


def serve() -> None:
    """Fork a process for each request, and report exit codes."""
    with tempfile.TemporaryDirectory() as place:  # trigger lazy imports
        save_photo(Path(place, "photos/p.png"), "red")
        build(f"{place}/photos", f"{place}/p.zidx", f"{place}/log", 0, "before")
    for line in sys.stdin:
        message = json.loads(line)
        if "start" in message:
            response: int | None = os.fork()
            if response == 0:
                run(message["start"], message["arguments"])
        else:
            response = exit_code(message["wait"], message["seconds"])
        print(json.dumps(response), flush=True)


def run(function: str, arguments: Sequence[Any]) -> None:
    """Run a function and exit."""
    try:
        globals()[function](*arguments)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def exit_code(pid: int, seconds: float) -> int | None:
    """Wait for the exit code of a process; None after a timeout."""
    end = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done or time.monotonic() > end:
            return os.waitstatus_to_exitcode(status) if done else None
        time.sleep(0.001)


if __name__ == "__main__":
    serve()
