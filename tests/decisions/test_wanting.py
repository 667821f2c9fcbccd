"""Who is told what: what was asked for, what lies in the party's scope, and how much of an anonymous rating a unit may know."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from contract.codes import EscalationLevel, Role, Severity
from contract.events import (
    EVENTS,
    TO_ONE,
    BadRatingAccepted,
    CaseEscalated,
    CaseOpened,
    CommandRefused,
    MessagesRefused,
    ResultsPublished,
    cloud_event,
)
from facts import rating_facts
from notify.subscription import KINDS, Asked, Scope, Where
from notify.wanting import may_know, name_of, narrowed, wants
from said import ORGANISATION
from told import AT, as_told, overdue, progressed

PROVINCE, XIHU, NINGBO = "330000000000", "330106000000", "330200000000"
HERE = Where("test", "cn-north-1")
STAMPED = {"event_id": "ev_1", "happened_at": AT}


def asked(**said) -> Asked:
    return Asked.model_validate({"id": "portal", "target": "https://portal.example.cn/events"} | said, context=HERE)


def scope(role: Role = Role.CONSUMER, *regions: str, organisations: tuple[str, ...] = (), party: str = "portal") -> Scope:
    return Scope(party, role, regions or (PROVINCE,), organisations)


@pytest.mark.parametrize(
    ("said", "hears"),
    [
        ({}, True),
        ({"types": ["CaseProgressed"]}, True),
        ({"types": ["CaseClosed"]}, False),
        ({"regions": ["330100"]}, True),
        ({"regions": ["330200"]}, False),
        ({"organisations": [ORGANISATION]}, True),
        ({"organisations": ["11330106MB0000005W"]}, False),
        ({"severity": "NOTICE"}, False),
    ],
)
def test_a_subscriber_gets_what_it_asked_for(said, hears):
    assert wants(asked(**said), as_told(progressed(1))) is hears


def test_an_event_without_a_place_is_not_of_a_region_that_was_asked_for():
    refused = as_told(MessagesRefused(**STAMPED, party="hall-devices", count=1, codes={"not_json": 1}))
    assert wants(asked(), refused)
    assert not wants(asked(regions=["330000"]), refused)


def test_every_event_has_its_severity_and_some_more_by_what_they_say():
    assert {event.severity for event in EVENTS.values()} == set(Severity)
    assert as_told(overdue(1))["severity"] == Severity.WARNING
    escalated = {
        level: as_told(
            CaseEscalated(
                **STAMPED, case_id="c", rating_id="r", region_code=XIHU, state="ASSIGNED", clock="rectify", due_at=AT, level=level, to=XIHU
            )
        )["severity"]
        for level in EscalationLevel
    }
    assert escalated == {"PERSON": "WARNING", "UNIT_HEAD": "WARNING", "SUPERVISOR": "URGENT", "LEVEL_ABOVE": "URGENT"}
    worst = as_told(BadRatingAccepted(**STAMPED, rating=rating_facts(level="VERY_DISSATISFIED")))
    bad = as_told(BadRatingAccepted(**STAMPED, rating=rating_facts(level="DISSATISFIED")))
    assert (worst["severity"], bad["severity"]) == ("WARNING", "NOTICE")


def test_what_goes_to_one_receiver_can_be_asked_for_by_nobody():
    assert set(KINDS) == EVENTS.keys() - {event.__name__ for event in TO_ONE}
    for event in TO_ONE:
        with pytest.raises(ValidationError):
            asked(types=[event.__name__])


# ---------------------------------------------------------------- scope


@pytest.mark.parametrize(
    ("of", "knows"),
    [
        (scope(), True),
        (scope(Role.CONSUMER, "330100000000"), True),
        (scope(Role.CONSUMER, NINGBO), False),
        (scope(Role.UNIT, XIHU, organisations=(ORGANISATION,)), True),
        (scope(Role.UNIT, XIHU, organisations=("11330106MB0000005W",)), False),
    ],
)
def test_a_party_hears_of_its_scope_alone(of, knows):
    assert may_know(of, as_told(progressed(1))) is knows


def test_what_was_answered_to_a_party_is_its_own_and_the_supervisors():
    refused = as_told(CommandRefused(**STAMPED, party="xihu-hall", codes=("wrong_state",)))
    assert may_know(scope(Role.UNIT, XIHU, party="xihu-hall"), refused)
    assert not may_know(scope(Role.UNIT, PROVINCE, party="another"), refused)
    assert not may_know(scope(Role.SUPERVISOR, XIHU, party="another"), refused)
    assert may_know(scope(Role.SUPERVISOR, party="another"), refused)


def test_what_is_published_is_everybodys():
    said = {
        "region_code": PROVINCE,
        "period": "2026-11",
        "revision": 1,
        "files": {},
        "sha256": "0",
        "policy_version": "p",
        "code_version": "c",
    }
    assert may_know(scope(Role.UNIT, XIHU, organisations=(ORGANISATION,)), as_told(ResultsPublished(**STAMPED, **said)))


# ---------------------------------------------------------------- what a unit may know


def opened(**facts) -> dict:
    received = datetime(2026, 11, 24, 3, tzinfo=UTC)
    rating = rating_facts(received_hour=received, staff_ref="v1:canary-staff", **facts)
    said = {"event_id": "ev_1", "happened_at": received, "case_id": "c", "due": {"rectify": AT}, "policy_version": "p"}
    return as_told(CaseOpened(**said, rating=rating))


def test_of_an_anonymous_rating_a_unit_knows_the_day_alone_and_not_who_served_it():
    told = narrowed(opened(identity_mode="ANONYMOUS"), Role.UNIT)
    assert "canary-staff" not in json.dumps(told)
    midnight = "2026-11-24T00:00:00+08:00"
    assert (told["time"], told["data"]["happened_at"], told["data"]["rating"]["received_hour"]) == (midnight, midnight, midnight)
    # It is still the event of its schema.
    assert EVENTS[name_of(told)].model_validate(told["data"]).rating.identity_mode == "ANONYMOUS"


@pytest.mark.parametrize(("role", "mode"), [(Role.SUPERVISOR, "ANONYMOUS"), (Role.UNIT, "REAL_NAME")])
def test_supervisors_and_of_named_raters_their_unit_are_told_as_it_is(role, mode):
    event = opened(identity_mode=mode)
    assert narrowed(event, role) == event


@pytest.mark.parametrize("role", [Role.CONSUMER, Role.CHANNEL])
def test_who_served_is_nobody_elses_business(role):
    event = opened(identity_mode="REAL_NAME")
    told = narrowed(event, role)
    assert "canary-staff" not in json.dumps(told)
    assert told["data"]["rating"].keys() == event["data"]["rating"].keys() - {"staff_ref"}
    assert told["time"] == event["time"]


@pytest.mark.parametrize("role", list(Role))
def test_the_hash_of_a_receipt_goes_to_nobody(role):
    event = as_told(BadRatingAccepted(**STAMPED, rating=rating_facts(), receipt_sha256="f0" * 32))
    assert "receipt_sha256" not in narrowed(event, role)["data"]


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "said",
    [
        {"target": "http://portal.example.cn/events"},
        {"target": "https://user:secret@portal.example.cn/"},
        {"target": "https://"},
        {"target": "ftp://portal.example.cn"},
        {"target": "https://portal.example.cn/a b"},
        {"target": "https://[::1"},
        {"target": "https://portal.example.cn:99999/"},
        {"kind": "QUEUE", "target": "https://portal.example.cn"},
        {"kind": "QUEUE", "target": "arn:aws-cn:sqs:cn-north-1:123456789012:portal"},
        {"kind": "QUEUE", "target": "arn:aws-cn:sqs:cn-northwest-1:123456789012:test-reply-portal"},
        {"kind": "QUEUE", "target": "arn:aws-cn:events:cn-north-1:123456789012:event-bus/test-reply-portal"},
        {"kind": "EVENT_BUS", "target": "arn:aws-cn:events:cn-north-1:123456789012:event-bus/test"},
        {"kind": "EVENT_BUS", "target": "arn:aws-cn:sqs:cn-north-1:123456789012:test-reply-portal"},
    ],
)
def test_an_address_that_nothing_may_be_sent_to_is_refused(said):
    with pytest.raises(ValidationError) as refused:
        asked(**said)
    assert refused.value.errors()[0]["type"] == "bad_target"


@pytest.mark.parametrize(
    "said",
    [
        {"target": "https://portal.example.cn:8443/events?for=haochaping"},
        {"kind": "QUEUE", "target": "arn:aws-cn:sqs:cn-north-1:210987654321:test-reply-portal"},
        {"kind": "EVENT_BUS", "target": "arn:aws-cn:events:cn-north-1:210987654321:event-bus/test-reply-portal"},
    ],
)
def test_addresses_of_each_kind(said):
    assert asked(**said).target == said["target"]


def test_a_cloud_event_is_what_cloudevents_says():
    told = cloud_event("CaseOverdue", "haochaping.rectify", as_told(overdue(1))["data"])
    assert {"specversion", "id", "source", "type", "time", "datacontenttype", "severity", "data"} == told.keys()
