"""`POST /identities`: the one way to an identity. IAM says who may ask; what for is recorded and shown to the person concerned."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import ValidationError

from contract.refusals import Refused, from_validation
from intake import door, revealing
from intake.answers import answer, refusal

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
    identity = app.current_event.raw_event["requestContext"].get("identity", {})
    try:
        question = revealing.Question.model_validate_json(app.current_event.decoded_body or "")
        return answer(HTTPStatus.OK, revealing.answer(question, identity.get("caller") or "", door.keys()))
    except ValidationError as error:
        return refusal(from_validation(error))
    except Refused as refused:
        return refusal(refused)
