"""`POST /identities`: the one way to an identity. IAM says who may ask; what for is recorded and shown to the person concerned."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import ValidationError

from cloud.answers import answer, body_of, caller_of, refusal
from contract.refusals import Refused, from_validation
from intake import door, revealing
from intake.opening import json_object

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
