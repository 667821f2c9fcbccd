"""A subscriber on loopback: takes webhooks, verifies them with the public library, and remembers what it got."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Receiver:
    """A webhook endpoint; `events` holds the verified ones by id, `refused` counts those that did not verify."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.refused = 0
        self.verifier: Webhook | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(204 if receiver.take(body, dict(self.headers.items())) else 401)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing: the deliveries are counted, not narrated."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/events"

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        """True if the delivery verifies. A second delivery of an event changes nothing."""
        try:
            assert self.verifier is not None  # noqa: S101 - set before the subscription is made
            event = self.verifier.verify(body, headers)
        except WebhookVerificationError:
            self.refused += 1
            return False
        self.events[event["id"]] = event
        return True

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
