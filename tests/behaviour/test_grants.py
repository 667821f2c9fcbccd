"""What a function of notify does is what its role may do: every call that it makes is held against its statements in the template.

moto asks nobody's role, and the emulator only what the whole-stack test happens to do.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from bed import CONTEXT
from cloud import clients, clock
from contract.events import CaseReplied
from haochaping.stack import variable_of
from notify import app, archive, archiving, replaying, retrying, subscriptions, turns
from notify.cursor import Cursor
from said import bad_rating, event, letter
from template_file import resources
from told import message, progressed

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = resources("AWS::Serverless::Function")
_PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_CLIENTS = {"dynamodb": clients.dynamodb, "sqs": clients.sqs, "s3": clients.s3, "eventbridge": clients.events}


def needed(service: str, operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Action and resource (by its logical name) of what a call needs."""
    if service == "events":
        yield "events:PutEvents", "Bus"
    elif service == "sqs":
        yield "sqs:SendMessage", params["QueueUrl"].rpartition("/")[2]
    elif service == "s3":
        action = {"ListObjectsV2": "ListBucket"}.get(operation, operation)
        yield f"s3:{action}", "Segments" if action == "ListBucket" else f"Segments/{params['Key']}"
    elif operation == "TransactWriteItems":
        for part in params["TransactItems"]:
            ((kind, said),) = part.items()
            yield f"dynamodb:{_PARTS[kind]}", said["TableName"]
    elif "RequestItems" in params:
        for table in params["RequestItems"]:
            yield f"dynamodb:{operation}", table
    else:
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        yield f"dynamodb:{operation}", params["TableName"] + index


def granted(function: str) -> list[tuple[str, str]]:
    """Patterns of actions and of resources, as the function's statements have them."""
    found = []
    for policy in FUNCTIONS[function]["Properties"]["Policies"]:
        statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        for statement in (one for one in statements if one["Effect"] == "Allow"):
            actions, on = statement["Action"], statement["Resource"]
            for action in actions if isinstance(actions, list) else [actions]:
                found += [(action, resource(one)) for one in (on if isinstance(on, list) else [on])]
    return found


def resource(said: Any) -> str:
    """`Table`, `Table/index/due`, `Segments/feed/*`: what a statement names, without what surrounds it."""
    text = said.get("Fn::GetAtt") or said.get("Fn::Sub") or said.get("Ref")
    return str(text).replace("${", "").replace("}", "").replace(".Arn", "")


@contextmanager
def role_of(function: str) -> Iterator[None]:
    """Every call that is made meanwhile must be granted to this function."""
    may = granted(function)

    def check(params: dict[str, Any], model: Any, **_: Any) -> None:
        for action, on in needed(model.service_model.service_name, model.name, params):
            held = any(fnmatchcase(action, pattern) and fnmatchcase(on, place) for pattern, place in may)
            assert held, f"{function} may not {action} on {on}"

    with ExitStack() as stack:
        for service, client in _CLIENTS.items():
            client().meta.events.register_first(f"provide-client-params.{service}", check)
            stack.callback(client().meta.events.unregister, f"provide-client-params.{service}", check)
        yield


def as_role(function: str, handler: Any, given: dict[str, Any]) -> Any:
    with role_of(function):
        return handler(given, CONTEXT)


def hand_over(bed, answers: list[bool], monkeypatch) -> None:
    """Hands over what is queued; the subscriber takes it or not, as it is told to."""
    from notify.delivery import Answer

    def post(*_: Any) -> Answer:
        taken = answers[0]
        return Answer(taken=taken, status=204 if taken else 500)

    monkeypatch.setattr("notify.webhook.post", post)
    while waiting := bed.messages("DeliveryQueue"):
        for each in waiting:
            assert as_role("NotifyDeliver", app.deliver, {"Records": [each]}) == {"batchItemFailures": []}


@pytest.fixture
def bed(bed, monkeypatch):
    monkeypatch.setattr(turns, "SECONDS", 0)
    bed.policy(quiet_hours={"begins": 0, "ends": 0})
    return bed


def test_the_tables_are_named_like_their_settings_and_the_statements_like_both():
    assert variable_of("DeliveriesTable") == "DELIVERIES_TABLE"
    assert ("dynamodb:Query", "DeliveriesTable/index/due") in granted("NotifySweep")
    assert ("s3:GetObject", "Segments/feed/*") in granted("NotifyDeliver")


@pytest.mark.parametrize("service", ["FeedTable", "Bus", "DeliveryQueue"])
def test_a_call_that_is_not_granted_is_found(bed, monkeypatch, service):
    bed.subscribe("plain", "https://plain.example.cn/")
    less = [(action, on) for action, on in granted("NotifyDispatch") if on != service]
    monkeypatch.setattr("test_grants.granted", lambda _: less)
    told = CaseReplied(event_id="ev_r", happened_at=clock.now(), case_id="c", rating_id="r_1", region_code="330106000000")
    with pytest.raises(AssertionError, match=f"may not .* {service}"):
        as_role("NotifyDispatch", app.dispatch, {"Records": [message(told)]})


def test_an_event_on_its_way_out_needs_no_more_than_is_granted(bed, later, monkeypatch):
    bed.subscribe("plain", "https://plain.example.cn/")
    bed.subscribe("strict", "https://strict.example.cn/", in_order=True)
    told = [progressed(n, rating="r_a", order=n) for n in range(1, 4)]
    for _ in range(2):
        assert as_role("NotifyDispatch", app.dispatch, {"Records": [message(one) for one in told]}) == {"batchItemFailures": []}
    takes = [False]
    hand_over(bed, takes, monkeypatch)
    for minutes in (3, 10):
        later(minutes=minutes)
        as_role("NotifySweep", app.sweep, {})
        hand_over(bed, takes, monkeypatch)
    later(hours=98)  # given up, the next in order has its turn
    as_role("NotifySweep", app.sweep, {})
    takes[0] = True
    hand_over(bed, takes, monkeypatch)
    replaying.begin(subscriptions.find("plain"), Cursor())
    as_role("NotifySweep", app.sweep, {})
    hand_over(bed, takes, monkeypatch)


def test_one_that_is_down_is_probed_with_what_is_granted(bed, later, monkeypatch):
    bed.subscribe("plain", "https://plain.example.cn/")
    as_role("NotifyDispatch", app.dispatch, {"Records": [message(progressed(1))]})
    now = clock.now()
    subscriptions.set_circuit("plain", retrying.CLOSED, retrying.Circuit(failures=20, failing_since=now, opened_at=now, probe_at=now))
    hand_over(bed, [True], monkeypatch)
    as_role("NotifySweep", app.sweep, {})
    hand_over(bed, [True], monkeypatch)
    assert subscriptions.find("plain").circuit == retrying.CLOSED


def test_messages_of_the_night_and_what_is_old_need_no_more_than_is_granted(bed, later, monkeypatch):
    for module in (archive, archiving):
        monkeypatch.setattr(module, "BLOCK", 2)
    bed.accept(letter(event()), letter(bad_rating()))
    bed.policy(quiet_hours={"begins": 0, "ends": 23}, feed_days=7)
    reply = CaseReplied(event_id="ev_r", happened_at=clock.now(), case_id="c", rating_id="r_1", region_code="330106000000")
    as_role("NotifyDispatch", app.dispatch, {"Records": [message(reply), *(message(progressed(n)) for n in range(5))]})
    later(days=400)
    as_role("NotifySweep", app.sweep, {})
    assert as_role("NotifyArchive", app.archive, {})["blocks"] > 0
    bed.subscribe("plain", "https://plain.example.cn/")
    replaying.begin(subscriptions.find("plain"), Cursor())
    as_role("NotifySweep", app.sweep, {})


def test_sealing_needs_no_more_than_is_granted(bed, later):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    as_role("NotifySeal", app.seal, {})
    later(days=3)
    done = as_role("NotifySeal", app.seal, {})
    assert done["closed"] > 0
