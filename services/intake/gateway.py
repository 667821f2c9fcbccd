"""The HTTPS door: the same message, the same proof and the same checks as the Inbox, which it forwards to.

202 means queued and carries the receipt. What can be seen at the door is answered at once: 401 (proof), 413 (size), 422 (content),
each with the stable refusals of the contract.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types

from cloud import clock
from cloud.clients import sqs
from cloud.settings import settings
from contract.refusals import Refused, refuse
from intake import arrival, door, receipts
from intake.entries import key_of
from intake.sealing import NotAReceipt

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="intake")
app = APIGatewayRestResolver()

_PROOF = {"unknown_party", "bad_signature", "stale_signature"}


@logger.inject_lambda_context
def gateway(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers a request of API Gateway."""
    return app.resolve(event, context)


@app.post("/messages")
@app.post("/signed/messages")
def post_message() -> Response[str]:
    """Checks one message, queues it and answers its receipt."""
    headers = {name.lower(): value or "" for name, value in app.current_event.headers.items()}
    try:
        body = app.current_event.decoded_body or ""
    except ValueError:
        return _refusal(refuse("not_json"))
    request = app.current_event.request_context.request_id
    came = arrival.of(body, headers, request, clock.wall(), clock.now())
    try:
        message = door.open_message(came)
    except Refused as refused:
        return _refusal(refused)
    proof = arrival.attributes(came.party, came.webhook_id, came.timestamp, came.signature)
    try:
        sqs().send_message(QueueUrl=settings().inbox_url, MessageBody=came.body, MessageAttributes=proof)
    except sqs().exceptions.InvalidMessageContents:
        # Characters that are JSON but no text to a queue (U+FFFE and the like).
        return _refusal(refuse("not_json"))
    return _answer(HTTPStatus.ACCEPTED, {"receipt": door.keys().receipt(key_of(message))})


@app.get("/receipts/<receipt>")
def get_receipt(receipt: str) -> Response[str]:
    """What became of the message: accepted or parked; 404 while nothing is stored under the receipt."""
    try:
        standing = receipts.standing(receipt, door.keys())
    except NotAReceipt:
        standing = None
    if standing is None:
        return _answer(HTTPStatus.NOT_FOUND, {"receipt": receipt, "outcome": "unknown"})
    return _answer(HTTPStatus.OK, standing.plain())


def _status(refused: Refused) -> HTTPStatus:
    codes = {reason.code for reason in refused.reasons}
    if codes & _PROOF:
        return HTTPStatus.UNAUTHORIZED
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if "too_large" in codes else HTTPStatus.UNPROCESSABLE_ENTITY


def _refusal(refused: Refused) -> Response[str]:
    return _answer(_status(refused), {"refusals": [reason.plain() for reason in refused.reasons]})


def _answer(status: HTTPStatus, body: dict[str, Any]) -> Response[str]:
    return Response(status.value, content_types.APPLICATION_JSON, json.dumps(body, ensure_ascii=False))
