"""A small HTTP server that behaves like a model hub, in good and in bad ways.

It stands in for the hub, which tests can't reach: the same routes, headers and status codes.
"""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 50_000  # bytes from which a file counts as large: it has a SHA-256


class Hub:
    """Repositories by name, each a dictionary of files, and how the hub behaves.

    `fault` is one of: "", "token", "gated", "missing", "revision", "limit", "broken", "stall",
    "corrupt", "cut" (the connection breaks in the middle). `seconds` is how long a large file
    takes. `served` are the ranges of bytes asked for.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.fault, self.seconds = "", 0.0
        self.served: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.url = ""

    def add(self, name: str, folder: Path) -> None:
        """Add the files of a folder as a repository."""
        files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")}
        self.repositories[name] = {n: data for n, data in files.items()}


@contextmanager
def running() -> Iterator[Hub]:
    """A hub on a free port of this machine."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            hub.tokens.append(self.headers.get("Authorization", ""))
            path = self.path.partition("?")[0]
            if self._fails():
                return
            if path.startswith("/api/models/"):
                self._metadata(path.removeprefix("/api/models/"))
            else:
                self._file(*path.strip("/").partition("/resolve/")[::2])

        def _fails(self) -> bool:
            codes = {
                "token": (401, {}, "Invalid credentials in Authorization header"),
                "gated": (403, {"X-Error-Code": "GatedRepo"}, "Access is restricted"),
                "missing": (404, {"X-Error-Code": "RepoNotFound"}, "Repository not found"),
                "revision": (404, {"X-Error-Code": "RevisionNotFound"}, "Invalid rev id"),
                "limit": (429, {"Retry-After": "17"}, "Too many requests"),
                "broken": (500, {}, "Internal error"),
            }
            if hub.fault == "stall":
                time.sleep(60)
            if hub.fault not in codes:
                return False
            status, headers, text = codes[hub.fault]
            headers = {**headers, "X-Error-Message": text}
            self._send(status, json.dumps({"error": text}).encode(), headers)
            return True

        def _metadata(self, rest: str) -> None:
            name, _, _revision = rest.partition("/revision/")
            files = hub.repositories.get(name)
            if files is None:
                headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "not found"}
                self._send(404, b"{}", headers)
                return
            siblings = [_sibling(file, data) for file, data in files.items()]
            about = {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}
            self._send(200, json.dumps(about).encode(), {"Content-Type": "application/json"})

        def _file(self, name: str, rest: str) -> None:
            data = hub.repositories.get(name, {}).get(rest.partition("/")[2])
            if data is None:
                self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
                return
            asked = self.headers.get("Range", "")
            hub.served.append((rest.partition("/")[2], asked))
            start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
            if hub.fault == "corrupt" and len(data) >= LARGE:
                data = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
            body = data[start:]
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if self.command == "HEAD":
                return
            pieces = 50 if hub.seconds and len(data) >= LARGE else 1
            size = -(-len(body) // pieces) or 1
            for number, at in enumerate(range(0, len(body), size)):
                if hub.fault == "cut" and len(data) >= LARGE and number >= pieces // 2:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                try:
                    self.wfile.write(body[at : at + size])
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(hub.seconds / pieces if pieces > 1 else 0)

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


def _sibling(name: str, data: bytes) -> dict[str, Any]:
    git = hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
    sibling: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git}
    if len(data) >= LARGE:
        sha = hashlib.sha256(data).hexdigest()
        sibling["lfs"] = {"sha256": sha, "size": len(data), "pointerSize": 130}
    return sibling
