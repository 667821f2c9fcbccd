"""Sending to our own queues, ten messages to a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.clients import sqs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ENTRIES = 10


class NotSent(Exception):
    """The queue did not take every message; what it took may be sent again, since every consumer knows its messages by their content."""


def send_all(url: str, bodies: Iterable[str]) -> int:
    """Sends every message and returns how many. Raises NotSent."""
    sent = 0
    for chunk in _chunks(bodies):
        entries: list[Any] = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(chunk)]
        if failed := sqs().send_message_batch(QueueUrl=url, Entries=entries).get("Failed"):
            raise NotSent(f"{len(failed)} of {len(chunk)}: {failed[0].get('Code')}")
        sent += len(chunk)
    return sent


def _chunks(bodies: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for body in bodies:
        chunk.append(body)
        if len(chunk) == _ENTRIES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
