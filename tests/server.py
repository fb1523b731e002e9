"""A server of one's own on this machine: a port for it, and to wait until it answers."""

import socket
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    """Wait until an address answers; RuntimeError with the log's end after a minute without."""
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:  # refused, or not yet in time: a URLError too
            time.sleep(0.2)
    raise RuntimeError(f"The server did not start: {log.read_text()[-2000:]}")
