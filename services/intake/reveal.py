"""`POST /identities`: the one way to an identity. IAM says who may ask; what for is recorded and shown to the person concerned.

`POST /opinions` is for units: what a bad rating of their own service says, and never who said it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import ValidationError

from cloud import clock, origin
from cloud.answers import answer, body_of, caller_of, refusal
from contract.refusals import Refused, from_validation
from contract.wire import json_object
from contract.zone import day_of
from intake import door, opinions, revealing

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="intake")
app = APIGatewayRestResolver()


@logger.inject_lambda_context
def reveal(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers a request of API Gateway; what is asked stands in the body, since an address is written down by many."""
    return app.resolve(event, context)


@app.post("/identities")
def post_identity() -> Response[str]:
    """The part of an identity that the purpose needs."""
    try:
        question = revealing.Question.model_validate(json_object(body_of(app.current_event)))
        return answer(HTTPStatus.OK, revealing.answer(question, caller_of(app.current_event), door.keys()))
    except ValidationError as error:
        return refusal(from_validation(error))
    except Refused as refused:
        return refusal(refused)


@app.post("/opinions")
def post_opinion() -> Response[str]:
    """What a bad rating says, for the party that has to put it right."""
    try:
        party = origin.asking(app.current_event, day_of(clock.now()))
        wanted = opinions.Wanted.model_validate(json_object(body_of(app.current_event)))
        return answer(HTTPStatus.OK, opinions.opinion(wanted, party, door.keys()).plain())
    except ValidationError as error:
        return refusal(from_validation(error))
    except Refused as refused:
        return refusal(refused)
