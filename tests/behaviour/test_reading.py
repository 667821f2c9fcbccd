"""The read API shows a party what it may see, the same text under the same ETag, and nothing that leads to a person."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from bed import CONTEXT
from cloud import registry
from cloud.clients import dynamodb
from contract.zone import SHANGHAI
from intake import door
from said import ORGANISATION, bad_rating, event, general, letter, rating
from scoring import scores
from scoring.api import openapi
from scoring.api.reading import app, read
from scoring.nodes import ScoreKey
from scoring.published import publishing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROVINCE, CITY, COUNTY = "330000000000", "330100000000", "330106000000"
NEIGHBOUR, ELSEWHERE = "11330106MB0000005W", "11330102MB0000001N"
ITEM, BASE = f"{ORGANISATION}4330131001000", "330131001000"
TODAY = datetime.now(SHANGHAI).date()
MONTH = f"{TODAY:%Y-%m}"
STAFF = "v1:opaque-reference_1"

PARTIES: dict[str, dict[str, Any]] = {
    "unit": {"role": "UNIT", "regions": [COUNTY], "organisations": [ORGANISATION]},
    "other-unit": {"role": "UNIT", "regions": [COUNTY], "organisations": [NEIGHBOUR]},
    "supervisor": {"role": "SUPERVISOR", "regions": [COUNTY]},
    "province": {"role": "SUPERVISOR", "regions": [PROVINCE]},
    "sector": {"role": "CONSUMER", "regions": ["440000000000"], "sectors": ["政务服务"]},
    "portal": {"role": "CONSUMER", "regions": [PROVINCE]},
    "devices": {"role": "CHANNEL", "regions": [PROVINCE]},
}
ONE_OF_EACH_SIGHT = ["unit", "sector", "portal"]
INSIDE = ["unit", "supervisor", "province"]
OUTSIDE = ["other-unit", "portal", "devices"]


@pytest.fixture
def read_by(bed):
    """A province with one reader of each sort, each with a principal of its name; the organisation has a sector."""
    for id, scope in PARTIES.items():
        bed.party(id, principals=[f"AROA-{id}"], **scope)
    known = registry.find("organisation", ORGANISATION, TODAY)
    value = known | {"sector": "政务服务"}
    registry.add(registry.Record(kind="organisation", id=ORGANISATION, valid_from="2026-01-02", value=value))
    for id, named in {f"{ORGANISATION}#A01": "综合窗口", f"{ORGANISATION}#A02": "出生登记"}.items():
        registry.add(registry.Record(kind="window", id=id, valid_from="2020-01-01", value={"organisation": ORGANISATION, "zh": named}))
    registry.forget()
    return bed


def ask(path: str, party: str = "supervisor", caller: str | None = None, headers: dict[str, str] | None = None, **query: str | None):
    asked = {
        "httpMethod": "GET",
        "path": path,
        "resource": path,
        "headers": {"party": party, **(headers or {})},
        "multiValueHeaders": {},
        "pathParameters": None,
        "queryStringParameters": {"period": MONTH} | query,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "request-1",
            "identity": {"caller": f"AROA-{party}:session" if caller is None else caller},
            "path": path,
            "httpMethod": "GET",
        },
    }
    return read(asked, CONTEXT)


def told(path: str, party: str = "supervisor", **query: Any) -> dict[str, Any]:
    answered = ask(path, party, **query)
    assert answered["statusCode"] == 200, answered["body"]
    return json.loads(answered["body"])


def refused(path: str, party: str = "supervisor", **query: Any) -> tuple[int, str]:
    answered = ask(path, party, **query)
    return answered["statusCode"], json.loads(answered["body"])["refusals"][0]["code"]


def counted(pk: str, sk: str, **amounts: int) -> None:
    """Puts counts where the stream would have put them."""
    scores.correct(ScoreKey(pk, sk), {name.replace("__", "."): amount for name, amount in amounts.items()}, f"test/{pk}/{sk}")


def own(level: str, number: int) -> dict[str, int]:
    return {f"VISIT.1.SELF_DEVICE.{level}": number}


def at_the_organisation(number: int, *, bad: int = 0, uscc: str = ORGANISATION, day: date = TODAY) -> None:
    """Ratings of one item at one window by one member of staff."""
    held = own("SATISFIED", number - bad) | (own("DISSATISFIED", bad) | {"tag.213": bad} if bad else {})
    counted(f"organisation#{uscc}", f"{day}#{uscc}4330131001000", **held)
    counted(f"desks#{uscc}", f"{day}#A01", **held, **{f"staff.{STAFF}.{name}": amount for name, amount in held.items()})


# ---------------------------------------------------------------- who asks


@pytest.mark.parametrize(
    ("party", "caller", "status", "code"),
    [
        ("nobody", None, 401, "unknown_party"),
        ("", None, 401, "unknown_party"),
        ("x" * 5_000, None, 401, "unknown_party"),
        ("supervisor", "AROA-unit:session", 403, "wrong_sender"),
        ("supervisor", "", 403, "wrong_sender"),
        ("hall-devices", "AROA-hall-devices:session", 403, "wrong_sender"),
    ],
)
def test_only_a_registered_party_reads_as_one_of_its_own_principals(read_by, party, caller, status, code):
    assert refused(f"/scores/county/{COUNTY}", party, caller=caller) == (status, code)


def test_a_party_without_principals_reads_no_figures_whoever_calls(read_by):
    read_by.party("open", [PROVINCE], role="SUPERVISOR")
    assert refused(f"/scores/county/{COUNTY}", "open", caller="AROA-anybody") == (403, "wrong_sender")


# ---------------------------------------------------------------- figures


def test_the_figures_of_a_node_come_with_numerator_denominator_name_and_policy(read_by):
    at_the_organisation(30, bad=3)
    answer = told(f"/scores/organisation/{ORGANISATION}")
    assert answer["node"] == {
        "kind": "organisation",
        "id": ORGANISATION,
        "zh": "杭州市西湖区政务服务中心",
        "en": "Xihu, Hangzhou Government Service Centre",
    }
    assert answer["figures"]["indicators"]["bad_rate"] == {"numerator": 3, "denominator": 30, "rate": 0.1}
    assert answer["policy_version"] == "330000000000@2020-01-01"
    assert answer["total"] == 30


def test_every_kind_of_node_is_found_by_its_path(read_by):
    counted(f"county#{COUNTY}", TODAY.isoformat(), **own("SATISFIED", 1))
    counted(f"base#{BASE}", TODAY.isoformat(), **own("SATISFIED", 2))
    counted("platform#portal-1", TODAY.isoformat(), **own("SATISFIED", 3))
    counted("channel#QR", TODAY.isoformat(), **own("SATISFIED", 4))
    counted("service_channel#ONLINE", TODAY.isoformat(), **own("SATISFIED", 5))
    at_the_organisation(6)
    counted(f"desks#{ORGANISATION}", f"{TODAY}#综合1#/号", **own("SATISFIED", 7))
    found = {
        f"county/{COUNTY}": 1,
        f"base/{BASE}": 2,
        "platform/portal-1": 3,
        "channel/QR": 4,
        "service_channel/ONLINE": 5,
        f"organisation/{ORGANISATION}": 6,
        f"item/{ITEM}": 6,
        f"window/{ORGANISATION}/A01": 6,
        f"staff/{ORGANISATION}/{quote(STAFF, safe='')}": 6,
        f"window/{ORGANISATION}/{quote('综合1#/号', safe='')}": 7,
    }
    assert {path: told(f"/scores/{path}", "province")["total"] for path in found} == found


def test_days_are_told_one_by_one_and_add_up_for_parts_of_an_organisation_too(read_by):
    first, second = date(2026, 10, 1), date(2026, 10, 3)
    at_the_organisation(10, day=first)
    at_the_organisation(5, bad=2, day=second)
    counted(f"desks#{ORGANISATION}", f"{second}#A02", **own("SATISFIED", 7))
    counted(f"organisation#{ORGANISATION}", f"{second}#-", **own("SATISFIED", 8))
    for path, total in {
        f"organisation/{ORGANISATION}": 23,
        f"item/{ITEM}": 15,
        f"window/{ORGANISATION}/A01": 15,
        f"staff/{ORGANISATION}/{STAFF}": 15,
    }.items():
        answer = told(f"/scores/{path}", period="2026-10", by="day")
        days = {day["day"]: day["total"] for day in answer["days"]}
        assert (len(days), days["2026-10-01"], days["2026-10-02"]) == (31, 10, 0)
        assert sum(days.values()) == answer["total"] == total


def test_a_period_to_come_and_a_node_that_nobody_has_rated_are_zeros(read_by):
    for path, period in ((f"/scores/county/{COUNTY}", "2099"), (f"/scores/organisation/{NEIGHBOUR}", "2001-02-03")):
        answer = told(path, period=period)
        assert answer["total"] == 0
        assert answer["figures"]["indicators"]["good_rate"] == {"numerator": 0, "denominator": 0, "rate": None}


def test_a_period_that_has_ended_is_judged_by_the_policy_of_its_last_day(read_by):
    read_by.policy(good_levels=["VERY_SATISFIED"])
    counted(f"county#{COUNTY}", "2025-05-05", **own("SATISFIED", 20))
    counted(f"county#{COUNTY}", TODAY.isoformat(), **own("SATISFIED", 20))
    rates = [told(f"/scores/county/{COUNTY}", period=period)["figures"]["indicators"]["good_rate"]["rate"] for period in ("2025-05", MONTH)]
    assert rates == [1.0, 0.0]


# ---------------------------------------------------------------- scope


@pytest.mark.parametrize("party", INSIDE)
def test_whoever_answers_for_an_organisation_sees_its_small_numbers_and_its_staff(read_by, party):
    at_the_organisation(3, bad=1)
    assert told(f"/scores/organisation/{ORGANISATION}", party)["total"] == 3
    assert told(f"/scores/window/{ORGANISATION}/A01", party)["figures"]["tags"] == {"213": 1}
    assert [place["id"] for place in told(f"/rankings/staff/{ORGANISATION}", party)["places"]] == [STAFF]


@pytest.mark.parametrize("party", [*OUTSIDE, "sector"])
@pytest.mark.parametrize("by", [None, "day"])
def test_others_see_an_organisation_only_where_enough_is_counted(read_by, party, by):
    at_the_organisation(30, day=TODAY)
    counted(f"organisation#{ORGANISATION}", f"{TODAY.replace(day=1)}#{ITEM}x", **own("SATISFIED", 4))
    counted(f"organisation#{NEIGHBOUR}", f"{TODAY}#x", **own("SATISFIED", 9))
    answer = told(f"/scores/organisation/{ORGANISATION}", party, by=by)
    assert answer["total"] in (30, 34)
    if by and TODAY.day > 1:
        assert answer["days"][0]["total"] is None
        assert set(answer["days"][0]["figures"]["ratings"]["own"].values()) == {None}
    small = told(f"/scores/organisation/{NEIGHBOUR}", "portal")
    assert (small["total"], small["figures"]["indicators"]["good_rate"]["numerator"]) == (None, None)


INSIDES = [
    f"/scores/item/{ITEM}",
    f"/scores/window/{ORGANISATION}/A01",
    f"/rankings/item/{ORGANISATION}",
    f"/rankings/window/{ORGANISATION}",
    f"/coverage/organisation/{ORGANISATION}",
    f"/causes/{ORGANISATION}",
    f"/signals/{ORGANISATION}",
    f"/index/{ORGANISATION}",
]
OF_STAFF = [f"/scores/staff/{ORGANISATION}/{STAFF}", f"/rankings/staff/{ORGANISATION}"]


@pytest.mark.parametrize("path", [*INSIDES, *OF_STAFF])
def test_the_inside_of_an_organisation_is_closed_to_others(read_by, path):
    at_the_organisation(30)
    for party in OUTSIDE:
        assert refused(path, party) == (403, "out_of_scope")
    for party in INSIDE:
        assert ask(path, party)["statusCode"] == 200


def test_a_sector_looks_into_its_organisations_in_any_region_but_never_at_staff(read_by):
    at_the_organisation(30)
    assert {ask(path, "sector")["statusCode"] for path in INSIDES} == {200}
    assert {refused(path, "sector") for path in OF_STAFF} == {(403, "out_of_scope")}
    elsewhere = [path.replace(ORGANISATION, NEIGHBOUR) for path in (*INSIDES, *OF_STAFF)]
    assert {refused(path, "sector") for path in elsewhere} == {(403, "out_of_scope")}


def test_a_refusal_is_the_same_whether_there_is_something_or_not(read_by):
    at_the_organisation(30)
    unregistered = "11330106MB00009999"
    answers = [ask(f"/scores/item/{uscc}4330131001000", "portal") for uscc in (ORGANISATION, NEIGHBOUR, unregistered)]
    answers += [ask(f"/rankings/staff/{uscc}", "portal") for uscc in (ORGANISATION, NEIGHBOUR, unregistered)]
    assert len({(answer["statusCode"], answer["body"]) for answer in answers}) == 1


def test_a_member_of_staff_who_sits_at_no_window_is_no_window(read_by):
    counted(f"desks#{ORGANISATION}", f"{TODAY}#{STAFF}", **own("SATISFIED", 12), **{f"staff.{STAFF}.VISIT.1.SELF_DEVICE.SATISFIED": 12})
    assert refused(f"/scores/window/{ORGANISATION}/{STAFF}", "unit") == (404, "unknown_node")
    assert told(f"/rankings/window/{ORGANISATION}", "unit")["places"] == []
    assert told(f"/rankings/staff/{ORGANISATION}", "unit")["places"][0]["numerator"] == 12


# ---------------------------------------------------------------- rankings


def test_siblings_are_ranked_with_names_intervals_and_movement(read_by):
    last = date(TODAY.year, TODAY.month, 1)
    before = last.fromordinal(last.toordinal() - 1)
    for uscc, good, earlier in ((ORGANISATION, 3_000, 50), (NEIGHBOUR, 12, 90)):
        counted(f"organisation#{uscc}", f"{TODAY}#x", **own("SATISFIED", good), **own("DISSATISFIED", 1))
        counted(f"organisation#{uscc}", f"{before}#x", **own("SATISFIED", earlier), **own("DISSATISFIED", 1))
    answer = told(f"/rankings/organisation/{COUNTY}")
    first, second, third = answer["places"]
    assert [first["id"], second["id"], third["rank"]] == [ORGANISATION, NEIGHBOUR, None]
    assert first["zh"] == "杭州市西湖区政务服务中心"
    assert (first["moved"], second["moved"]) == (1, -1)
    assert first["low"] < first["rate"] < first["high"]
    assert answer["ordered_by"]["bound"] == "low"


def test_a_place_of_few_ratings_has_its_numbers_only_for_its_own_scope(read_by):
    counted(f"organisation#{ORGANISATION}", f"{TODAY}#x", **own("SATISFIED", 9))
    counted(f"organisation#{NEIGHBOUR}", f"{TODAY}#x", **own("SATISFIED", 8))
    shown = {
        party: {place["id"]: place["denominator"] for place in told(f"/rankings/organisation/{COUNTY}", party)["places"]}
        for party in ("unit", "portal", "supervisor")
    }
    assert (shown["unit"][ORGANISATION], shown["unit"][NEIGHBOUR]) == (9, None)
    assert (shown["portal"][ORGANISATION], shown["portal"][NEIGHBOUR]) == (None, None)
    assert (shown["supervisor"][ORGANISATION], shown["supervisor"][NEIGHBOUR]) == (9, 8)


def test_the_same_item_everywhere_is_ranked_and_each_sees_the_rows_that_it_may(read_by):
    for uscc, number in ((ORGANISATION, 40), (ELSEWHERE, 30)):
        register_item(uscc)
        at_the_organisation(number, uscc=uscc)
    ids = {
        party: [place["id"][:18] for place in told(f"/rankings/base/{BASE}", party)["places"]] for party in ("province", "unit", "portal")
    }
    assert ids == {"province": [ORGANISATION, ELSEWHERE], "unit": [ORGANISATION], "portal": []}


def register_item(uscc: str) -> None:
    value = {
        "zh": "营业执照登记",
        "item_type": "LICENCE",
        "handling_type": "INSTANT",
        "accepting_unit": "x",
        "channels": ["OFFLINE"],
        "conditions": "x",
        "materials": ["x"],
        "procedure": ["x"],
        "fee": "x",
        "rating_channels": ["QR"],
        "legal_basis": "x",
    }
    registry.add(registry.Record(kind="item", id=f"{uscc}4330131001000", valid_from="2020-01-01", value=value))
    registry.forget()


# ---------------------------------------------------------------- coverage, causes, signals, index


def test_coverage_names_what_nobody_rated_to_those_who_answer_for_it(read_by):
    register_item(ORGANISATION)
    counted(f"organisation#{ORGANISATION}", f"{TODAY}#{ITEM}", finished=12)
    missing = {
        party: {held["kind"]: held["missing"] for held in told(path, party)["coverage"]["dimensions"]}
        for party, path in {
            "unit": f"/coverage/organisation/{ORGANISATION}",
            "supervisor": f"/coverage/county/{COUNTY}",
            "portal": f"/coverage/county/{COUNTY}",
        }.items()
    }
    assert missing["unit"]["ITEM"] == {ITEM: 12}
    assert missing["supervisor"]["WINDOW"] == {f"{ORGANISATION}#A01": 0, f"{ORGANISATION}#A02": 0}
    assert missing["portal"]["WINDOW"] is None
    assert missing["portal"]["ORGANISATION"][ORGANISATION] == 12


def test_causes_stand_beside_the_month_before(read_by):
    at_the_organisation(40, bad=12, day=date(2026, 10, 5))
    at_the_organisation(40, bad=3, day=date(2026, 11, 5))
    (cause,) = told(f"/causes/{ORGANISATION}", "unit", period="2026-11")["causes"]
    assert (cause["tag"], cause["item_zh"], cause["number"], cause["number_before"]) == ("213", "营业执照登记", 3, 12)
    assert cause["change"] == pytest.approx((3 - 12) / 40)
    (cause,) = told(f"/causes/{ORGANISATION}", "sector", period="2026-11")["causes"]
    assert (cause["number"], cause["number_before"], cause["change"]) == (None, 12, None)


def test_causes_are_told_by_the_month(read_by):
    assert refused(f"/causes/{ORGANISATION}", "unit", period="2026-Q4") == (422, "bad_period")


def test_signals_tell_their_evidence_to_those_who_answer_for_it(read_by):
    counted(f"organisation#{ORGANISATION}", f"{TODAY}#{ITEM}", **own("VERY_SATISFIED", 100), **{"set.510+517": 95, "set.510": 5})
    for party, words in (("supervisor", "510+517"), ("sector", None)):
        found = {signal["signal"]: signal for signal in told(f"/signals/{ORGANISATION}", party)["signals"]}
        assert (found["SAME_TAGS"]["numerator"], found["SAME_TAGS"]["dominant"]) == (95, words)


def test_the_index_is_told_with_its_parts_under_the_six_aspects(read_by):
    at_the_organisation(40, bad=10)
    at_the_organisation(5, day=date(2026, 10, 5))
    index = told(f"/index/{ORGANISATION}", "unit")["index"]
    parts = {part["indicator"]: part for aspect in index["aspects"] for part in aspect["parts"]}
    assert (len(index["aspects"]), parts["active_good_rate"]["numerator"], parts["active_good_rate"]["denominator"]) == (6, 30, 40)
    assert 0 < index["score"] < 100
    few = {
        party: next(
            part
            for aspect in told(f"/index/{ORGANISATION}", party, period="2026-10")["index"]["aspects"]
            for part in aspect["parts"]
            if part["indicator"] == "active_good_rate"
        )["denominator"]
        for party in ("unit", "sector")
    }
    assert few == {"unit": 5, "sector": None}


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        (f"/scores/galaxy/{COUNTY}", {}, 404, "unknown_node"),
        (f"/scores/city/{COUNTY}", {}, 404, "unknown_node"),
        ("/scores/county/330106", {}, 404, "unknown_node"),
        (f"/scores/window/{ORGANISATION}", {}, 404, "unknown_node"),
        (f"/scores/county/{COUNTY}/A01", {}, 404, "unknown_node"),
        ("/scores/channel/PIGEON", {}, 404, "unknown_node"),
        (f"/rankings/galaxy/{COUNTY}", {}, 404, "unknown_node"),
        ("/coverage/channel/QR", {}, 404, "unknown_node"),
        ("/nowhere", {}, 404, "unknown_node"),
        (f"/scores/county/{COUNTY}", {"period": None}, 422, "bad_period"),
        (f"/scores/county/{COUNTY}", {"period": "2026-13"}, 422, "bad_period"),
        (f"/scores/county/{COUNTY}", {"period": "0001-01"}, 422, "bad_period"),
        (f"/scores/county/{COUNTY}", {"period": "9999-12-31"}, 422, "bad_period"),
        (f"/scores/county/{COUNTY}", {"by": "hour"}, 422, "unknown_code"),
        (f"/rankings/organisation/{COUNTY}", {"indicator": "happiness"}, 422, "unknown_indicator"),
        (f"/scores/county/{COUNTY}", {"period": "2026", "by": "day"}, 422, "sum_over_too_much"),
        (f"/scores/staff/{ORGANISATION}/{STAFF}", {"period": "2026"}, 422, "sum_over_too_much"),
        (f"/rankings/staff/{ORGANISATION}", {"period": "2026"}, 422, "sum_over_too_much"),
        (f"/signals/{ORGANISATION}", {"period": "2026"}, 422, "sum_over_too_much"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_code_in_both_languages(read_by, path, query, status, code):
    answered = ask(path, **query)
    (reason,) = json.loads(answered["body"])["refusals"]
    assert (answered["statusCode"], reason["code"]) == (status, code)
    assert reason["zh"]
    assert reason["en"]


def test_a_question_about_too_many_siblings_or_organisations_is_refused_before_it_is_read(read_by):
    for n in range(41):
        value = {"region_code": CITY, "zh": f"单位{n}"}
        registry.add(registry.Record(kind="organisation", id=f"1133010000000{n:05}", valid_from="2020-01-01", value=value))
    assert ask(f"/rankings/organisation/{CITY}", "province")["statusCode"] == 200
    assert refused(f"/coverage/city/{CITY}", "province") == (422, "sum_over_too_much")
    assert refused(f"/rankings/organisation/{CITY}", "province", period="2026") == (422, "sum_over_too_much")


anything = st.text(max_size=60)
STRANGE = st.sampled_from(["%", "%00", "%23", "%ud800", "\ud800", "..", "#", "v1:", "330100000000", "0" * 18, "x" * 5_000]) | anything
GOOD_PATHS = [
    *(("scores", kind, code) for kind, code in (("county", COUNTY), ("organisation", ORGANISATION), ("item", ITEM), ("base", BASE))),
    *(("scores", kind, code) for kind, code in (("platform", "portal-1"), ("channel", "QR"), ("service_channel", "ONLINE"))),
    *(("scores", kind, ORGANISATION, code) for kind, code in (("window", "A01"), ("staff", STAFF))),
    *(("rankings", kind, ORGANISATION) for kind in ("item", "window", "staff")),
    *(("rankings", kind, code) for kind, code in (("organisation", COUNTY), ("region", CITY), ("base", BASE))),
    *(("coverage", kind, code) for kind, code in (("county", COUNTY), ("organisation", ORGANISATION))),
    *((route, ORGANISATION) for route in ("causes", "signals", "index")),
    *(("results", *rest) for rest in ((), (MONTH,), (MONTH, "page"))),
]
GOOD_QUERY = {"period": MONTH, "indicator": "points", "by": "day", "region": PROVINCE, "revision": "1"}
PERIODS = st.sampled_from(["2026", "2026-Q4", "9999", "9999-12-31", "0000", "2000", "2026-00", "２０２６", f"{MONTH}\n"])


@pytest.mark.property
@given(
    path=st.sampled_from(GOOD_PATHS),
    spoilt=st.dictionaries(st.integers(0, 3), STRANGE, max_size=1),
    query=st.fixed_dictionaries(
        {}, optional={name: st.just(good) | anything for name, good in GOOD_QUERY.items()} | {"period": PERIODS | anything}
    ),
    is_encoded=st.booleans(),
)
def test_whatever_is_asked_is_answered_or_refused_with_a_code(read_by, path, spoilt, query, is_encoded):
    asked = [spoilt.get(n, part) for n, part in enumerate(path)]
    parts = [quote(part, safe="", errors="surrogatepass") if is_encoded else part for part in asked]
    answered = ask("/" + "/".join(parts), "province", **query)
    if answered["statusCode"] != 200:
        assert 400 <= answered["statusCode"] < 500
        assert all(reason["code"] and reason["zh"] and reason["en"] for reason in json.loads(answered["body"])["refusals"])


@pytest.mark.property
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_whoever_claims_to_ask_is_answered_with_a_code(read_by, party):
    assert refused(f"/scores/county/{COUNTY}", party, caller="AROA-somebody:else") in {(401, "unknown_party"), (403, "wrong_sender")}


# ---------------------------------------------------------------- ETag


def test_the_same_answer_is_not_sent_twice(read_by):
    at_the_organisation(30)
    path = f"/scores/organisation/{ORGANISATION}"
    first = ask(path)
    tag = first["multiValueHeaders"]["ETag"][0]
    assert tag.startswith('"')
    assert first["multiValueHeaders"]["Cache-Control"] == ["private, max-age=30"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = ask(path, headers={"if-none-match": known})
        assert (again["statusCode"], again["body"], again["multiValueHeaders"]["ETag"]) == (304, "", [tag])


def test_another_answer_has_another_tag(read_by):
    at_the_organisation(30)
    path = f"/scores/organisation/{ORGANISATION}"
    tag = ask(path)["multiValueHeaders"]["ETag"][0]
    counted(f"organisation#{ORGANISATION}", f"{TODAY}#y", **own("SATISFIED", 1))
    changed = ask(path, headers={"If-None-Match": tag})
    assert changed["statusCode"] == 200
    assert changed["multiValueHeaders"]["ETag"] != [tag]


def test_what_is_known_helps_nobody_to_what_is_not_his(read_by):
    assert refused(f"/index/{ORGANISATION}", "portal", headers={"If-None-Match": "*"}) == (403, "out_of_scope")


# ---------------------------------------------------------------- how much is read


def reads(bed, path: str, party: str = "supervisor", **query: Any) -> dict[str, int]:
    """How often a route that has been asked before calls DynamoDB, by operation and table."""
    told(path, party, **query)  # what is registered is then known for a minute
    seen: Counter[str] = Counter()

    def note(request: Any, **_: Any) -> None:
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        body = json.loads(request.body)
        seen[f"{operation} {body.get('TableName') or ' '.join(body['RequestItems'])}"] += 1

    with bed.hooked(dynamodb(), "before-send.dynamodb", note):
        told(path, party, **query)
    return dict(seen)


SCORES, REGISTRY = "Query ScoresTable", "Query RegistryTable"
# Of an item or a window the slots of thirty days, a hundred to a call.
READS: dict[str, dict[str, int]] = {
    f"/scores/county/{COUNTY}": {SCORES: 1},
    f"/scores/organisation/{ORGANISATION}": {SCORES: 1},
    f"/scores/item/{ITEM}": {"BatchGetItem ScoresTable": 2},
    f"/scores/window/{ORGANISATION}/A01": {"BatchGetItem ScoresTable": 2},
    f"/scores/staff/{ORGANISATION}/{STAFF}": {SCORES: 1},
    # Three organisations over two periods; of the register the list, to count them and for each period.
    f"/rankings/organisation/{COUNTY}": {SCORES: 6, REGISTRY: 3},
    f"/rankings/staff/{ORGANISATION}": {SCORES: 2},
    f"/rankings/window/{ORGANISATION}": {SCORES: 2},
    f"/rankings/item/{ORGANISATION}": {SCORES: 2},
    # Items and desks; of the register the lists of items, windows and platforms.
    f"/coverage/organisation/{ORGANISATION}": {SCORES: 2, REGISTRY: 3},
    f"/causes/{ORGANISATION}": {SCORES: 2},
    f"/signals/{ORGANISATION}": {SCORES: 2, REGISTRY: 1},
    "/results": {SCORES: 1},
}


@pytest.mark.parametrize(("path", "expected"), READS.items(), ids=READS)
def test_a_route_takes_few_reads(read_by, path, expected):
    at_the_organisation(30, bad=3)
    assert reads(read_by, path) == expected


def test_a_division_by_day_takes_one_read_more_and_the_index_one_of_the_counts(read_by):
    at_the_organisation(30, bad=3)
    for path in (f"/scores/organisation/{ORGANISATION}", f"/scores/county/{COUNTY}"):
        assert reads(read_by, path, by="day") == {SCORES: 2}
    assert reads(read_by, f"/scores/window/{ORGANISATION}/A01", by="day") == {SCORES: 1, "BatchGetItem ScoresTable": 2}
    assert reads(read_by, f"/index/{ORGANISATION}")[SCORES] == 1


# ---------------------------------------------------------------- published results


@pytest.fixture
def published(read_by, later):
    """A month whose result is published, with everything that a platform can say of persons in what it was made of."""
    say_everything(read_by)
    later(days=40)
    publishing.publish_due(lambda: True)
    return read_by


def test_published_results_are_listed_and_read_by_anybody(published):
    (listed,) = [held for held in told("/results", "nobody")["results"] if held["period"] == MONTH]
    assert (listed["revision"], listed["policy_version"]) == (1, "330000000000@2020-01-01")
    answered = ask(f"/results/{MONTH}", "nobody", caller="")
    assert hashlib.sha256(answered["body"].encode()).hexdigest() == listed["sha256"]
    assert json.loads(answered["body"])["edition"]["period"] == MONTH


def test_a_revision_is_kept_for_long_and_the_last_one_for_a_while(published):
    kept = {number: ask(f"/results/{MONTH}", revision=number)["multiValueHeaders"]["Cache-Control"] for number in (None, "1")}
    assert kept == {None: ["private, max-age=300"], "1": ["private, max-age=31536000"]}


def test_a_result_is_a_page_too_and_the_same_page_is_not_sent_twice(published):
    page = ask(f"/results/{MONTH}/page", "nobody")
    assert page["multiValueHeaders"]["Content-Type"] == ["text/html; charset=utf-8"]
    assert "<html" in page["body"]
    again = ask(f"/results/{MONTH}/page", "nobody", headers={"If-None-Match": page["multiValueHeaders"]["ETag"][0]})
    assert (again["statusCode"], again["body"]) == (304, "")


def test_what_is_not_published_is_said_to_be_so(published):
    for path, query in (("/results/2001-01", {}), (f"/results/{MONTH}", {"revision": "2"}), (f"/results/{MONTH}", {"region": CITY})):
        assert refused(path, "nobody", **query) == (404, "not_published")
    assert told("/results", "nobody", region=CITY) == {"region": CITY, "results": []}


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        (f"/results/{MONTH}", {"revision": "last"}, "malformed_field"),
        (f"/results/{MONTH}", {"region": "3301"}, "bad_region_code"),
        ("/results", {"region": "x"}, "bad_region_code"),
        ("/results/2026-13", {}, "bad_period"),
        ("/results/2026-13/page", {}, "bad_period"),
    ],
)
def test_what_can_be_no_result_is_refused(bed, path, query, code):
    assert refused(path, "nobody", **query) == (422, code)


def test_a_result_too_long_for_an_answer_is_to_be_had_elsewhere(published, monkeypatch):
    monkeypatch.setattr("scoring.api.reading.MOST_BYTES", 100)
    answered = ask(f"/results/{MONTH}", "nobody")
    assert (answered["statusCode"], answered["body"]) == (303, "")
    assert f"/results/{PROVINCE}/{MONTH}/r1-" in answered["multiValueHeaders"]["Location"][0]


# ---------------------------------------------------------------- nothing that leads to a person

ZHANG = {"certificate_type": "111", "certificate_number": "33010619900101123X", "name": "欧阳金丝雀", "phone": "13812345678"}
LI = {"certificate_type": "111", "certificate_number": "330106198802022345", "name": "司徒黄鹂鸟", "phone": "13987654321"}
CASE_FILE, TEXT, STAFF_NO, STAFF_NAME = "33-case-file-canary", "等了两个小时，找慕容小姐 13511112222", "staff-canary", "慕容翠鸟"
CANARIES = [*ZHANG.values(), *LI.values(), CASE_FILE, TEXT, "13511112222", STAFF_NO, STAFF_NAME, "clerk-canary"]
CANARIES.remove("111")
CANARIES.remove("111")


def say_everything(bed) -> None:
    """A dozen services and their ratings, bad ones and general ones, at a window and at none, with everything that is said of persons."""
    staff = {"organisation": ORGANISATION, "zh": STAFF_NAME}
    for code in (STAFF_NO, door.keys().pseudonym("staff", ORGANISATION, STAFF_NO)):
        registry.add(registry.Record(kind="staff", id=f"{ORGANISATION}#{code}", valid_from="2020-01-01", value=staff))
    said: list[Any] = []
    for n in range(12):
        own_facts = {"project_no": f"{CASE_FILE}-{n}"}
        window = {"window": "A01" if n % 2 else None, "staff_no": STAFF_NO}
        said.append(event(**own_facts, **window, applicant=ZHANG, agent=LI))
        said.append((bad_rating if n % 3 else rating)(**own_facts, rater=ZHANG, comment=TEXT))
    about = {"type": "STAFF", "organisation": ORGANISATION, "region_code": COUNTY, "id": STAFF_NO}
    said.append(general(object=about, comment=TEXT, rater=ZHANG, entered_by="clerk-canary"))
    assert bed.accept(*map(letter, said)) == []
    assert bed.codes() == []
    bed.flow()


EXAMPLES = {
    "/scores/{kind}/{id}": [
        f"/scores/{path}"
        for path in (
            f"province/{PROVINCE}",
            f"county/{COUNTY}",
            f"organisation/{ORGANISATION}",
            f"item/{ITEM}",
            f"base/{BASE}",
            "channel/HALL_TABLET",
            "service_channel/OFFLINE",
            "platform/portal-1",
        )
    ],
    "/scores/{kind}/{id}/{code}": [f"/scores/window/{ORGANISATION}/A01", f"/scores/staff/{ORGANISATION}/{{staff}}"],
    "/rankings/{kind}/{of}": [
        *(f"/rankings/{kind}/{ORGANISATION}" for kind in ("item", "window", "staff")),
        *(f"/rankings/{kind}/{COUNTY}" for kind in ("organisation", "region")),
        f"/rankings/region/{PROVINCE}",
        f"/rankings/base/{BASE}",
    ],
    "/coverage/{kind}/{id}": [f"/coverage/county/{COUNTY}", f"/coverage/organisation/{ORGANISATION}"],
    "/causes/{organisation}": [f"/causes/{ORGANISATION}"],
    "/signals/{organisation}": [f"/signals/{ORGANISATION}"],
    "/index/{organisation}": [f"/index/{ORGANISATION}"],
    "/results": ["/results"],
    "/results/{period}": [f"/results/{MONTH}"],
    "/results/{period}/page": [f"/results/{MONTH}/page"],
}
DIVIDED = {"/scores/{kind}/{id}", "/scores/{kind}/{id}/{code}"}


def everything_answered(parties: Iterable[str] = PARTIES) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Every route asked by these parties: template, path, party, answer."""
    reference = door.keys().pseudonym("staff", ORGANISATION, STAFF_NO)
    for template, paths in EXAMPLES.items():
        for path, party, by in itertools.product(paths, parties, (None, "day")):
            if by is None or template in DIVIDED:
                yield template, path, party, ask(path.format(staff=quote(reference, safe="")), party, by=by)


@pytest.mark.slow
def test_no_answer_leads_to_a_person_and_only_those_about_staff_name_a_reference(published):
    register_item(ORGANISATION)
    reference = door.keys().pseudonym("staff", ORGANISATION, STAFF_NO)
    named, answered = set(), set()
    for _, path, party, answer in everything_answered():
        whole = json.dumps(answer, ensure_ascii=False) + answer["body"]
        assert [canary for canary in CANARIES if canary in whole] == [], (path, party)
        if answer["statusCode"] == 200:
            answered.add(path)
            if reference in whole or "v1:" in whole:
                named.add((path, party))
    assert answered == {path for paths in EXAMPLES.values() for path in paths}
    staff = [path for path in answered if path.startswith(("/scores/staff", "/rankings/staff"))]
    assert named == set(itertools.product(staff, INSIDE))


# ---------------------------------------------------------------- OpenAPI


def test_the_read_api_is_described_route_by_route():
    validate(openapi.document())
    routes = {route.path.replace("<", "{").replace(">", "}") for route in app._static_routes + app._dynamic_routes}
    assert openapi.document()["paths"].keys() == routes - {"/openapi/scores.json"} == EXAMPLES.keys()


def test_the_description_is_answered_too(bed):
    assert told("/openapi/scores.json", "nobody") == json.loads(json.dumps(openapi.document()))


@pytest.mark.slow
def test_every_answer_is_what_the_description_says(published):
    register_item(ORGANISATION)
    schemas = {
        (path, status): Draft202012Validator(schema_of(path, status))
        for path in EXAMPLES
        for status in (200, 403)
        if schema_of(path, status)
    }
    seen = set()
    for template, path, party, answer in everything_answered(ONE_OF_EACH_SIGHT):
        if (template, answer["statusCode"]) in schemas:
            assert list(schemas[template, answer["statusCode"]].iter_errors(json.loads(answer["body"]))) == [], (path, party)
            seen.add((template, answer["statusCode"]))
    assert seen == {
        held for held in schemas if held[1] == 200 or held[0].startswith(("/causes", "/signals", "/index", "/rank", "/cov", "/sco"))
    }


def schema_of(path: str, status: int) -> dict[str, Any] | None:
    """The schema of a JSON answer, with everything that it refers to; None where there is none."""
    document = openapi.document()
    content = document["paths"][path]["get"]["responses"].get(str(status), {}).get("content", {})
    return {**content["application/json"]["schema"], "components": document["components"]} if "application/json" in content else None
