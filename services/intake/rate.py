"""`GET` and `POST /rate/{token}`: the page of an invitation, and its one rating. No login; nothing is asked but the token."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from cloud import clock
from cloud.answers import answer, body_of, caller_of, headers_of, refusal
from contract.refusals import Refused
from intake import door, links

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="intake")
app = APIGatewayRestResolver()

# The page loads nothing from anywhere, tells nobody where it came from, and cannot be framed.
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


@logger.inject_lambda_context
def rate(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers a request of API Gateway. The token stands in the path and is never logged."""
    return app.resolve(event, context)


@app.get("/rate/<token>")
def get_page(token: str) -> Response[str]:
    """What may be rated, as JSON; a browser that asks for HTML gets a page that asks for the same JSON."""
    headers = headers_of(app.current_event)
    if "text/html" in headers.get("accept", ""):
        return Response(HTTPStatus.OK.value, "text/html; charset=utf-8", _page(), headers=_PAGE_HEADERS)
    try:
        links.check_visitor(headers, caller_of(app.current_event))
        return answer(HTTPStatus.OK, links.page(token, door.keys(), clock.now()))
    except Refused as refused:
        return refusal(refused)


@app.post("/rate/<token>")
def post_rating(token: str) -> Response[str]:
    """Stores the rating, once."""
    try:
        links.check_visitor(headers_of(app.current_event), caller_of(app.current_event))
        return answer(HTTPStatus.OK, links.redeem(token, body_of(app.current_event), door.keys(), clock.now()).plain())
    except Refused as refused:
        return refusal(refused)


@cache
def _page() -> str:
    return resources.files("intake").joinpath("pages", "rate.html").read_text("utf-8")
