"""Rules are inherited downward and dated; a lower level may only be stricter."""

from __future__ import annotations

from datetime import date
from typing import get_args

import pytest

from contract.codes import Level
from contract.model import Model
from policy.rules import Appeal, DatedRules, Extension, Policy, Rules, Tries, in_force
from policy.strictness import DIRECTIONS, ORDERS, Direction, laxer, loosened


def rules(**values) -> Rules:
    return Rules.model_validate(values)


def dated(region: str, valid_from: str, **values) -> DatedRules:
    return DatedRules(region=region, valid_from=valid_from, rules=rules(**values))


def days(value: int, unit: str = "WORKDAY", start: str | None = None) -> dict[str, object]:
    return {"value": value, "unit": unit} | ({"start": start} if start else {})


def appeal(**parts) -> dict[str, object]:
    return {"appeal": {"decide": days(10)} | parts}


def extension(**parts) -> dict[str, object]:
    return {"extension": {"max_count": 1, **days(5)} | parts}


GUANGXI = dict(zip(map(str, Level), (10, 8, 6, 3, 0), strict=True))

KNOWN = [
    dated("330000000000", "2020-01-01", rectify_simple={"value": 15, "unit": "DAY"}, min_n=20),
    dated("330000000000", "2026-06-01", rectify_simple={"value": 10, "unit": "DAY"}, min_n=20),
    dated("330100000000", "2025-01-01", rectify_simple={"value": 7, "unit": "DAY"}),
]


@pytest.mark.parametrize(
    ("region", "on", "days", "version"),
    [
        ("330200000000", "2026-05-31", 15, "330000000000@2020-01-01"),
        ("330200000000", "2026-06-01", 10, "330000000000@2026-06-01"),
        ("330106000000", "2026-11-24", 7, "330000000000@2026-06-01 330100000000@2025-01-01"),
        ("330106000000", "2024-12-31", 15, "330000000000@2020-01-01"),
    ],
)
def test_the_rule_in_force_is_the_nearest_and_the_newest_of_the_day(region, on, days, version):
    policy = in_force(KNOWN, region, date.fromisoformat(on))
    assert (policy.rectify_simple.value, policy.min_n, policy.version) == (days, 20, version)


def test_where_nobody_sets_a_rule_there_is_no_clock_and_our_defaults_hold():
    policy = in_force(KNOWN, "370000000000", date(2026, 11, 24))
    assert policy.rectify_simple is None
    assert (policy.version, policy.min_n, policy.max_text_length) == ("default", 10, 1000)


def test_rules_come_as_they_are_registered():
    registered = {"region": "330000000000", "valid_from": "2020-01-01", "rules": {"min_n": 30}}
    assert in_force([registered], "330106000000", date(2026, 11, 24)).min_n == 30


@pytest.mark.parametrize(
    ("above", "here", "is_laxer"),
    [
        ({"rectify_simple": {"value": 5, "unit": "DAY"}}, {"rectify_simple": {"value": 6, "unit": "DAY"}}, True),
        ({"rectify_simple": {"value": 5, "unit": "DAY"}}, {"rectify_simple": {"value": 5, "unit": "DAY"}}, False),
        # Five working days are never earlier than five natural ones; three are, except over a long holiday.
        ({"rectify_simple": {"value": 5, "unit": "DAY"}}, {"rectify_simple": {"value": 5, "unit": "WORKDAY"}}, True),
        ({"rectify_simple": {"value": 5, "unit": "DAY"}}, {"rectify_simple": {"value": 3, "unit": "WORKDAY"}}, True),
        ({"rectify_simple": {"value": 5, "unit": "WORKDAY"}}, {"rectify_simple": {"value": 5, "unit": "DAY"}}, False),
        ({"min_n": 10}, {"min_n": 5}, True),
        ({"min_n": 10}, {"min_n": 50}, False),
        ({"clock_skew_days": 7}, {"clock_skew_days": 8}, True),
        ({"good_levels": ["VERY_SATISFIED", "SATISFIED"]}, {"good_levels": list(Level)[:3]}, True),
        ({"good_levels": list(Level)[:3]}, {"good_levels": ["VERY_SATISFIED"]}, False),
        ({"points": GUANGXI}, {"points": GUANGXI | {"SATISFIED": 9}}, True),
        ({"points": GUANGXI}, {"points": GUANGXI}, False),
        ({"valid_provenances": ["SELF_ONLINE"]}, {"valid_provenances": ["SELF_ONLINE", "PAPER_ENTERED"]}, True),
        ({"valid_provenances": ["SELF_ONLINE", "SELF_DEVICE"]}, {"valid_provenances": ["SELF_ONLINE"]}, False),
        ({"publish_after_days": 3}, {"publish_after_days": 5}, False),
        ({}, {"min_n": 1}, False),
        ({"min_n": 10}, {}, False),
    ],
)
def test_a_laxer_rule_is_found_with_both_values(above, here, is_laxer):
    found = laxer(rules(**above), rules(**here))
    assert bool(found) == is_laxer
    for entry in found:
        assert (entry.above, entry.here) == (getattr(rules(**above), entry.field), getattr(rules(**here), entry.field))


def test_every_rule_and_every_part_of_one_declares_one_direction():
    parts = {"extension": Extension, "appeal": Appeal, "callback_tries": Tries}
    expected = {name for name in Rules.model_fields if name not in parts}
    expected |= {f"{name}.{part}" for name, model in parts.items() for part in model.model_fields}
    assert DIRECTIONS.keys() == expected
    assert {name for name, direction in DIRECTIONS.items() if direction is Direction.ORDERED} == ORDERS.keys()
    for name in ORDERS.keys() & Rules.model_fields.keys():
        literal, _ = get_args(Rules.model_fields[name].annotation)
        assert set(get_args(literal)) == set(ORDERS[name])


def test_what_is_ruled_on_levels_is_what_is_in_force_and_nothing_else():
    assert {name for name in Policy.model_fields if name != "version"} == set(Rules.model_fields)
    assert all(issubclass(model, Model) for model in (Rules, Policy))


OFFICE, FACT = {"clock_start_rule": "FROM_OFFICE_HOURS"}, {"clock_start_rule": "FROM_FACT"}
PERSON = {"level": "PERSON", "share": 0.8}
HEAD, LATER_HEAD = ({"level": "UNIT_HEAD", "after": days(value)} for value in (0, 1))

LAXER_RULES = [
    # Every clock, in units across.
    *(
        ({name: days(5)}, {name: days(6)}, [name])
        for name, direction in DIRECTIONS.items()
        if direction is Direction.SOONER and "." not in name
    ),
    *(
        ({name: days(5)}, {name: days(5)}, [])
        for name, direction in DIRECTIONS.items()
        if direction is Direction.SOONER and "." not in name
    ),
    ({"verify": days(8, "WORKHOUR")}, {"verify": days(1)}, ["verify"]),
    ({"verify": days(1)}, {"verify": days(8, "WORKHOUR")}, []),
    ({"verify": days(1)}, {"verify": days(11, "WORKHOUR")}, ["verify"]),  # more than a day of our office hours
    ({"verify": days(1)}, {"verify": days(8, "WORKHOUR"), "opening_hours": {"opens": 9, "closes": 12}}, ["verify"]),
    ({"reply": days(24, "HOUR")}, {"reply": days(1, "DAY")}, ["reply"]),
    # From where a deadline runs.
    ({"reply": days(5)}, {"reply": days(5, start="FROM_OFFICE_HOURS")}, ["reply"]),
    ({"reply": days(5)}, {"reply": days(4, start="FROM_OFFICE_HOURS")}, []),
    ({"reply": days(5, start="FROM_OFFICE_HOURS")}, {"reply": days(5)}, []),
    ({"reply": days(5)}, OFFICE, ["clock_start_rule"]),  # nobody said FROM_FACT, but the deadline ran from the fact
    ({"reply": days(5, start="FROM_FACT")}, OFFICE, []),
    ({"min_n": 5}, OFFICE, []),
    ({"reply": days(5)} | OFFICE, FACT, []),
    (FACT, OFFICE, ["clock_start_rule"]),
    ({"reply": days(5)} | OFFICE, {"reply": days(5, start="FROM_OFFICE_HOURS")}, []),
    ({"reply": days(5)} | FACT, {"reply": days(5)} | OFFICE, ["reply", "clock_start_rule"]),
    ({"reply": days(5, start="FROM_FACT")} | OFFICE, {"reply": days(5)}, ["reply"]),  # whoever says nothing takes the rule from above
    ({"rectify_from": "RECEIVED"}, {"rectify_from": "VERIFIED"}, ["rectify_from"]),
    ({"rectify_simple": days(5)}, {"rectify_from": "VERIFIED"}, ["rectify_from"]),
    ({"rectify_from": "VERIFIED"}, {"rectify_from": "RECEIVED"}, []),
    # Extensions and appeals.
    (extension(), extension(max_count=2), ["extension.max_count"]),
    (extension(), extension(max_count=0), []),
    (extension(), extension(value=6), ["extension.value"]),
    (extension(), extension(value=5, unit="DAY"), []),
    (extension(unit="DAY"), extension(), ["extension.value"]),
    (extension(), extension(approver_role="REVIEWER"), ["extension.approver_role"]),
    (extension() | FACT, extension() | OFFICE, ["clock_start_rule"]),  # an extension runs from the deadline, whatever the rule
    (appeal(), appeal(decide=days(11)), ["appeal.decide"]),
    (appeal(), appeal(window=days(5)), []),
    (appeal(window=days(5)), appeal(), ["appeal.window"]),  # until the reply is longer than any window
    (appeal(window=days(5)), appeal(window=days(6)), ["appeal.window"]),
    (appeal(), appeal(max_rounds=2), ["appeal.max_rounds"]),
    (appeal(), appeal(pauses_rectify=True), ["appeal.pauses_rectify"]),
    (appeal(pauses_rectify=True), appeal(), []),
    (appeal(), appeal(reviewer_role="SUPERVISOR"), ["appeal.reviewer_role"]),
    (appeal(), OFFICE, ["clock_start_rule"]),
    # What a rater may do.
    ({"contest_window": days(10)}, {"contest_window": days(9)}, ["contest_window"]),
    ({"contest_window": days(10)}, {"contest_window": days(11)}, []),
    ({"contest_window": days(10)}, {"contest_window": days(10, "DAY")}, ["contest_window"]),
    ({"contest_window": days(10, "DAY")}, {"contest_window": days(10)}, []),
    (
        {"callback_tries": {"min_tries": 3, "min_days": 2}},
        {"callback_tries": {"min_tries": 2, "min_days": 2}},
        ["callback_tries.min_tries"],
    ),
    ({"callback_tries": {"min_tries": 3, "min_days": 2}}, {"callback_tries": {"min_tries": 5, "min_days": 1}}, ["callback_tries.min_days"]),
    ({"callback_tries": {"min_tries": 3, "min_days": 2}}, {"callback_tries": {"min_tries": 3, "min_days": 3}}, []),
    ({"max_reopenings": 2}, {"max_reopenings": 1}, ["max_reopenings"]),
    ({"max_reopenings": 2}, {"max_reopenings": 3}, []),
    ({"min_evidence": 2}, {"min_evidence": 1}, ["min_evidence"]),
    ({"follow_up_ratings": 1}, {"follow_up_ratings": 0}, ["follow_up_ratings"]),
    # The ladder: the same people at the latest then; others may be told as well.
    ({"escalation": [PERSON]}, {"escalation": [PERSON, HEAD]}, []),
    ({"escalation": [PERSON, HEAD]}, {"escalation": [PERSON]}, ["escalation"]),
    ({"escalation": [PERSON]}, {"escalation": [PERSON | {"share": 0.7}]}, []),
    ({"escalation": [PERSON]}, {"escalation": [PERSON | {"share": 0.9}]}, ["escalation"]),
    ({"escalation": [HEAD]}, {"escalation": [LATER_HEAD]}, ["escalation"]),
    ({"escalation": [LATER_HEAD]}, {"escalation": [HEAD]}, []),
    ({"escalation": [HEAD]}, {"escalation": [{"level": "UNIT_HEAD", "share": 0.9}]}, []),
    ({"escalation": [PERSON]}, {"escalation": [{"level": "PERSON", "after": days(0, "HOUR")}]}, ["escalation"]),
    ({"interview_after": 3}, {"interview_after": 4}, ["interview_after"]),
    ({"interview_after": 3}, {"interview_after": 2}, []),
    # Unrated services.
    ({"unrated_policy": "NONE"}, {"unrated_policy": "INVITE"}, []),
    ({"unrated_policy": "INVITE"}, {"unrated_policy": "NONE"}, []),
    (
        {"unrated_policy": "INVITE"},
        {"unrated_policy": "DEFAULT", "default_level": "SATISFIED", "default_after": days(7)},
        ["unrated_policy"],
    ),
]


@pytest.mark.parametrize(("above", "here", "fields"), LAXER_RULES)
def test_a_rule_of_a_case_is_laxer_in_its_declared_direction_only(above, here, fields):
    assert [found.field for found in laxer(rules(**above), rules(**here))] == fields


@pytest.mark.parametrize("above", [entry[1] for entry in LAXER_RULES])
def test_no_level_is_laxer_than_itself_or_than_one_that_says_nothing(above):
    assert laxer(rules(**above), rules(**above)) == []
    assert laxer(rules(), rules(**above)) == []
    assert laxer(rules(**above), rules()) == []


def test_what_differs_in_the_start_rule_alone_is_told_with_both_start_rules():
    found, _ = laxer(rules(reply=days(5)), rules(reply=days(5), **OFFICE))
    assert (found.above.start, found.here.start) == ("FROM_FACT", "FROM_OFFICE_HOURS")


PROVINCE, CITY, COUNTY = "330000000000", "330100000000", "330106000000"


@pytest.mark.parametrize(
    ("entries", "refused"),
    [
        ([(PROVINCE, "2020", 15), (CITY, "2021", 16)], [(CITY, PROVINCE)]),
        ([(PROVINCE, "2020", 15), (CITY, "2021", 14)], []),
        # Where the city says nothing the county stands under the province; where it does, under both.
        ([(PROVINCE, "2020", 15), (COUNTY, "2021", 16)], [(COUNTY, PROVINCE)]),
        ([(PROVINCE, "2020", 15), (CITY, "2020", 10), (COUNTY, "2021", 12)], [(COUNTY, CITY)]),
        # A province that becomes stricter binds what holds from then on, and not what was over by then.
        ([(PROVINCE, "2020", 15), (CITY, "2020", 14), (PROVINCE, "2023", 10)], [(CITY, PROVINCE)]),
        ([(PROVINCE, "2020", 15), (CITY, "2020", 14), (PROVINCE, "2023", 10), (CITY, "2023", 10)], []),
        # A province that becomes laxer later does not excuse what was too lax before.
        ([(PROVINCE, "2020", 10), (CITY, "2020", 14), (PROVINCE, "2023", 15)], [(CITY, PROVINCE)]),
        # Another province is nobody's superior.
        ([(PROVINCE, "2020", 5), ("370100000000", "2020", 15)], []),
    ],
)
def test_levels_are_compared_on_every_day_on_which_both_hold(entries, refused):
    known = [dated(region, f"{year}-01-01", rectify_simple=days(value)) for region, year, value in entries]
    assert [(one.here.region, one.above.region) for one in loosened(known)] == refused


def test_what_a_level_inherits_counts_as_what_stands_above_the_next():
    nation = dated("000000000000", "2020-01-01", reply=days(5), min_n=20)
    city, county = dated(CITY, "2020-01-01", min_n=30), dated(COUNTY, "2020-01-01", reply=days(6), min_n=25)
    found = [(one.found.field, one.above.region) for one in loosened([nation, city, county])]
    assert found == [("reply", "000000000000"), ("min_n", CITY)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"opening_hours": {"opens": 18, "closes": 8}},
        {"opening_hours": {"opens": 9, "closes": 9}},
        {"callback_tries": {"min_tries": 1, "min_days": 2}},
        {"escalation": [PERSON, PERSON | {"share": 0.5}]},
        {"escalation": [{"level": "PERSON"}]},
        {"escalation": [PERSON | {"after": days(1)}]},
        {"parked_window": days(3, "WORKHOUR")},
        {"default_after": days(3, start="FROM_OFFICE_HOURS")},
        {"invite_after": days(3, "MONTH")},
        {"unrated_policy": "DEFAULT", "default_level": "SATISFIED"},
        {"appeal": {"window": days(5)}},
        {"extension": {"max_count": 1, "value": 0, "unit": "DAY"}},
        {"extension": {"max_count": 1, "value": 5, "unit": "HOUR"}},
        {"extension": {"max_count": 1, "value": 5, "unit": "DAY", "approver_role": "COORDINATOR"}},
        {"points": {"VERY_SATISFIED": 10}},
        {"valid_provenances": ["SELF_ONLINE", "DEFAULT"]},
        {"valid_provenances": []},
        {"unrated_policy": "DEFAULT"},
        {"opening_hours": {"opens": 24, "closes": 25}},
    ],
)
def test_what_would_count_nobodys_ratings_or_leave_a_level_without_points_is_no_rule(wrong):
    with pytest.raises(ValueError, match=r"."):
        rules(**wrong)


def test_a_rule_that_is_loaded_again_is_the_same_text_whatever_the_order_of_a_set():
    one, other = (
        rules(good_levels=held, valid_provenances=["SELF_ONLINE", "SELF_DEVICE"]) for held in (list(Level)[:3], list(Level)[2::-1])
    )
    assert one.model_dump_json() == other.model_dump_json()
    assert one.plain()["good_levels"] == sorted(one.plain()["good_levels"])
