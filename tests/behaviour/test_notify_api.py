"""The feed and the Ledger in bulk over HTTPS: each party hears of what is its business, once, in order, and of nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from asking import NDJSON, call, dispatched, refused, register, told
from contract.events import BadRatingAccepted, MessagesRefused, ResultsPublished
from facts import rating_facts
from notify import feed, reading
from notify.api import openapi
from notify.api.gateway import app
from notify.cursor import Cursor
from notify.sealed import days, sealing
from said import event, letter, rating
from template_file import resources
from told import AT, as_told, overdue, progressed

NINGBO = "330203000000"


@pytest.fixture
def door(bed):
    register(bed)
    return bed


def ids(body: dict) -> set[str]:
    return {event["id"] for event in body["events"]}


def all_of(party: str, **query) -> list[str]:
    """Everything that a party gets, page by page."""
    cursor, found, more = "", [], True
    while more:
        page = told("GET", "/feed", party, cursor=cursor, **query)
        found += [event["id"] for event in page["events"]]
        cursor, more = page["cursor"], page["more"]
    return found


# ---------------------------------------------------------------- the feed


def test_the_feed_is_read_from_the_beginning_and_goes_on_where_it_was(door):
    dispatched(*(progressed(n, rating=f"r_{n}") for n in range(5)))
    first = told("GET", "/feed")
    assert ids(first) == {f"ev_{n}" for n in range(5)}
    assert told("GET", "/feed", cursor=first["cursor"]) == {"events": [], "cursor": first["cursor"], "more": False}
    dispatched(progressed(5))
    assert ids(told("GET", "/feed", cursor=first["cursor"])) == {"ev_5"}


def test_an_event_is_told_as_a_cloud_event_with_its_severity(door):
    dispatched(overdue(1))
    (one,) = told("GET", "/feed")["events"]
    assert one == as_told(overdue(1))
    assert one["severity"] == "WARNING"


def test_with_lines_asked_for_each_event_is_one_and_the_rest_is_in_the_headers(door):
    dispatched(*(progressed(n, rating=f"r_{n}") for n in range(3)))
    answered = call("GET", "/feed", headers={"accept": NDJSON}, limit=2)
    assert [json.loads(line)["specversion"] for line in answered.body.splitlines()] == ["1.0", "1.0"]
    assert answered.headers["more"] == "true"
    rest = call("GET", "/feed", headers={"accept": NDJSON}, cursor=answered.headers["next-cursor"])
    assert (len(rest.body.splitlines()), rest.headers["more"]) == (1, "false")


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_page_by_page_every_event_comes_once_however_long_the_pages_are(door, limit):
    dispatched(*(progressed(n, rating=f"r_{n}") for n in range(20)))
    assert sorted(all_of("data-centre", limit=limit)) == sorted(f"ev_{n}" for n in range(20))


def test_the_end_of_the_feed_is_a_cursor_from_which_only_what_is_new_is_told(door):
    dispatched(progressed(1))
    end = told("GET", "/feed", cursor="latest")
    assert (end["events"], end["more"]) == ([], False)
    dispatched(progressed(2))
    assert ids(told("GET", "/feed", cursor=end["cursor"])) == {"ev_2"}


def test_only_the_kinds_that_are_asked_for_come_and_the_cursor_passes_the_others(door):
    dispatched(*(progressed(n, rating=f"r_{n}") for n in range(3)), overdue(7))
    page = told("GET", "/feed", types="CaseOverdue,CaseClosed")
    assert ids(page) == {"ev_7"}
    assert page["cursor"] == told("GET", "/feed", cursor="latest")["cursor"]


def test_a_party_gets_what_lies_in_its_scope_and_what_is_public(door):
    published = ResultsPublished(
        event_id="ev_p",
        happened_at=AT,
        region_code="330000000000",
        period="2026-10",
        revision=1,
        files={},
        sha256="0",
        policy_version="1",
        code_version="1",
    )
    refusals = MessagesRefused(event_id="ev_m", happened_at=AT, party="ningbo", count=1, codes={"bad_time": 1})
    dispatched(progressed(1), progressed(2, region_code=NINGBO, organisation=None), published, refusals)
    got = {party: set(all_of(party)) for party in ("data-centre", "city", "hall", "market", "ningbo")}
    assert got == {
        "data-centre": {"ev_1", "ev_2", "ev_p", "ev_m"},
        "city": {"ev_1", "ev_p"},
        "hall": {"ev_1", "ev_p"},
        "market": {"ev_p"},
        "ningbo": {"ev_2", "ev_p", "ev_m"},
    }


def test_a_unit_hears_of_an_anonymous_rating_the_day_alone(door):
    facts = rating_facts(staff_ref="v1:staff", received_hour=datetime(2026, 11, 24, 7, tzinfo=UTC))
    dispatched(BadRatingAccepted(event_id="ev_1", happened_at=AT, rating=facts))
    (one,) = told("GET", "/feed", "hall")["events"]
    assert "staff_ref" not in one["data"]["rating"]
    assert one["time"] == "2026-11-24T00:00:00+08:00"
    assert told("GET", "/feed", "city")["events"][0]["data"]["rating"]["staff_ref"] == "v1:staff"


def test_a_party_of_whom_hardly_anything_is_does_not_get_page_after_empty_page(door, monkeypatch):
    monkeypatch.setattr(reading, "_AT_LEAST", 40)
    for shard in range(4):
        feed.append(shard, [as_told(progressed(1000 * shard + n, region_code=NINGBO, organisation=None)) for n in range(30)])
    dispatched(progressed(9999))
    asked = 0
    cursor, found, more = "", [], True
    while more:
        page = told("GET", "/feed", "city", cursor=cursor, limit=10)
        asked, cursor, more = asked + 1, page["cursor"], page["more"]
        found += page["events"]
    assert [event["id"] for event in found] == ["ev_9999"]
    assert asked == 1


def test_of_long_events_a_page_holds_as_many_as_can_be_answered(door, monkeypatch):
    monkeypatch.setattr(reading, "_BYTES", 2_000)
    dispatched(*(progressed(n, rating=f"r_{n}") for n in range(20)))
    page = told("GET", "/feed")
    assert (0 < len(page["events"]) < 20, page["more"]) == (True, True)
    assert sorted(all_of("data-centre")) == sorted(f"ev_{n}" for n in range(20))


@pytest.mark.property
@given(data=st.data())
def test_every_event_of_a_party_comes_once_whoever_else_it_lies_between(door, data):
    door.start_afresh()
    register(door)
    mine = data.draw(st.lists(st.booleans(), max_size=40))
    events = [progressed(n, rating=f"r_{n}", **({} if own else {"region_code": NINGBO})) for n, own in enumerate(mine)]
    if events:
        dispatched(*events)
    found = all_of("city", limit=data.draw(st.integers(1, 7)))
    assert sorted(found) == sorted(f"ev_{n}" for n, own in enumerate(mine) if own)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"cursor": "f1.1"}, "bad_cursor", "cursor"),
        ({"cursor": "yesterday"}, "bad_cursor", "cursor"),
        ({"limit": 0}, "malformed_field", "limit"),
        ({"limit": 1001}, "malformed_field", "limit"),
        ({"limit": "many"}, "malformed_field", "limit"),
        ({"types": "CaseOverdue,Rumour"}, "unknown_code", "types"),
        ({"types": "PressureReported"}, "unknown_code", "types"),
        ({"since": "2026"}, "unknown_field", "since"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_field(door, query, code, field):
    assert refused("GET", "/feed", **query) == (422, code, field)


@pytest.mark.parametrize("path", ["/feed", "/subscriptions", "/ledger/days", "/subscriptions/none", "/ledger/days/2026-11-23"])
def test_who_is_not_registered_or_is_somebody_else_hears_nothing(door, path):
    door.party("no-principal", ["330000000000"])
    assert refused("GET", path, "nobody")[:2] == (401, "unknown_party")
    assert refused("GET", path, "city", caller="AROA-other:session")[:2] == (403, "wrong_sender")
    assert refused("GET", path, "no-principal")[:2] == (403, "wrong_sender")


# ---------------------------------------------------------------- the Ledger in bulk


@pytest.fixture
def closed(door, later):
    """A closed day with two segments, as the Ledger was sealed: its name."""
    for number in range(2):
        project = f"33-{number}"
        door.accept(letter(event(project_no=project)), letter(rating(project_no=project)))
        door.flow()
        sealing.seal()
    later(days=2)
    sealing.seal()
    return days.days()[0].ledger_day.isoformat()


def test_every_party_gets_the_closed_days_and_what_proves_them(closed):
    listed = told("GET", "/ledger/days", "market")
    assert (listed["days"][0]["ledger_day"], listed["more"]) == (closed, False)
    seen = told("GET", f"/ledger/days/{closed}", "market")
    assert seen["day"] == listed["days"][0]
    assert [segment["number"] for segment in seen["segments"]] == [1, 2]
    assert (seen["day"]["ratings"], seen["day"]["entries"]) == (2, 4)


def test_days_are_listed_page_by_page(closed):
    first = told("GET", "/ledger/days", limit=1)
    assert ([day["ledger_day"] for day in first["days"]], first["more"]) == ([closed], True)
    assert all(day["ledger_day"] > closed for day in told("GET", "/ledger/days", after=closed)["days"])


def test_a_segment_is_led_to_for_five_minutes(closed):
    seen = told("GET", f"/ledger/days/{closed}/segments/2", "province")
    assert (seen["number"], seen["entries"], seen["ratings"]) == (2, 2, 1)
    assert seen["key"] in seen["url"]
    assert "X-Amz-Expires=300" in seen["url"] or "Expires=" in seen["url"]


@pytest.mark.parametrize("party", ["city", "hall", "ningbo"])
def test_ratings_in_bulk_are_for_those_alone_whose_scope_is_the_whole_province(closed, party):
    assert refused("GET", f"/ledger/days/{closed}/segments/1", party)[:2] == (403, "out_of_scope")


@pytest.mark.parametrize("number", ["0", "3", "x", "9" * 12])
def test_a_segment_that_is_not_of_the_day_is_not_there(closed, number):
    assert refused("GET", f"/ledger/days/{closed}/segments/{number}") == (404, "unknown_ledger_day", "number")


@pytest.mark.parametrize("day", ["1999-01-01", "yesterday"])
def test_a_day_that_is_not_closed_is_not_there(closed, day):
    assert refused("GET", f"/ledger/days/{day}") == (404, "unknown_ledger_day", "day")
    assert refused("GET", f"/ledger/days/{day}/segments/1") == (404, "unknown_ledger_day", "day")


def test_what_cannot_be_asked_of_days_is_refused(closed):
    assert refused("GET", "/ledger/days", after="yesterday") == (422, "bad_time", "after")


# ---------------------------------------------------------------- the description


def test_the_description_is_valid_and_names_every_route(door):
    assert told("GET", "/openapi/notify.json") == json.loads(json.dumps(openapi.document()))
    validate(openapi.document())
    routes = {(method.lower(), path) for path, held in openapi.document()["paths"].items() for method in held}
    events = resources("AWS::Serverless::Function")["NotifyGateway"]["Properties"]["Events"].values()
    deployed = {(held["Properties"]["Method"].lower(), held["Properties"]["Path"]) for held in events}
    assert deployed == routes | {("get", "/openapi/notify.json")}
    known = {(route.method.lower(), route.path.replace("<", "{").replace(">", "}")) for route in app._dynamic_routes + app._static_routes}
    assert known == deployed


def test_a_path_that_leads_nowhere_is_not_there(door):
    answered = call("GET", "/openapi/nothing")
    assert (answered.status, answered.code) == (404, "unknown_subscription")


def test_a_cursor_is_the_same_for_every_reader(door):
    dispatched(progressed(1))
    assert told("GET", "/feed", "city")["cursor"] == told("GET", "/feed", "ningbo")["cursor"] == str(feed.end())
    assert Cursor.of(str(feed.end())) == feed.end()
