"""The HTTPS door of notify: the feed by cursor, the party's own subscriptions, and the Ledger in bulk.

Every registered party may ask, in the header `party`, as one of its IAM principals. It hears of what lies within its scope alone
(`notify.wanting`), and of no subscription but its own. Nothing that is answered here may be kept on the way.

Beside the party, which Registry gives and which is held for a minute, a route reads:

| route | reads |
|---|---|
| `GET /feed` | two to four queries, five times that for a party of whom hardly anything is |
| `GET /subscriptions` | all subscriptions of the stack |
| `/subscriptions/{id}` and what is below | one item; `/deliveries` one query more, `/replay` the ends of the feed |
| `GET /ledger/…` | one query, or the head, the day and its segments |
"""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import TypeAdapter, ValidationError

from cloud import clock, origin
from cloud.answers import answer, body_of, headers_of, refusal
from contract.codes import Role
from contract.identifiers import PartyId
from contract.refusals import Refused, from_validation, refuse
from contract.wire import check_size, json_object
from contract.zone import day_of
from notify import deliveries, feed, owning, reading, subscriptions
from notify.api import models
from notify.cursor import Cursor
from notify.delivery import text_of
from notify.feed import Page
from notify.sealed import days, files
from notify.subscription import Asked, Scope, Subscription
from notify.wanting import is_whole

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.exceptions import NotFoundError
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from contract.model import Model
    from notify.sealed.days import Day

logger = Logger(service="notify")
app = APIGatewayRestResolver()

NDJSON = "application/x-ndjson"
_LATEST = "latest"
_ID: TypeAdapter[str] = TypeAdapter(PartyId)
M = TypeVar("M", bound="Model")


@logger.inject_lambda_context
def gateway(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers a request of API Gateway."""
    return app.resolve(event, context)


# ---------------------------------------------------------------- the feed


@app.get("/feed")
def get_feed() -> Response[str]:
    """Events behind a cursor, as one JSON document or a line for each."""
    scope, asked = _asking(), _query(models.FeedAsked)
    if asked.cursor == _LATEST:
        page = Page([], feed.end(), more=False)
    else:
        page = reading.pull(Cursor.of(asked.cursor), asked.limit, scope, asked.kinds)
    if NDJSON in headers_of(app.current_event).get("accept", ""):
        return _lines(page)
    return answer(HTTPStatus.OK, {"events": page.events, "cursor": str(page.cursor), "more": page.more})


def _lines(page: Page) -> Response[str]:
    headers: dict[str, str | list[str]] = {
        "Cache-Control": "no-store",
        "next-cursor": str(page.cursor),
        "more": "true" if page.more else "false",
    }
    return Response(HTTPStatus.OK.value, NDJSON, "".join(f"{text_of(event)}\n" for event in page.events), headers=headers)


# ---------------------------------------------------------------- subscriptions


@app.post("/subscriptions")
def post_subscription() -> Response[str]:
    """Adds a subscription of the party and answers its secret, once."""
    scope = _asking()
    added = owning.add(_said(Asked), scope)
    return _told(models.Subscribed(**added._asdict()), HTTPStatus.CREATED)


@app.get("/subscriptions")
def get_subscriptions() -> Response[str]:
    """The subscriptions of the party."""
    scope = _asking()
    return _told(models.Subscriptions(subscriptions=tuple(one for one in subscriptions.every() if one.party == scope.party)))


@app.get("/subscriptions/<id>")
def get_subscription(id: str) -> Response[str]:
    """One of them: what it asks for, how it does, and what is being replayed to it."""
    return _told(_owned(id))


@app.put("/subscriptions/<id>")
def put_subscription(id: str) -> Response[str]:
    """Changes what a subscription asks for; its id stays."""
    scope = _asking()
    asked = _said(Asked, id=_named(id))
    if asked.id != id:
        raise refuse("malformed_field", "id", "the id of the path, or none")
    return _told(owning.change(asked, scope))


@app.delete("/subscriptions/<id>")
def delete_subscription(id: str) -> Response[str]:
    """Ends a subscription for good; what is under way to it is dropped."""
    owning.remove(_owned(id))
    return answer(HTTPStatus.OK, {})


@app.post("/subscriptions/<id>/test")
def post_test(id: str) -> Response[str]:
    """Sends a test at once and answers what came of it, well or not."""
    event_id, got = owning.test(_owned(id))
    told = {"taken": got.taken, "status": got.status, "error": got.error or None, "milliseconds": got.milliseconds}
    return _told(models.Tested(event_id=event_id, **told))


@app.post("/subscriptions/<id>/rotate")
def post_rotation(id: str) -> Response[str]:
    """Begins a rotation and answers the new secret, once; or finishes it."""
    subscriber, asked = _owned(id), _said(models.RotateAsked)
    if asked.finish:
        owning.finish(subscriber)
        return _told(models.Rotated())
    return _told(models.Rotated(secret=owning.rotate(subscriber)))


@app.post("/subscriptions/<id>/replay")
def post_replay(id: str) -> Response[str]:
    """Begins or ends a replay to this subscriber, or lets what was set aside be tried again."""
    subscriber, asked = _owned(id), _said(models.ReplayAsked)
    if asked.cursor is not None:
        begun = owning.replay(subscriber.id, Cursor.of(asked.cursor), subscriber.party)
        return _told(models.Replayed(replay=begun), HTTPStatus.ACCEPTED)
    if asked.set_aside:
        revived = owning.revive(subscriber)
        return _told(models.Replayed(revived=revived, more=revived == owning.REVIVED), HTTPStatus.ACCEPTED)
    owning.stop(subscriber.id, subscriber.party)
    return _told(models.Replayed(), HTTPStatus.ACCEPTED)


@app.get("/subscriptions/<id>/deliveries")
def get_deliveries(id: str) -> Response[str]:
    """What was delivered when, with which answer, and what is tried again when."""
    subscriber, asked = _owned(id), _query(models.DeliveriesAsked)
    if asked.event_id:
        row = deliveries.find(subscriber.id, asked.event_id)
        rows, cursor = ([row] if row else []), ""
    else:
        rows, cursor = deliveries.page(subscriber.id, asked.state, asked.cursor, asked.limit)
    seen = tuple(models.DeliverySeen.model_validate(row.plain()) for row in rows)
    return _told(models.Deliveries(deliveries=seen, cursor=cursor or None))


# ---------------------------------------------------------------- the Ledger in bulk


@app.get("/ledger/days")
def get_days() -> Response[str]:
    """Closed days of the Ledger, with the hashes that prove them."""
    _asking()
    asked = _query(models.DaysAsked)
    found = days.days(asked.after, asked.limit)
    return _told(models.Days(days=tuple(found), more=len(found) == asked.limit))


@app.get("/ledger/days/<day>")
def get_day(day: str) -> Response[str]:
    """A closed day with its segments."""
    _asking()
    closed = _day(day)
    return _told(models.DaySeen(day=closed, segments=tuple(days.segments_of(closed.ledger_day))))


@app.get("/ledger/days/<day>/segments/<number>")
def get_segment(day: str, number: str) -> Response[str]:
    """Where the file of a segment is, for whoever may know all of the province."""
    scope = _asking()
    if scope.role not in (Role.SUPERVISOR, Role.CONSUMER) or not is_whole(scope):
        raise refuse("out_of_scope", "party", "a supervisor or consumer whose scope is the whole province")
    closed = _day(day)
    found = days.segment(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
    if found is None or found.ledger_day != closed.ledger_day:
        raise refuse("unknown_ledger_day", "number")
    return _told(models.SegmentSeen(url=files.url_of(found), **dict(found)))


def _day(text: str) -> Day:
    try:
        found = days.day(date.fromisoformat(text))
    except ValueError:
        found = None
    if found is None:
        raise refuse("unknown_ledger_day", "day")
    return found


@app.get("/openapi/notify.json")
def get_openapi() -> Response[str]:
    """What this door takes and answers."""
    from notify.api import openapi  # for a route that is seldom asked

    return answer(HTTPStatus.OK, openapi.document())


# ---------------------------------------------------------------- who asks, and how it is answered


def _asking() -> Scope:
    """The party that asks, with its scope. Raises Refused (`unknown_party`, `wrong_sender`)."""
    return owning.scope_of(origin.asking(app.current_event, day_of(clock.now())).id)


def _owned(id: str) -> Subscription:
    return owning.owned(_named(id), _asking().party)


def _named(id: str) -> str:
    try:
        return _ID.validate_python(id)
    except ValidationError:
        raise refuse("unknown_subscription", "id") from None


def _query(model: type[M]) -> M:
    return _valid(model, app.current_event.query_string_parameters or {})


def _said(model: type[M], **named: str) -> M:
    """What the body says, beside what the path says already. An empty one says nothing."""
    text = body_of(app.current_event)
    check_size(text)
    return _valid(model, named | json_object(text or "{}"))


def _valid(model: type[M], said: dict[str, Any]) -> M:
    try:
        return model.model_validate(said, context=subscriptions.here())
    except ValidationError as error:
        raise from_validation(error) from None


def _told(seen: Model, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    return answer(status, seen.plain())


@app.exception_handler(Refused)  # type: ignore[untyped-decorator]  # Powertools has no types for it
def refused(reasons: Refused) -> Response[str]:
    """The answer to what is refused."""
    return refusal(reasons)


@app.not_found
def nothing_there(_: NotFoundError) -> Response[str]:
    """The answer to a path that leads to nothing."""
    return refusal(refuse("unknown_subscription"))
