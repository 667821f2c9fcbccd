"""Sending to queues, as many messages to a call as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from cloud.clients import sqs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

# Ten messages, and well below the limit of a call's size with the attributes.
_ENTRIES, _BYTES = 10, 200_000


class NotSent(Exception):
    """The queue did not take every message; what it took may be sent again, since every consumer knows its messages by their content."""


def send_all(url: str, bodies: Iterable[str], seconds: int = 0) -> int:
    """Sends every message, to be received after so many seconds, and returns how many. Raises NotSent."""
    sent = 0
    later = {"DelaySeconds": seconds} if seconds else {}
    for group in calls(bodies, lambda body: body):
        entries: list[Any] = [{"Id": str(n), "MessageBody": body} | later for n, body in enumerate(group)]
        if failed := sqs().send_message_batch(QueueUrl=url, Entries=entries).get("Failed"):
            raise NotSent(f"{len(failed)} of {len(group)}: {failed[0].get('Code')}")
        sent += len(group)
    return sent


def calls(messages: Iterable[T], body_of: Callable[[T], str]) -> Iterator[list[T]]:
    """The messages in groups that fit into one call."""
    group: list[T] = []
    size = 0
    for message in messages:
        length = len(body_of(message).encode())
        if group and (len(group) == _ENTRIES or size + length > _BYTES):
            yield group
            group, size = [], 0
        group.append(message)
        size += length
    if group:
        yield group
