"""Commands and questions about cases over HTTPS: decided in the request, seen by those who may, and never who rated."""

from __future__ import annotations

import base64
import itertools
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from openapi_spec_validator import validate

from bed import CONTEXT, sqs_record
from casework import DONE, RULES
from cloud import clock, registry
from cloud.clients import dynamodb
from contract.codes import CaseState
from contract.events import BadRatingAccepted
from contract.zone import SHANGHAI, hour_of
from described import Description
from facts import rating_facts
from haochaping.casework import envelope
from haochaping.sending import Letter, proof
from intake import door
from intake.places import key_of
from rectify import cases
from rectify.api import openapi, views, worklists
from rectify.api.gateway import app, gateway
from rectify.app import deadlines, handle
from rectify.naming import case_id_of, receipt_hash
from said import ORGANISATION, bad_rating, event, letter
from template_file import resources

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVINCE, CITY, COUNTY, NEXT_COUNTY, ELSEWHERE = "330000000000", "330100000000", "330106000000", "330102000000", "330200000000"
HALL, MARKET, PENSIONS = ORGANISATION, "11330106MB0000005W", "11330106MB00000060"
BODY, LINE = "11330102MB0000001N", "11330102MB0000002R"

PARTIES: dict[str, dict[str, Any]] = {
    "hall": {"role": "UNIT", "regions": [COUNTY], "organisations": [HALL]},
    "market": {"role": "UNIT", "regions": [COUNTY], "organisations": [MARKET]},
    "pensions": {"role": "UNIT", "regions": [COUNTY], "organisations": [PENSIONS]},
    "two-units": {"role": "UNIT", "regions": [COUNTY], "organisations": [MARKET, PENSIONS]},
    "county": {"role": "SUPERVISOR", "regions": [COUNTY]},
    "city": {"role": "SUPERVISOR", "regions": [CITY]},
    "province": {"role": "SUPERVISOR", "regions": [PROVINCE]},
    "ningbo": {"role": "SUPERVISOR", "regions": [ELSEWHERE]},
    "market-only": {"role": "SUPERVISOR", "regions": [COUNTY], "organisations": [MARKET]},
    "portal": {"role": "CHANNEL", "regions": [PROVINCE]},
    "hotline": {"role": "CHANNEL", "regions": [PROVINCE]},
    "data-centre": {"role": "CONSUMER", "regions": [PROVINCE]},
}
GRANTS: dict[str, dict[str, Any]] = {
    **{f"{unit}#*": {"roles": ["COORDINATOR", "RECTIFIER", "STAFF"]} for unit in ("hall", "market", "pensions")},
    "county#*": {"roles": ["SUPERVISOR", "REVIEWER"], "organisation": BODY},
    "hotline#*": {"roles": ["CALLBACK_DESK"], "organisation": LINE},
}
SAID = {"text": "说明"}
# A receipt whose hash a case knows, as intake would have told it.
RECEIPT = "rc_receipt-canary"


@pytest.fixture
def door_for_cases(bed):
    """A province with every sort of party, each with a principal of its name, and what its persons may do."""
    for id, scope in PARTIES.items():
        bed.party(id, principals=[f"AROA-{id}"], **scope)
    for id, value in GRANTS.items():
        registry.add(registry.Record(kind="grant", id=id, valid_from="2020-01-01", value=value))
    bed.policy(**RULES)
    return bed


_numbers = itertools.count(1)


def opened(rating_id: str = "r_1", *, receipt: str = "", **rating: Any) -> str:
    """The case of a bad rating that the bus has told of; real-name unless it says otherwise."""
    said = {"rating_id": rating_id, "identity_mode": "REAL_NAME", "window": "A01", "received_hour": hour_of(clock.now())} | rating
    known = receipt_hash(receipt or (RECEIPT if rating_id == "r_1" else f"rc_of-{rating_id}"))
    told = BadRatingAccepted(event_id="ev_1", happened_at=clock.now(), rating=rating_facts(**said), receipt_sha256=known)
    assert handle({"Records": [sqs_record(Letter("bus", "1", json.dumps({"detail": told.plain()})))]}, CONTEXT) == {"batchItemFailures": []}
    return case_id_of(rating_id)


def call(method: str, path: str, party: str, caller: str | None, headers: dict[str, str], body: str | None = None, **query: Any):
    request = {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": headers,
        "multiValueHeaders": {},
        "pathParameters": None,
        "queryStringParameters": {name: str(value) for name, value in query.items()} or None,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "request-1",
            "identity": {"caller": f"AROA-{party}:session" if caller is None else caller},
            "path": path,
            "httpMethod": method,
        },
    }
    answered = gateway(request, CONTEXT)
    assert answered["multiValueHeaders"]["Cache-Control"] == ["no-store"]
    assert "ETag" not in answered["multiValueHeaders"]
    described(method, path, answered)
    return answered["statusCode"], json.loads(answered["body"])


DESCRIBED = Description(openapi.document)


def described(method: str, path: str, answered: dict[str, Any]) -> None:
    """Every answer is what the description says of its route and status."""
    if path != "/openapi/cases.json":
        said = json.loads(answered["body"])
        assert DESCRIBED.faults(method, path, answered["statusCode"], said) == [], (path, said)


def ask(path: str, party: str = "hall", caller: str | None = None, **query: Any):
    return call("GET", path, party, caller, {"party": party}, **query)


def told(path: str, party: str = "hall", **query: Any) -> dict[str, Any]:
    status, body = ask(path, party, **query)
    assert status == 200, body
    return body


def refused(path: str, party: str = "hall", caller: str | None = None, **query: Any) -> tuple[int, str]:
    status, body = ask(path, party, caller, **query)
    return status, body["refusals"][0]["code"]


ROLES = {"hall": "COORDINATOR", "market": "COORDINATOR", "pensions": "RECTIFIER", "county": "SUPERVISOR", "hotline": "CALLBACK_DESK"}


def said_by(party: str, command: str, case_id: str, *, role: str = "", who: str = "", command_id: str = "", **said: Any) -> Letter:
    """A command as its party says it."""
    acting = role or ROLES.get(party, "RATER")
    receipt = {"receipt": RECEIPT} if acting == "RATER" else {}
    actor = {"person_ref": who or f"{party}-person", "role": acting}
    named = {"command_id": command_id or f"cmd-{next(_numbers)}", "case_id": case_id, "command": command, "at": clock.now().isoformat()}
    return envelope({**named, "actor": actor, **receipt, **said}, party, f"msg-{next(_numbers)}")


def post(message: Letter, case_id: str, *, caller: str | None = None, signed: bool = False, **headers: str):
    proven = {name: held["StringValue"] for name, held in proof(message, clock.wall()).items()} | headers
    path = f"{'/signed' if signed else ''}/cases/{case_id}/commands"
    return call("POST", path, message.party, caller, proven, message.body)


def order(party: str, command: str, case_id: str, **said: Any) -> dict[str, Any]:
    """What a command led to, which was carried out."""
    status, body = post(said_by(party, command, case_id, **said), case_id)
    assert status == 200, body
    return body


def not_done(party: str, command: str, case_id: str, **said: Any) -> tuple[int, str]:
    status, body = post(said_by(party, command, case_id, **said), case_id)
    return status, body["refusals"][0]["code"]


def verified(case_id: str, finding: str = "SIMPLE", **said: Any) -> str:
    order("hall", "ASSIGN", case_id, person="in-charge")
    order("hall", "CONTACT", case_id)
    order("hall", "VERIFY", case_id, finding=finding, **SAID | said)
    return case_id


def replied(case_id: str) -> str:
    verified(case_id)
    order("hall", "ACT", case_id, **DONE)
    order("hall", "REPLY", case_id, text="已为您重新办理")
    return case_id


def history(case_id: str) -> list[str]:
    return [fact.fact for fact in cases.history(case_id)]


# ---------------------------------------------------------------- commands


def test_a_command_is_carried_out_in_the_request_and_answered_with_what_is_due(door_for_cases):
    case_id = opened()
    answered = order("hall", "ASSIGN", case_id, command_id="one", person="in-charge")
    case = cases.find(case_id)
    assert answered == {
        "case_id": case_id,
        "command_id": "one",
        "facts": ["Assigned"],
        "state": "ASSIGNED",
        "due": {clock.value: held.due_at.isoformat() for clock, held in case.running.items()},
    }
    assert case.person == "in-charge"


def test_a_signature_alone_opens_the_signed_route_to_a_party_without_principals(door_for_cases):
    door_for_cases.party("open", [COUNTY], role="UNIT", organisations=[HALL])
    registry.add(registry.Record(kind="grant", id="open#*", valid_from="2020-01-01", value={"roles": ["COORDINATOR"]}))
    case_id = opened()
    status, body = post(said_by("open", "ASSIGN", case_id, role="COORDINATOR", person="p"), case_id, caller="", signed=True)
    assert (status, body["facts"]) == (200, ["Assigned"])
    assert refused(f"/cases/{case_id}", "open", caller="") == (403, "wrong_sender")


def test_a_repeated_command_is_answered_with_what_it_first_led_to(door_for_cases):
    case_id = opened()
    assigned, contacted = said_by("hall", "ASSIGN", case_id, person="p"), said_by("hall", "CONTACT", case_id)
    first = post(assigned, case_id)
    post(contacted, case_id)
    again = post(assigned, case_id)
    assert (again[1]["facts"], again[1]["state"]) == (first[1]["facts"], first[1]["state"]) == (["Assigned"], "ASSIGNED")
    assert history(case_id) == ["Opened", "Assigned", "Contacted"]


@pytest.mark.parametrize(
    ("party", "command", "said", "status", "code"),
    [
        ("market", "ASSIGN", {"person": "p"}, 403, "not_your_case"),
        ("hall", "URGE", {"role": "SUPERVISOR", **SAID}, 403, "role_of_other_party"),
        ("hall", "ASSIGN", {"role": "STAFF", "person": "p"}, 403, "role_may_not"),
        ("data-centre", "STATE", {"role": "STAFF", **SAID}, 403, "role_of_other_party"),
        ("portal", "STATE", {"receipt": "rc_of-another-rating", **SAID}, 403, "wrong_receipt"),
        ("hall", "CONTACT", {}, 409, "wrong_state"),
        ("hall", "PROPOSE_TRANSFER", {"to": "11330106MB00000099", **SAID}, 422, "unknown_organisation"),
        ("hall", "REPLY", {}, 422, "missing_field"),
        ("hall", "DANCE", {}, 422, "unknown_command"),
    ],
)
def test_a_refused_command_is_answered_with_the_rule_that_refused_it(door_for_cases, party, command, said, status, code):
    case_id = opened()
    assert not_done(party, command, case_id, **said) == (status, code)
    assert history(case_id) == ["Opened"]


def test_a_command_for_a_case_that_is_not_there_is_refused(door_for_cases):
    assert not_done("hall", "ASSIGN", "c_none", person="p") == (404, "unknown_case")


def test_a_refused_command_is_refused_alike_when_it_comes_again_and_its_id_is_taken(door_for_cases):
    case_id = opened()
    early = said_by("hall", "CONTACT", case_id, command_id="one")
    assert post(early, case_id)[0] == 409
    order("hall", "ASSIGN", case_id, person="p")
    assert post(early, case_id)[0] == 409
    assert not_done("hall", "ASSIGN", case_id, command_id="one", person="p") == (409, "command_differs")


def test_whoever_is_overtaken_three_times_is_told_to_try_again(door_for_cases):
    case_id = opened()

    def overtake(**_: Any) -> None:
        """Somebody else saves the case in between."""
        add = {"UpdateExpression": "ADD version :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
        door_for_cases.dynamodb.update_item(TableName="CasesTable", Key={"pk": {"S": case_id}, "sk": {"S": "STATE"}}, **add)

    with door_for_cases.hooked(dynamodb(), "before-call.dynamodb.TransactWriteItems", overtake):
        assert not_done("hall", "ASSIGN", case_id, person="p") == (409, "case_changed")
    assert history(case_id) == ["Opened"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"webhook-signature": "v1,AAAA"}, 401, "bad_signature"),
        ({"webhook-timestamp": "1"}, 401, "bad_signature"),
        ({"party": "nobody"}, 401, "unknown_party"),
        ({"caller": "AROA-market:session"}, 403, "wrong_sender"),
        ({"caller": ""}, 403, "wrong_sender"),
    ],
)
def test_a_command_proves_where_it_comes_from(door_for_cases, changes, status, code):
    case_id = opened()
    answered, body = post(said_by("hall", "ASSIGN", case_id, person="p"), case_id, **changes)
    assert (answered, body["refusals"][0]["code"]) == (status, code)
    assert history(case_id) == ["Opened"]


def test_what_is_no_command_of_this_case_is_refused(door_for_cases):
    case_id, other = opened(), opened("r_2")
    assert post(said_by("hall", "ASSIGN", other, person="p"), case_id)[1]["refusals"][0]["field"] == "case_id"
    for body, status, code in (("x" * 70_000, 413, "too_large"), ("{", 422, "not_json"), ("{}", 422, "missing_field")):
        answered, said = post(Letter("hall", "msg-1", body), case_id)
        assert (answered, said["refusals"][0]["code"]) == (status, code)
    rating = Letter("hall", "msg-2", letter(bad_rating()).body)
    assert post(rating, case_id)[1]["refusals"][0]["code"] == "not_accepted_here"


def test_a_unit_that_gave_a_case_away_hears_no_more_of_it(door_for_cases):
    case_id = opened()
    proposed = said_by("hall", "PROPOSE_TRANSFER", case_id, to=MARKET, **SAID)
    assert post(proposed, case_id)[1]["due"]
    assert told(f"/cases/{case_id}", "market")["transfer_to"] == MARKET
    assert order("market", "ANSWER_TRANSFER", case_id, accepted=True, **SAID)["due"]
    assert post(proposed, case_id) == (200, {**post(proposed, case_id)[1], "facts": ["TransferProposed"], "due": {}})
    assert refused(f"/cases/{case_id}") == (403, "not_your_case")
    assert told("/cases")["cases"] == []


def test_a_party_finds_what_became_of_its_own_commands_and_of_nobody_elses(door_for_cases):
    case_id = opened()
    order("hall", "ASSIGN", case_id, command_id="编号:1", person="p")
    not_done("hall", "REPLY", case_id, command_id="2", text="答复")
    done = told(f"/cases/{case_id}/commands/{quote('编号:1')}")
    assert done == {"case_id": case_id, "command_id": "编号:1", "facts": ["Assigned"], "state": "ASSIGNED", "refusals": []}
    assert told(f"/cases/{case_id}/commands/2")["refusals"][0]["code"] == "wrong_state"
    for path, party in (
        (f"/cases/{case_id}/commands/2", "market"),
        (f"/cases/{case_id}/commands/2", "county"),
        (f"/cases/{case_id}/commands/3", "hall"),
        ("/cases/c_none/commands/2", "hall"),
        ("/cases/x/commands/2", "hall"),
        (f"/cases/{case_id}/commands/{quote('hall/2', safe='')}", "hall"),
    ):
        assert refused(path, party) == (404, "unknown_case")


# ---------------------------------------------------------------- one case


def test_a_unit_reads_its_own_case_with_its_history(door_for_cases):
    case_id = verified(opened())
    seen = told(f"/cases/{case_id}")
    assert [fact["fact"]["code"] for fact in seen["history"]] == history(case_id)
    assert (seen["state"]["code"], seen["state"]["zh"], seen["finding"]["code"]) == ("RECTIFYING", CaseState.RECTIFYING.zh, "SIMPLE")
    assert seen["due"]["rectify"]["due_at"] == cases.find(case_id).clocks["rectify"].due_at.isoformat()


@pytest.mark.parametrize(
    ("party", "status", "code"),
    [
        ("market", 403, "not_your_case"),
        ("two-units", 403, "not_your_case"),
        ("ningbo", 403, "not_your_case"),
        ("market-only", 403, "not_your_case"),
        ("portal", 403, "out_of_scope"),
        ("data-centre", 403, "out_of_scope"),
        ("nobody", 401, "unknown_party"),
    ],
)
def test_nobody_else_reads_it(door_for_cases, party, status, code):
    case_id = opened()
    assert refused(f"/cases/{case_id}", party) == (status, code)


@pytest.mark.parametrize("case_id", ["c_none", "x", "C_1", "c_" + "1" * 3_000])
def test_a_case_that_is_not_there_is_not_found(door_for_cases, case_id):
    assert refused(f"/cases/{case_id}") == (404, "unknown_case")


def test_a_question_comes_from_one_of_the_partys_principals(door_for_cases):
    case_id = opened()
    for path in (f"/cases/{case_id}", "/cases", f"/cases/{case_id}/commands/1", f"/problems/{HALL}/p-1"):
        assert refused(path, caller="AROA-market:session") == (403, "wrong_sender")


def test_a_path_that_leads_nowhere_is_answered_like_a_case_that_is_not_there(door_for_cases):
    request = {"party": "hall"}
    answered = gateway({**_bare("/elsewhere"), "headers": request}, CONTEXT)
    assert (answered["statusCode"], json.loads(answered["body"])["refusals"][0]["code"]) == (404, "unknown_case")


def _bare(path: str) -> dict[str, Any]:
    return {"httpMethod": "GET", "path": path, "resource": path, "headers": {}, "requestContext": {"requestId": "1", "identity": {}}}


def test_a_supervisor_sees_everything_with_what_was_refused_and_no_receipt(door_for_cases):
    case_id = opened(admitted_hour=hour_of(clock.now()) + timedelta(hours=1))
    order("hall", "ASSIGN", case_id, person="in-charge-canary")
    order("portal", "REPORT_PRESSURE", case_id, text="pressure-canary")
    not_done("market", "ASSIGN", case_id, who="intruder", person="p")
    not_done("portal", "CONTEST", case_id, reason="NOT_TRUE", **SAID)
    seen = told(f"/cases/{case_id}", "county")
    assert (seen["pressured"], seen["person"]) == (True, "in-charge-canary")
    assert "pressure-canary" in json.dumps(seen)
    attempts = [(one["party"], one.get("person"), one["action"]["code"], one["refusals"][0]["code"]) for one in seen["refused"]]
    assert attempts == [("market", "intruder", "ASSIGN", "not_your_case"), ("portal", None, "CONTEST", "wrong_state")]
    assert datetime.fromisoformat(seen["rating"]["admitted_hour"]) - datetime.fromisoformat(seen["rating"]["received_hour"]) == timedelta(
        hours=1
    )
    assert [canary for canary in (RECEIPT, receipt_hash(RECEIPT), "portal-person") if canary in json.dumps(seen)] == []


def test_a_body_that_is_itself_rated_reads_its_case_as_a_unit_does(door_for_cases):
    case_id = opened(organisation=BODY)
    order("portal", "REPORT_PRESSURE", case_id, text="pressure-canary")
    assert told(f"/cases/{case_id}", "city")["pressured"] is True
    assert "pressured" not in told(f"/cases/{case_id}", "county")
    assert told("/cases", "county", pressure="true")["cases"] == []
    assert len(told("/cases", "city", pressure="true")["cases"]) == 1


# ---------------------------------------------------------------- work lists


def filled(number: int = 7) -> list[str]:
    """Cases of the hall, received hour by hour, soonest due first, among cases of others."""
    hour = hour_of(clock.now()) - timedelta(days=1)
    for n in range(number):
        opened(f"r_market_{n}", organisation=MARKET, received_hour=hour - timedelta(days=n))
    return [opened(f"r_{n}", received_hour=hour - timedelta(days=number - n)) for n in range(number)]


def walk(party: str, **query: Any) -> list[list[str]]:
    """The case ids of a list, page by page."""
    pages, cursor = [], {}
    while True:
        page = told("/cases", party, **query, **cursor)
        pages.append([row["case_id"] for row in page["cases"]])
        if "cursor" not in page:
            return pages
        cursor = {"cursor": page["cursor"]}


def test_a_unit_lists_its_own_cases_page_by_page_soonest_due_first(door_for_cases):
    ids = filled()
    assert walk("hall", limit=3) == [ids[:3], ids[3:6], ids[6:]]
    assert walk("hall") == [ids]
    row = told("/cases")["cases"][0]
    assert row["state"] == {"code": "RECEIVED", "zh": CaseState.RECEIVED.zh, "en": CaseState.RECEIVED.en}
    due = cases.find(ids[0]).clocks["first_contact"].due_at
    assert (row["due"]["first_contact"]["due_at"], row["due"]["first_contact"]["zh"]) == (due.isoformat(), "首次联系")


def test_a_cursor_opens_its_own_list_for_its_own_party_alone(door_for_cases):
    ids = filled()
    cursor = told("/cases", "hall", limit=2)["cursor"]
    assert ids[2] in walk_from(cursor, "hall")
    for party, query in (
        ("market", {}),
        ("hall", {"unit": HALL}),
        ("hall", {"state": "RECEIVED"}),
        ("hall", {"closed": "true"}),
        ("county", {}),
        ("county", {"unit": HALL}),
    ):
        assert refused("/cases", party, cursor=cursor, **query) == (422, "bad_cursor")


def walk_from(cursor: str, party: str) -> list[str]:
    return [row["case_id"] for row in told("/cases", party, cursor=cursor)["cases"]]


def test_a_cursor_that_was_altered_is_none_and_an_honest_one_says_nothing(door_for_cases):
    filled()
    cursor = told("/cases", "hall", limit=2)["cursor"]
    held = base64.urlsafe_b64decode(cursor + "==")
    assert b"c_" not in held
    assert b"OPEN" not in held
    place = base64.urlsafe_b64encode(json.dumps([0, ["OPEN#", "c_1", "STATE"]]).encode()).decode()
    for altered in ("", "x", "中", "A" + cursor[1:] if cursor[0] != "A" else "B" + cursor[1:], cursor[:-3], cursor + "AAAA", place):
        assert refused("/cases", "hall", cursor=altered) == (422, "bad_cursor")


def test_a_list_goes_on_from_its_place_though_the_case_there_has_moved(door_for_cases):
    ids = filled()
    cursor = told("/cases", "hall", limit=3)["cursor"]
    order("hall", "PROPOSE_TRANSFER", ids[2], to=MARKET, **SAID)
    order("market", "ANSWER_TRANSFER", ids[2], accepted=True, **SAID)
    assert walk_from(cursor, "hall") == ids[3:]
    assert ids[2] in itertools.chain(*walk("market"))


def test_a_filtered_list_reads_on_until_it_has_its_rows_or_has_read_enough(door_for_cases, monkeypatch):
    ids = filled(9)
    for case_id in (ids[0], ids[8]):
        order("hall", "ASSIGN", case_id, person="p")
    # Assigned cases still wait for the first contact, so that they keep their place.
    assert walk("hall", state="ASSIGNED", limit=2) == [[ids[0], ids[8]], []]
    monkeypatch.setattr(worklists, "MOST_READS", 2)
    monkeypatch.setattr(worklists, "_READ", 3)
    with index_reads(door_for_cases) as read:
        assert walk("hall", state="ASSIGNED", limit=2) == [[ids[0]], [ids[8]]]
    assert len(read) == 4


@contextmanager
def index_reads(bed) -> Iterator[list[str]]:
    """The queries of an index that are made meanwhile."""
    read: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        if b"IndexName" in params["body"]:
            read.append(params["body"].decode())

    with bed.hooked(dynamodb(), "before-call.dynamodb.Query", note):
        yield read


def test_a_list_is_cut_at_a_date_without_reading_what_is_due_later(door_for_cases, monkeypatch):
    ids = filled()
    due = [cases.find(case_id).next_due for case_id in ids]
    assert walk("hall", due_before=due[3].isoformat()) == [ids[:3]]
    assert walk("county", unit=HALL, due_before=(due[3] + timedelta(seconds=1)).astimezone(UTC).isoformat()) == [ids[:4]]
    assert walk("county", due_before=due[1].isoformat())[0][0] in ids
    monkeypatch.setattr(worklists, "_READ", 2)
    with index_reads(door_for_cases) as read:
        assert walk("hall", due_before=due[1].isoformat(), limit=2) == [ids[:1]]
    assert len(read) == 2


def test_overdue_cases_are_listed_for_the_unit_and_first_of_all_for_the_supervisor(door_for_cases, later):
    ids = filled(4)
    later(days=1, hours=1)
    late = [case_id for case_id in ids if cases.find(case_id).next_due <= clock.now()]
    assert late
    assert walk("hall", overdue="true") == [[]]  # nobody has been told yet
    deadlines({}, CONTEXT)
    handle({"Records": door_for_cases.messages("RectifyInbox")}, CONTEXT)
    fresh = opened("r_fresh")
    assert walk("hall", overdue="true") == [late]
    assert sorted(walk("county", overdue="true", unit=HALL)[0]) == sorted(late)
    everything = walk("county")[0]
    is_late = [cases.find(case_id).is_overdue for case_id in everything]
    assert is_late == sorted(is_late, reverse=True)
    assert everything[-1] == fresh
    assert set(walk("county", overdue="true")[0]) == {case_id for case_id, is_so in zip(everything, is_late, strict=True) if is_so}
    row = told("/cases", "county", overdue="true")["cases"][0]
    assert row["due"]["first_contact"]["overdue"] is True


def test_closed_cases_stand_on_a_list_of_their_own_in_the_order_of_closing(door_for_cases):
    first, second, left = opened("r_1"), opened("r_2"), opened("r_3")
    for case_id in (second, first):
        replied(case_id)
        order("hotline", "CALL_BACK", case_id, verdict="CONFIRMED")
    assert set(walk("hall", closed="true")[0]) == {first, second}
    assert walk("hall", state="CLOSED") == walk("county", unit=HALL, closed="true") == walk("hall", closed="true")
    assert walk("hall", state="EXCLUDED") == [[]]
    assert walk("hall") == [[left]]
    closed = told("/cases", closed="true")["cases"][0]
    assert (closed["closure"]["code"], closed["due"]) == ("RECTIFIED", {})


def test_a_supervisor_lists_its_region_and_everything_in_it(door_for_cases):
    hall, township = opened("r_1"), opened("r_2", region_code="330106001000", organisation=PENSIONS)
    next_county, far = opened("r_3", region_code=NEXT_COUNTY), opened("r_4", region_code="330203000000")
    nobodys = opened("r_5", organisation=None)
    county = {hall, township, nobodys}
    assert set(walk("county")[0]) == county
    assert set(walk("city")[0]) == {*county, next_county}
    assert set(walk("province")[0]) == {*county, next_county, far}
    assert walk("ningbo") == [[far]]
    assert walk("province", region="330102") == [[next_county]]
    assert walk("county", region="330106001000") == [[township]]
    assert walk("city", unit=PENSIONS, region=NEXT_COUNTY) == [[]]
    assert walk("city", unit=PENSIONS) == [[township]]


def test_a_region_whose_code_ends_like_a_larger_one_is_not_mistaken_for_it(door_for_cases):
    here = opened("r_1", region_code="330110000000")
    opened("r_2", region_code="330112000000")
    assert walk("city", region="330110") == [[here]]


def test_a_supervisor_of_named_organisations_lists_theirs_alone(door_for_cases):
    opened("r_1")
    of_market = opened("r_2", organisation=MARKET)
    assert walk("market-only") == [[of_market]]
    assert walk("market-only", unit=MARKET) == [[of_market]]
    assert walk("market-only", unit=HALL) == [[]]


def test_a_supervisor_sees_nothing_of_another_region_on_the_list_of_a_unit(door_for_cases):
    opened("r_1", region_code="330203000000", organisation=HALL)
    here = opened("r_2", organisation=HALL)
    assert walk("county", unit=HALL) == [[here]]
    assert len(walk("province", unit=HALL)[0]) == 2


def test_a_co_handling_unit_lists_its_own_parts_and_not_who_is_in_charge(door_for_cases):
    case_id = opened()
    order("hall", "ASSIGN", case_id, person="in-charge-canary")
    order("hall", "ADD_SUBTASK", case_id, organisation=PENSIONS, **SAID)
    (row,) = told("/cases", "pensions")["cases"]
    assert (row["case_id"], row["part"], row["unit"]) == (case_id, 1, HALL)
    assert "in-charge-canary" not in json.dumps(row)
    assert told("/cases")["cases"][0]["person"] == "in-charge-canary"
    order("pensions", "CLOSE_SUBTASK", case_id, subtask=1, done=True, evidence=["doc-1"], **SAID)
    assert told("/cases", "pensions")["cases"] == []


def test_reports_of_pressure_are_listed_for_the_supervisor_of_the_region(door_for_cases):
    case_id, other = opened("r_1"), opened("r_2", region_code="330203000000")
    for reported, receipt in ((case_id, RECEIPT), (other, "rc_of-r_2")):
        order("portal", "REPORT_PRESSURE", reported, receipt=receipt, text="pressure-canary")
    (row,) = told("/cases", "county", pressure="true")["cases"]
    assert (row["case_id"], datetime.fromisoformat(row["pressure_reported_at"]) <= clock.now()) == (case_id, True)
    assert walk("county", pressure="true", state="CLOSED") == walk("county", pressure="true", unit=MARKET) == [[]]
    assert walk("ningbo", pressure="true") == [[other]]
    assert walk("market-only", pressure="true") == [[]]


@pytest.mark.parametrize(
    ("party", "query", "status", "code"),
    [
        ("hall", {"unit": MARKET}, 403, "not_your_case"),
        ("hall", {"pressure": "true"}, 403, "out_of_scope"),
        ("hall", {"region": COUNTY}, 403, "out_of_scope"),
        ("two-units", {}, 422, "missing_field"),
        ("county", {"region": CITY}, 403, "out_of_scope"),
        ("county", {"region": NEXT_COUNTY}, 403, "out_of_scope"),
        ("county", {"region": "000000000000"}, 403, "out_of_scope"),
        ("county", {"closed": "true"}, 422, "missing_field"),
        ("hall", {"closed": "true", "state": "RECEIVED"}, 422, "malformed_field"),
        ("hall", {"closed": "true", "overdue": "true"}, 422, "malformed_field"),
        ("hall", {"limit": "0"}, 422, "malformed_field"),
        ("hall", {"limit": "101"}, 422, "malformed_field"),
        ("hall", {"limit": "many"}, 422, "malformed_field"),
        ("hall", {"state": "LATE"}, 422, "unknown_code"),
        ("hall", {"due_before": "tomorrow"}, 422, "bad_time"),
        ("hall", {"unit": "x"}, 422, "bad_credit_code"),
        ("county", {"region": "33"}, 422, "bad_region_code"),
        ("hall", {"sort": "due"}, 422, "unknown_field"),
        ("portal", {}, 403, "out_of_scope"),
        ("data-centre", {}, 403, "out_of_scope"),
    ],
)
def test_a_list_that_the_party_may_not_see_or_nobody_could_is_refused(door_for_cases, party, query, status, code):
    assert refused("/cases", party, **query) == (status, code)


# ---------------------------------------------------------------- the rater


def test_a_rater_finds_the_case_by_the_receipt_that_intake_gave(door_for_cases):
    rated = bad_rating()
    door_for_cases.accept(letter(event()), letter(rated))
    door_for_cases.flow()
    receipt = door.keys().receipt(key_of(rated, "hall-devices"))
    seen = told(f"/receipts/{receipt}/case", "portal")
    (case,) = cases.all_open()
    assert (seen["case_id"], seen["state"]["zh"], seen["answered"]) == (case.case_id, "已收到您的评价，正在安排办理", False)
    assert seen["next_due"]["due_at"] == case.next_due.isoformat()
    replied(case.case_id)
    assert told(f"/receipts/{receipt}/case", "portal")["answer"]["text"] == "已为您重新办理"
    # What the answer names is what a command of the rater needs.
    status, body = post(said_by("portal", "STATE", seen["case_id"], receipt=receipt, **SAID), seen["case_id"])
    assert (status, body["facts"]) == (200, ["StatementAdded"])


def test_only_a_channel_asks_for_a_rater_and_only_with_a_receipt_of_a_case(door_for_cases):
    opened()
    assert told(f"/receipts/{RECEIPT}/case", "portal")["answered"] is False
    for party in ("hall", "county", "data-centre"):
        assert refused(f"/receipts/{RECEIPT}/case", party) == (403, "out_of_scope")
    for receipt in ("rc_another", "x", receipt_hash(RECEIPT)):
        assert refused(f"/receipts/{receipt}/case", "portal") == (404, "unknown_case")


# ---------------------------------------------------------------- problems


def test_a_problem_record_holds_the_cases_with_one_cause_and_the_change_made(door_for_cases):
    first, second = (verified(opened(f"r_{n}")) for n in (1, 2))
    for case_id in (first, second):
        order("hall", "LINK_PROBLEM", case_id, problem="叫号:1", text="叫号系统常坏")
    order("hall", "RECORD_CHANGE", second, problem="叫号:1", text="已更换", evidence=["doc-1"])
    path = f"/problems/{HALL}/{quote('叫号:1')}"
    record = told(path)
    assert (record["unit"], record["problem"]) == (HALL, "叫号:1")
    assert {(linked["case_id"], linked["text"]) for linked in record["cases"]} == {(first, "叫号系统常坏"), (second, "叫号系统常坏")}
    assert [(change["case_id"], change["text"], change["evidence"]) for change in record["changes"]] == [(second, "已更换", ["doc-1"])]
    assert told(path, "county") == told(path, "province") == record
    for party, code in (
        ("market", "not_your_case"),
        ("ningbo", "not_your_case"),
        ("market-only", "not_your_case"),
        ("portal", "out_of_scope"),
    ):
        assert refused(path, party) == (403, code)


def test_problems_of_cases_without_a_known_unit_stand_under_their_region(door_for_cases):
    assert told(f"/problems/{COUNTY}/p-1", "county") == {"unit": COUNTY, "problem": "p-1", "cases": [], "changes": []}
    for path, party, status, code in (
        (f"/problems/{COUNTY}/p-1", "hall", 403, "not_your_case"),
        (f"/problems/{CITY}/p-1", "county", 403, "not_your_case"),
        ("/problems/11330106MB00000099/p-1", "county", 403, "not_your_case"),
        ("/problems/x/p-1", "county", 403, "not_your_case"),
        (f"/problems/{HALL}/{quote('a#b')}", "hall", 422, "malformed_field"),
        (f"/problems/{HALL}/{'p' * 3_000}", "hall", 422, "malformed_field"),
    ):
        assert refused(path, party) == (status, code)


# ---------------------------------------------------------------- nothing that leads to a rater, or past the unit

CANARIES = [
    *("rater-canary", "rater-words-canary", "pressure-canary", "desk-canary", "desk-words-canary", "violation-canary", "supervisor-canary"),
    *("pensions-canary", "market-canary", RECEIPT, receipt_hash(RECEIPT), "ressure", "RESSURE", "iolation", "H#0", '"version"'),
]


def played(case_id: str) -> None:
    """A case in which the rater was pressured at every step, with persons of everybody else at work."""
    order("hall", "ASSIGN", case_id, person="in-charge")
    order("portal", "REPORT_PRESSURE", case_id, who="rater-canary", text="pressure-canary")
    order("hall", "CONTACT", case_id)
    order("hall", "ADD_SUBTASK", case_id, organisation=PENSIONS, **SAID)
    order("pensions", "CLOSE_SUBTASK", case_id, who="pensions-canary", subtask=1, done=True, evidence=["doc-2"], **SAID)
    order("hall", "PROPOSE_TRANSFER", case_id, to=MARKET, **SAID)
    order("market", "ANSWER_TRANSFER", case_id, who="market-canary", accepted=False, **SAID)
    order("hall", "VERIFY", case_id, finding="SIMPLE", command_id="verified", **SAID)
    order("hall", "LINK_PROBLEM", case_id, problem="p-1", **SAID)
    order("hall", "RECORD_CHANGE", case_id, problem="p-1", text="改进", evidence=["doc-3"])
    order(
        "county",
        "REFER_VIOLATION",
        case_id,
        who="supervisor-canary",
        violation="PRESSURE",
        against="UNIT",
        evidence=["d"],
        text="violation-canary",
    )
    order("hall", "ACT", case_id, **DONE)
    order("hall", "REPLY", case_id, text="答复")
    pressed = {"pressured": True, "text": "desk-words-canary", "evidence": ["desk-words-canary"]}
    order("hotline", "CALL_BACK", case_id, who="desk-canary", verdict="CONFIRMED", **pressed)
    order("portal", "CONTEST", case_id, who="rater-canary", reason="PRESSURED", text="rater-words-canary")
    order("county", "DECIDE_REVIEW", case_id, role="REVIEWER", who="supervisor-canary", overturned=False, **SAID)


@pytest.mark.slow
def test_whatever_a_unit_asks_or_tries_tells_it_nothing_of_the_rater_or_of_what_goes_past_it(door_for_cases, capsys):
    case_id, still_open = opened(), opened("r_2")
    played(case_id)
    order("hall", "ASSIGN", still_open, person="in-charge")
    answers = [
        told(f"/cases/{case_id}"),
        told(f"/cases/{case_id}", "pensions") | {"own": "pensions"},
        *(told("/cases", party, closed=closed) for party in ("hall", "pensions", "market") for closed in ("true", "false")),
        told(f"/cases/{case_id}/commands/verified"),
        told(f"/problems/{HALL}/p-1"),
        post(said_by("hall", "VERIFY", case_id, finding="SIMPLE", command_id="verified", **SAID), case_id),
        *(ask(f"/cases/{case_id}/commands/cmd-{n}") for n in range(1, 40)),
        *(post(said_by("hall", action, case_id, **said), case_id) for action, said in TRIED),
        ask(f"/receipts/{RECEIPT}/case"),
    ]
    for answered in answers:
        own = "pensions-canary" if isinstance(answered, dict) and answered.get("own") else None
        whole = json.dumps(answered, ensure_ascii=False)
        assert [canary for canary in CANARIES if canary in whole and canary != own] == [], whole
    logged = "".join(capsys.readouterr())
    assert [canary for canary in (*CANARIES[:11], "in-charge", "答复") if canary in logged] == []


TRIED: list[tuple[str, dict[str, Any]]] = [
    ("ASSIGN", {"person": "p"}),
    ("REPLY", {"text": "答复"}),
    ("REPORT_PRESSURE", {}),
    ("REFER_VIOLATION", {"violation": "OTHER", "against": "STAFF", "evidence": ["d"], **SAID}),
    ("CALL_BACK", {"verdict": "CONFIRMED"}),
    ("FILE_APPEAL", {"reason": "MALICIOUS", "evidence": ["d"], **SAID}),
    ("ANSWER_TRANSFER", {"accepted": True, **SAID}),
    ("DECIDE_REVIEW", {"overturned": True, **SAID}),
]


def test_of_an_anonymous_case_a_unit_sees_item_window_and_day(door_for_cases):
    door_for_cases.accept(letter(event(guide_version="3")), letter(bad_rating(rater=None)))
    door_for_cases.flow()
    (case,) = cases.all_open()
    seen = told(f"/cases/{case.case_id}")
    assert seen["rating"].keys() == views.OF_AN_ANONYMOUS_RATING - {"platform"}
    assert seen["history"][0].keys() == {"fact", "day", "starts"}
    hour = case.rating.received_hour.astimezone(SHANGHAI).isoformat()
    rows = told("/cases")
    for hidden in ("v1:", "HALL_TABLET", hour[:13], case.rating.received_hour.astimezone(UTC).isoformat()[:13]):
        assert hidden not in json.dumps([seen, rows])
    assert json.dumps(told(f"/cases/{case.case_id}", "county")).count("received_hour") == 1


# ---------------------------------------------------------------- OpenAPI


def _routes() -> set[tuple[str, str]]:
    return {
        (route.path.replace("<", "{").replace(">", "}"), method)
        for route in app._static_routes + app._dynamic_routes
        for method in ([route.method] if isinstance(route.method, str) else route.method)
    }


def test_the_door_for_cases_is_described_route_by_route():
    validate(openapi.document())
    documented = {(path, method.upper()) for path, methods in openapi.document()["paths"].items() for method in methods}
    assert documented == _routes() - {("/openapi/cases.json", "GET")}


def test_the_template_leads_every_route_to_the_door():
    functions = [held["Properties"] for held in resources("AWS::Serverless::Function").values()]
    events = [
        each["Properties"] for held in functions if held["Handler"] == "rectify.api.gateway.gateway" for each in held["Events"].values()
    ]
    assert {(each["Path"], each["Method"]) for each in events} == _routes()


def test_the_description_is_answered_too(door_for_cases):
    status, body = call("GET", "/openapi/cases.json", "nobody", "", {})
    assert (status, body) == (200, DESCRIBED.document)
