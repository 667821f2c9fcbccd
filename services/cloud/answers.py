"""How the services answer over HTTPS: JSON, with the stable refusals of the contract, under statuses that say what can be done."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import Response, content_types

from contract.refusals import Refused, refuse

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

RETRY_AFTER = "5"

# The first that fits counts; whatever stands in none is a content that is refused (422).
STATUSES: tuple[tuple[HTTPStatus, frozenset[str]], ...] = (
    (HTTPStatus.UNAUTHORIZED, frozenset({"unknown_party", "bad_signature", "stale_signature"})),
    (
        HTTPStatus.FORBIDDEN,
        frozenset(
            {
                "wrong_sender",
                "out_of_scope",
                "token_not_for_staff",
                "role_of_other_party",
                "role_not_granted",
                "role_may_not",
                "not_your_case",
                "organisation_unknown",
                "of_the_rated_unit",
                "own_decision",
                "wrong_receipt",
            }
        ),
    ),
    (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, frozenset({"too_large", "too_many_messages"})),
    (HTTPStatus.TOO_MANY_REQUESTS, frozenset({"throttled"})),
    (
        HTTPStatus.NOT_FOUND,
        frozenset(
            {"bad_token", "nobody_known", "unknown_node", "not_published", "unknown_case", "unknown_subscription", "unknown_ledger_day"}
        ),
    ),
    (HTTPStatus.CONFLICT, frozenset({"already_rated", "command_differs", "case_changed", "wrong_state", "subscription_exists"})),
    (HTTPStatus.GONE, frozenset({"token_expired"})),
)


# How the routes that AWS looks after are called (OpenAPI).
IAM = {"type": "apiKey", "in": "header", "name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4"}


def codes_of(status: int) -> str:
    """The refusal codes that are answered under a status, as an OpenAPI describes it."""
    return ", ".join(sorted(next((codes for known, codes in STATUSES if known == status), {"what else is refused"})))


def body_of(request: APIGatewayProxyEvent) -> str:
    """The text of a request. Raises Refused (`not_json`) if it is none."""
    try:
        return request.decoded_body or ""
    except ValueError:
        raise refuse("not_json") from None


def headers_of(request: APIGatewayProxyEvent) -> dict[str, str]:
    """The headers of a request by their names in small letters."""
    return {name.lower(): value or "" for name, value in request.headers.items()}


def caller_of(request: APIGatewayProxyEvent) -> str:
    """Who AWS says has sent the request; empty for a route without IAM."""
    identity = request.raw_event["requestContext"].get("identity") or {}
    return str(identity.get("caller") or "")


def answer(status: HTTPStatus, body: dict[str, Any]) -> Response[str]:
    """A JSON answer. None of them may be kept by anybody on the way."""
    text = json.dumps(body, ensure_ascii=False)
    return Response(status.value, content_types.APPLICATION_JSON, text, headers={"Cache-Control": "no-store"})


def lasting(request: APIGatewayProxyEvent, text: str, *, seconds: int, content_type: str = content_types.APPLICATION_JSON) -> Response[str]:
    """An answer that the party who asks, and nobody on the way, may keep for so many seconds, under a strong ETag.

    If the party has it already (If-None-Match), 304 without a body: the same text is the same answer.
    """
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"private, max-age={seconds}", "ETag": tag, "Vary": "party"}
    if _names(headers_of(request).get("if-none-match", ""), tag):
        return Response(HTTPStatus.NOT_MODIFIED.value, None, "", headers=headers)
    return Response(HTTPStatus.OK.value, content_type, text, headers=headers)


def _names(tags: str, tag: str) -> bool:
    # Weak comparison, as If-None-Match asks for (RFC 9110, 13.1.2).
    return tags.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in tags.split(",")}


def refusal(refused: Refused) -> Response[str]:
    """The answer for what was refused: its status, and every reason."""
    status = _status(refused)
    made = answer(status, {"refusals": [reason.plain() for reason in refused.reasons]})
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        made.headers["Retry-After"] = RETRY_AFTER
    return made


def refused_body(refused: Refused) -> dict[str, Any]:
    """The same within a batch."""
    return {"status": _status(refused), "refusals": [reason.plain() for reason in refused.reasons]}


def _status(refused: Refused) -> HTTPStatus:
    codes = {reason.code for reason in refused.reasons}
    return next((status for status, known in STATUSES if codes & known), HTTPStatus.UNPROCESSABLE_ENTITY)
