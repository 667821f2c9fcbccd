"""The HTTPS door: the same message, the same proof and the same checks as the Inbox, which it forwards to.

202 means queued and carries the receipt. What can be seen at the door is answered at once, each with the stable refusals of the
contract: 401 (proof), 403 (sender, role, scope), 413 (size), 422 (content), 429 (later). A batch answers message by message. Nothing
here counts requests by address: a hall full of people has one.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from botocore.exceptions import ClientError

from cloud import origin, queue
from cloud.answers import answer, body_of, headers_of, refusal, refused_body
from cloud.clients import sqs
from cloud.settings import settings
from contract import arrival
from contract.messages import Rating, Said, ServiceEvent
from contract.refusals import Refused, refuse
from contract.wire import json_object
from intake import door, receipts
from intake.ground import check_scope
from intake.places import key_of
from intake.sealing import NotOurs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from contract.arrival import Arrival

logger = Logger(service="intake")
app = APIGatewayRestResolver()

MOST_MESSAGES = 100
_THROTTLED = {"RequestThrottled", "ThrottlingException", "Throttling", "OverLimit", "TooManyRequestsException", "KmsThrottled"}


@logger.inject_lambda_context
def gateway(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers a request of API Gateway."""
    return app.resolve(event, context)


@app.post("/messages")
@app.post("/signed/messages")
def post_message() -> Response[str]:
    """Checks one message, queues it and answers its receipt."""
    try:
        came = _came(body_of(app.current_event), headers_of(app.current_event), app.current_event.request_context.request_id)
        checked = _check(came)
        refused = next(_queue([checked]), None)
    except Refused as error:
        return refusal(error)
    return refusal(refused[1]) if refused else answer(HTTPStatus.ACCEPTED, {"receipt": checked.receipt})


@app.post("/messages/batch")
@app.post("/signed/messages/batch")
def post_batch() -> Response[str]:
    """Checks up to a hundred messages of one party, each with its own proof, and answers each by its own outcome, in their order."""
    try:
        came = list(_batch(body_of(app.current_event), headers_of(app.current_event).get("party", "")))
    except Refused as error:
        return refusal(error)
    outcomes: dict[str, dict[str, Any]] = {}
    checked = []
    for n, message in enumerate(came):
        try:
            checked.append(_check(message)._replace(place=str(n)))
        except Refused as error:
            outcomes[str(n)] = refused_body(error)
    outcomes |= {each.place: {"status": HTTPStatus.ACCEPTED, "receipt": each.receipt} for each in checked}
    outcomes |= {each.place: refused_body(error) for each, error in _queue(checked)}
    listed = [{"webhook-id": message.webhook_id, **outcomes[str(n)]} for n, message in enumerate(came)]
    return answer(HTTPStatus.ACCEPTED, {"outcomes": listed})


@app.get("/receipts/<receipt>")
def get_receipt(receipt: str) -> Response[str]:
    """What became of the message: accepted or parked; 404 while nothing is stored under the receipt."""
    try:
        standing = receipts.standing(receipt, door.keys())
    except NotOurs:
        standing = None
    if standing is None:
        return answer(HTTPStatus.NOT_FOUND, {"receipt": receipt, "outcome": "unknown"})
    return answer(HTTPStatus.OK, standing.plain())


@app.get("/openapi.json")
def get_openapi() -> Response[str]:
    """What this door takes and answers."""
    from intake import openapi  # the models of every other door, for a route that is seldom asked

    return answer(HTTPStatus.OK, openapi.document())


class _Checked(NamedTuple):
    """A message that may be queued, with its receipt, and its place in a batch."""

    arrival: Arrival
    receipt: str
    place: str = "0"


def _came(body: str, sent: dict[str, str], transport_id: str) -> Arrival:
    return origin.came(app.current_event, body, sent, transport_id)


def _batch(body: str, party: str) -> Iterator[Arrival]:
    """The messages of a batch. Raises Refused (`not_json`, `malformed_field`, `too_many_messages`) for one that is none."""
    listed = json_object(body).get("messages")
    if not isinstance(listed, list):
        raise refuse("malformed_field", "messages", "a list of messages")
    if not 1 <= len(listed) <= MOST_MESSAGES:
        raise refuse("too_many_messages", "messages")
    request = app.current_event.request_context.request_id
    for n, held in enumerate(listed):
        if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
            raise refuse("malformed_field", f"messages.{n}")
        yield _came(held.get("body", ""), held | {"party": party}, f"{request}-{n}")


def _check(came: Arrival) -> _Checked:
    """Raises Refused for everything that can be seen at the door."""
    message = door.read(came, door.check_origin(came))
    _check_scope(message, came)
    return _Checked(came, door.keys().receipt(key_of(message, came.party)))


def _check_scope(message: Said, came: Arrival) -> None:
    if isinstance(message, Rating):
        return  # what it is about is known when it meets its event
    named = message if isinstance(message, ServiceEvent) else message.object
    check_scope(came.party, named.region_code, named.organisation, came.received_at)


def _queue(checked: Iterable[_Checked]) -> Iterator[tuple[_Checked, Refused]]:
    """Hands the messages to the Inbox, ten to a call; those that it did not take, which may come again."""
    for group in queue.calls(checked, lambda each: each.arrival.body):
        entries: list[Any] = [
            {"Id": each.place, "MessageBody": each.arrival.body, "MessageAttributes": _attributes(each.arrival)} for each in group
        ]
        failed = _send(entries)
        yield from ((each, refuse("throttled")) for each in group if each.place in failed)


def _send(entries: list[Any]) -> set[str]:
    """Which of the entries the queue did not take: all of them if it takes nothing now."""
    try:
        answered = sqs().send_message_batch(QueueUrl=settings().inbox_url, Entries=entries)
    except ClientError as error:
        if error.response["Error"]["Code"].rpartition(".")[2] in _THROTTLED:
            return {entry["Id"] for entry in entries}
        raise
    return {entry["Id"] for entry in answered.get("Failed", [])}


def _attributes(came: Arrival) -> dict[str, Any]:
    return arrival.attributes(came.party, came.webhook_id, came.timestamp, came.signature, door=door.keys().stamp(came.message_id))
