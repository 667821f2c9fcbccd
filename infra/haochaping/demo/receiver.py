"""A subscriber on loopback: takes webhooks, verifies them with the public library, and remembers what it got."""

from __future__ import annotations

from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from haochaping.demo.loopback import Handler, Loopback


class Receiver(Loopback):
    """A webhook endpoint; `events` holds the verified ones by id, `refused` counts those that did not verify."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.refused = 0
        self.verifier: Webhook | None = None
        receiver = self

        class Taking(Handler):
            def post(self) -> None:
                self.send_response(204 if receiver.take(self.body(), dict(self.headers.items())) else 401)
                self.end_headers()

        super().__init__(Taking)
        self.url = f"{self.address}/events"

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
