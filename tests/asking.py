"""Asks the door of notify as a party does, and holds every answer against its OpenAPI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from bed import CONTEXT
from described import Description
from notify.api import openapi
from notify.api.gateway import NDJSON, gateway
from notify.app import dispatch
from told import message

if TYPE_CHECKING:
    from contract.events import Event

DESCRIBED = Description(openapi.document)
PARTIES: dict[str, dict[str, Any]] = {
    "data-centre": {"role": "CONSUMER", "regions": ["330000000000"]},
    "province": {"role": "SUPERVISOR", "regions": ["330000000000"]},
    "city": {"role": "SUPERVISOR", "regions": ["330100000000"]},
    "hall": {"role": "UNIT", "regions": ["330106000000"], "organisations": ["11330106MB0000004R"]},
    "market": {"role": "UNIT", "regions": ["330106000000"], "organisations": ["11330106MB0000005W"]},
    "ningbo": {"role": "CHANNEL", "regions": ["330200000000"]},
}


class Answer(NamedTuple):
    """What the door answered; `body` is JSON, or the text of lines."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The first refusal."""
        return self.body["refusals"][0]["code"]

    @property
    def field(self) -> str:
        """The field that it names."""
        return self.body["refusals"][0]["field"]


def request(method: str, path: str, party: str, body: Any = None, *, caller: str | None = None, headers: Any = None, **query: Any) -> Any:
    """A request as API Gateway hands it over."""
    sent = {"party": party} | (headers or {})
    return {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "pathParameters": None,
        "queryStringParameters": {name: str(value) for name, value in query.items()} or None,
        "multiValueQueryStringParameters": None,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "request-1",
            "identity": {"caller": f"AROA-{party}:session" if caller is None else caller},
            "path": path,
            "httpMethod": method,
        },
    }


def call(method: str, path: str, party: str = "data-centre", body: Any = None, **further: Any) -> Answer:
    """What the door answers, as its description says it."""
    answered = gateway(request(method, path, party, body, **further), CONTEXT)
    headers = {name: values[0] for name, values in answered["multiValueHeaders"].items()}
    assert headers["Cache-Control"] == "no-store"
    if headers["Content-Type"] == NDJSON:
        return Answer(answered["statusCode"], answered["body"], headers)
    said = json.loads(answered["body"])
    if not path.startswith("/openapi/"):
        assert DESCRIBED.faults(method, path, answered["statusCode"], said) == [], (path, said)
    return Answer(answered["statusCode"], said, headers)


def told(method: str, path: str, party: str = "data-centre", body: Any = None, **further: Any) -> dict[str, Any]:
    """The same, where nothing is to be refused."""
    answered = call(method, path, party, body, **further)
    assert answered.status < 300, answered.body
    return answered.body


def refused(method: str, path: str, party: str = "data-centre", body: Any = None, **further: Any) -> tuple[int, str, str]:
    """Status, code and field of a refusal."""
    answered = call(method, path, party, body, **further)
    return answered.status, answered.code, answered.field


def register(bed: Any) -> None:
    """Registers every sort of party, each with a principal of its name."""
    for id, scope in PARTIES.items():
        bed.party(id, principals=[f"AROA-{id}"], **scope)


def dispatched(*events: Event) -> None:
    """Lets the bus tell these events."""
    assert dispatch({"Records": [message(event) for event in events]}, CONTEXT) == {"batchItemFailures": []}
