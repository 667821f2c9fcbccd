"""The HTTPS door for cases: commands, decided in the request (design, 6.6), and questions of those who may ask.

A command is the same message with the same proof as by the CommandInbox. A question names its party in the header `party`, and the IAM
caller must be one of the party's principals. Who sees which case stands in `rectify.api.access`, how much of it in `rectify.api.views`.
Nothing that is answered here may be kept on the way.

Beside party, grants and policy, which Registry gives and which are held for a minute, a route reads:

| route | reads |
|---|---|
| `POST /cases/{case_id}/commands` | what the decision needs, and the head once more |
| `GET /cases/{case_id}/commands/{command_id}` | one pair of items |
| `GET /cases/{case_id}` | the head and one query of its history; for a supervisor one more of its commands |
| `GET /cases` | one query of an index, `worklists.MOST_READS` at most; on the list of pressure the head of each case |
| `GET /receipts/{receipt}/case` | two items, and one query of the history |
| `GET /problems/{unit}/{problem}` | one query |
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import TypeAdapter, ValidationError

from cloud import clock, origin, registry
from cloud.answers import answer, body_of, headers_of, refusal
from contract.codes import ActorRole, Role
from contract.commands import Actor, CaseId, CommandId
from contract.identifiers import NATION, RegionCode, Uscc
from contract.messages import Reference
from contract.refusals import Refused, from_validation, refuse
from contract.zone import day_of
from rectify import cases, deciding, ground, incoming
from rectify.api import rater, views, worklists
from rectify.api.access import Reader, Sight, sight
from rectify.api.models import CarriedOut, Decided
from rectify.naming import receipt_hash

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.exceptions import NotFoundError
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloud.registry import Party
    from contract.model import Model
    from rectify.case import Case

logger = Logger(service="rectify")
app = APIGatewayRestResolver()

_CASE_ID: TypeAdapter[str] = TypeAdapter(CaseId)
_COMMAND_ID: TypeAdapter[str] = TypeAdapter(CommandId)
_PROBLEM: TypeAdapter[str] = TypeAdapter(Reference)
_UNIT: TypeAdapter[str] = TypeAdapter(Uscc | RegionCode)


@logger.inject_lambda_context
def gateway(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers a request of API Gateway."""
    return app.resolve(event, context)


# ---------------------------------------------------------------- commands


@app.post("/cases/<case_id>/commands")
@app.post("/signed/cases/<case_id>/commands")
def post_command(case_id: str) -> Response[str]:
    """Carries out a command and answers what it led to; a repeated one with what it first led to."""
    request = app.current_event
    came = origin.came(request, body_of(request), headers_of(request), request.request_context.request_id)
    party = origin.check(came)
    command = incoming.read(came.body)
    if command.case_id != case_id:
        raise refuse("malformed_field", "case_id", "the case_id of the path")
    outcome = deciding.command(command, party, came.received_at)
    if outcome.state is None:
        raise Refused(*outcome.refusals)
    due = _due_for(party, case_id)
    return _told(CarriedOut(case_id=case_id, command_id=command.command_id, facts=outcome.facts, state=outcome.state, due=due))


def _due_for(party: Party, case_id: str) -> dict[str, Any]:
    """The deadlines that run now. A unit that has given the case away hears no more of it, however often it repeats a command."""
    case = cases.find(case_id)
    is_seen = case is not None and (party.role is Role.CHANNEL or sight(_reader(party), case) is not Sight.NOTHING)
    return {name: deadline.due_at for name, deadline in case.running.items()} if case and is_seen else {}


@app.get("/cases/<case_id>/commands/<command_id>")
def get_outcome(case_id: str, command_id: str) -> Response[str]:
    """What a command of the party itself led to."""
    party = _asking(*Role)
    case_id, command_id = _named(_CASE_ID, case_id, "case_id"), _named(_COMMAND_ID, command_id, "command_id")
    outcome = cases.load(case_id, f"{party.party}/{command_id}").outcome
    if outcome is None:
        raise refuse("unknown_case", "command_id")
    said = {"facts": outcome.facts, "state": outcome.state, "refusals": outcome.refusals}
    return _told(Decided(case_id=case_id, command_id=command_id, **said))


# ---------------------------------------------------------------- questions


@app.get("/cases/<case_id>")
def get_case(case_id: str) -> Response[str]:
    """A case with its whole history, as far as the party may see it."""
    reader = _asking(Role.UNIT, Role.SUPERVISOR)
    case = _case(_named(_CASE_ID, case_id, "case_id"))
    seen = sight(reader, case)
    if seen is Sight.NOTHING:
        raise refuse("not_your_case", "case_id")
    history = cases.history(case_id)
    if seen is Sight.UNIT:
        return _told(views.case_for_unit(case, history, reader))
    return _told(views.case_for_supervisor(case, history, cases.outcomes(case_id)))


@app.get("/cases")
def get_cases() -> Response[str]:
    """A page of a work list."""
    reader = _asking(Role.UNIT, Role.SUPERVISOR)
    try:
        asked = worklists.Asked.model_validate(app.current_event.query_string_parameters or {})
    except ValidationError as error:
        raise from_validation(error) from None
    return _told(worklists.page_of(asked, reader, clock.now()))


@app.get("/receipts/<receipt>/case")
def get_case_of_receipt(receipt: str) -> Response[str]:
    """The case of a rating, for its rater, who is known by the receipt."""
    _asking(Role.CHANNEL)
    case_id = cases.of_receipt(receipt_hash(receipt))
    if case_id is None:
        raise refuse("unknown_case", "receipt")
    case = _case(case_id)
    return _told(rater.case_for_rater(case, cases.history(case_id), ground.policy_of(case.rating), clock.now()))


@app.get("/problems/<unit>/<problem>")
def get_problem(unit: str, problem: str) -> Response[str]:
    """The cases with one cause and the changes made; `unit` is a region code where the cases are of no known unit."""
    reader = _asking(Role.UNIT, Role.SUPERVISOR)
    unit, problem = _named(_UNIT, unit, "unit", code="not_your_case"), _named(_PROBLEM, problem, "problem", code="malformed_field")
    if not _may_see_problems(unit, reader):
        raise refuse("not_your_case", "unit")
    key = cases.unit_key(None, unit) if _is_region(unit) else unit
    return _told(views.problem_of(unit, problem, cases.problem(key, problem)))


def _may_see_problems(unit: str, reader: Reader) -> bool:
    if reader.role is Role.UNIT:
        return unit in reader.organisations
    if _is_region(unit):
        return reader.supervises(unit, None)
    known = registry.find("organisation", unit, day_of(clock.now())) or {}
    return "region_code" in known and reader.supervises(known["region_code"], unit)


def _is_region(unit: str) -> bool:
    return len(unit) == len(NATION)


@app.get("/openapi/cases.json")
def get_openapi() -> Response[str]:
    """What this door takes and answers."""
    from rectify.api import openapi  # for a route that is seldom asked

    return answer(HTTPStatus.OK, openapi.document())


# ---------------------------------------------------------------- who asks, and how it is answered


def _asking(*roles: Role) -> Reader:
    """The party that asks. Raises Refused (`unknown_party`, `wrong_sender`; `out_of_scope` unless it is one of these)."""
    party = origin.asking(app.current_event, day_of(clock.now()))
    if party.role not in roles:
        raise refuse("out_of_scope", "party")
    return _reader(party)


def _reader(party: Party) -> Reader:
    anybody = Actor(person_ref="*", role=ActorRole.SUPERVISOR)
    belongs_to = ground.acting(party, anybody, day_of(clock.now())).organisation if party.role is Role.SUPERVISOR else None
    return Reader(party.id, party.role, party.regions, party.organisations, belongs_to)


def _named(form: TypeAdapter[str], text: str, field: str, *, code: str = "unknown_case") -> str:
    """What a part of the path says, percent-encoded. Raises Refused if it can name nothing."""
    try:
        return form.validate_python(unquote(text))
    except ValidationError:
        raise refuse(code, field) from None


def _case(case_id: str) -> Case:
    case = cases.find(case_id)
    if case is None:
        raise refuse("unknown_case", "case_id")
    return case


def _told(seen: Model) -> Response[str]:
    return answer(HTTPStatus.OK, seen.plain())


@app.exception_handler(Refused)  # type: ignore[untyped-decorator]  # Powertools has no types for it
def refused(reasons: Refused) -> Response[str]:
    """The answer to what is refused."""
    return refusal(reasons)


@app.not_found
def nothing_there(_: NotFoundError) -> Response[str]:
    """The answer to a path that leads to nothing."""
    return refusal(refuse("unknown_case"))
