"""A server on a free port of this machine, for as long as its `with` block runs: what subscribers and levels above are played by."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self


class Handler(BaseHTTPRequestHandler):
    """What answers a call: it says nothing by itself, since what came is counted, not narrated."""

    def do_POST(self) -> None:
        """Answers a post."""
        self.post()

    def post(self) -> None:
        """What is done with a post; each sort of server says it."""
        raise NotImplementedError

    def body(self) -> bytes:
        """What was sent."""
        return self.rfile.read(int(self.headers["content-length"]))

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class Loopback:
    """The server, whose `address` is known before it listens."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        # Asked every 20 ms whether it is over: by default the end of a block takes half a second.
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
