"""Who may see which figures, and from which size on."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codes import Level, Provenance, Role
from policy.rules import Policy
from scoring.api import access
from scoring.api.access import Place, Reader, Sight, Subject
from scoring.figures.indicators import ROWS, figures

PROVINCE, CITY, COUNTY, ELSEWHERE = "330000000000", "330100000000", "330106000000", "330200000000"
OWN, OTHER = "11330106MB0000004R", "11330106MB0000005W"
UNIT = Reader(Role.UNIT, (COUNTY,), (OWN,))
WHOLE, LARGE, NOTHING = Sight.WHOLE, Sight.LARGE, Sight.NOTHING

READERS = {
    "the unit itself": UNIT,
    "a unit of the region that names no organisation": Reader(Role.UNIT, (COUNTY,)),
    "the supervisor of the county": Reader(Role.SUPERVISOR, (COUNTY,)),
    "the supervisor of the province": Reader(Role.SUPERVISOR, (PROVINCE,)),
    "the supervisor of another city": Reader(Role.SUPERVISOR, (ELSEWHERE,)),
    "a supervisor of one organisation": Reader(Role.SUPERVISOR, (COUNTY,), (OWN,)),
    "the department of its sector": Reader(Role.CONSUMER, ("440000000000",), sectors=("人社",)),
    "the department of another sector": Reader(Role.CONSUMER, (PROVINCE,), sectors=("税务",)),
    "a consumer": Reader(Role.CONSUMER, (PROVINCE,)),
    "a channel": Reader(Role.CHANNEL, (PROVINCE,)),
}
ORGANISATION, PLACES = Place(COUNTY, OWN, "人社"), {"county": Place(COUNTY), "city": Place(CITY), "province": Place(PROVINCE)}


def seen(subject: Subject, place: Place) -> dict[str, Sight]:
    return {name: access.sight(reader, subject, place) for name, reader in READERS.items()}


def test_figures_of_staff_go_to_their_own_organisation_and_its_supervisor_alone():
    wholly = {name for name, sight in seen(Subject.STAFF, ORGANISATION).items() if sight is WHOLE}
    assert wholly == {
        "the unit itself",
        "the supervisor of the county",
        "the supervisor of the province",
        "a supervisor of one organisation",
    }
    assert {sight for name, sight in seen(Subject.STAFF, ORGANISATION).items() if name not in wholly} == {NOTHING}


def test_the_inside_of_an_organisation_is_seen_by_itself_its_supervisor_and_roughly_by_its_sector():
    inner, staff = seen(Subject.INNER, ORGANISATION), seen(Subject.STAFF, ORGANISATION)
    assert inner == staff | {"the department of its sector": LARGE}


def test_what_is_open_is_seen_by_everybody_and_wholly_within_ones_scope():
    for name, sight in seen(Subject.OPEN, ORGANISATION).items():
        assert sight is (WHOLE if seen(Subject.STAFF, ORGANISATION)[name] is WHOLE else LARGE)


@pytest.mark.parametrize(
    ("place", "reader"),
    [
        ("county", {"the supervisor of the county", "the supervisor of the province"}),
        ("city", {"the supervisor of the province"}),
        ("province", {"the supervisor of the province"}),
    ],
)
def test_a_region_is_seen_wholly_by_the_supervisors_above_it(place, reader):
    assert {name for name, sight in seen(Subject.OPEN, PLACES[place]).items() if sight is WHOLE} == reader


def test_a_supervisor_looks_down_and_not_up():
    city = Reader(Role.SUPERVISOR, (CITY,))
    assert access.sight(city, Subject.OPEN, Place(COUNTY)) is WHOLE
    assert access.sight(city, Subject.OPEN, Place(PROVINCE)) is LARGE


def test_a_unit_sees_nothing_of_the_organisation_next_door():
    assert access.sight(UNIT, Subject.INNER, Place(COUNTY, OTHER)) is NOTHING
    assert access.sight(UNIT, Subject.OPEN, Place(COUNTY, OTHER)) is LARGE


@pytest.mark.parametrize("subject", [Subject.INNER, Subject.STAFF])
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_an_organisation_that_nobody_has_registered_is_looked_into_by_nobody(reader, subject):
    assert access.sight(reader, subject, Place(organisation=OWN)) is NOTHING


@given(
    role=st.sampled_from(Role),
    regions=st.lists(st.sampled_from([PROVINCE, CITY, COUNTY, ELSEWHERE])),
    organisations=st.lists(st.sampled_from([OWN, OTHER])),
    sectors=st.lists(st.sampled_from(["人社", "税务", ""])),
    place=st.builds(Place, st.sampled_from([PROVINCE, CITY, COUNTY, ""]), st.sampled_from([OWN, OTHER, ""]), st.sampled_from(["人社", ""])),
)
def test_whoever_sees_staff_sees_everything_else_and_what_is_closer_is_never_seen_better(role, regions, organisations, sectors, place):
    reader = Reader(role, tuple(regions), tuple(organisations), tuple(sectors))
    worth = [NOTHING, LARGE, WHOLE]
    sights = [worth.index(access.sight(reader, subject, place)) for subject in (Subject.STAFF, Subject.INNER, Subject.OPEN)]
    assert sights == sorted(sights)
    assert sights[0] in {0, 2}
    if role in {Role.CHANNEL, Role.CONSUMER}:
        assert 2 not in sights


def test_nodes_are_open_inner_or_of_staff_by_their_kind():
    open_to_all = ("province", "city", "county", "township", "base", "platform", "channel", "service_channel", "organisation")
    assert {access.subject_of(kind) for kind in open_to_all} == {Subject.OPEN}
    assert [access.subject_of(kind) for kind in ("item", "window", "staff")] == [Subject.INNER, Subject.INNER, Subject.STAFF]


# ---------------------------------------------------------------- from which size on

POLICY = Policy(version="test")


def node(counts: dict[str, int]) -> dict[str, Any]:
    shown = {"total": sum(amount for name, amount in counts.items() if name[0].isupper()), "figures": figures(counts, POLICY)}
    return access.large_node(shown, POLICY)


def test_a_row_of_few_ratings_is_withheld_with_all_its_levels_and_what_would_tell_it():
    shown = node({"VISIT.1.SELF_DEVICE.SATISFIED": 8, "VISIT.1.SELF_ONLINE.DISSATISFIED": 1, "VISIT.1.PAPER_ENTERED.SATISFIED": 40})
    assert set(shown["figures"]["ratings"]["own"].values()) == {None}
    assert shown["figures"]["ratings"]["assisted"]["SATISFIED"] == 40
    assert shown["figures"]["indicators"]["good_rate"] == {"numerator": None, "denominator": None, "rate": None}
    assert shown["total"] is None


def test_of_enough_ratings_each_level_is_shown_however_few():
    shown = node({"VISIT.1.SELF_DEVICE.SATISFIED": 299, "VISIT.1.SELF_ONLINE.DISSATISFIED": 1})
    assert shown["figures"]["ratings"]["own"]["DISSATISFIED"] == 1
    assert shown["figures"]["indicators"]["bad_rate"] == {"numerator": 1, "denominator": 300, "rate": 1 / 300}
    assert shown["total"] == 300


def test_zero_is_nobody_and_is_shown():
    assert node({}) == {"total": 0, "figures": figures({}, POLICY)}


def test_a_reason_a_flag_or_a_step_of_a_case_that_few_have_is_withheld():
    shown = node(
        {"VISIT.1.SELF_DEVICE.DISSATISFIED": 30, "tag.213": 3, "tag.214": 12, "flag.UNLINKED": 2, "case.OPENED": 9, "case.REPLIED": 10}
    )
    assert shown["figures"]["tags"] == {"213": None, "214": 12}
    assert shown["figures"]["flags"] == {"UNLINKED": None}
    assert shown["figures"]["cases"] == {"OPENED": None, "REPLIED": 10}


def test_ratings_by_object_are_withheld_together_since_their_sum_is_shown():
    counts = {"GENERAL.1.PAPER_ENTERED.SATISFIED": 25, "object.WINDOW.SATISFIED": 21, "object.STAFF.SATISFIED": 4}
    shown = node(counts)["figures"]
    assert shown["general"] == {"SATISFIED": 25}
    assert shown["objects"] == {"WINDOW": {"SATISFIED": None}, "STAFF": {"SATISFIED": None}}


@pytest.mark.parametrize(("finished", "own", "shown"), [(9, 0, None), (40, 9, None), (40, 10, 3), (40, 0, 3)])
def test_how_many_services_were_rated_stands_on_those_finished_and_on_the_ratings(finished, own, shown):
    held = node({"finished": finished, "rated.SELF_DEVICE": 3, "VISIT.1.SELF_DEVICE.SATISFIED": own})["figures"]
    assert held["rated"] == {"SELF_DEVICE": shown}
    assert held["indicators"]["participation_rate"]["numerator"] == shown
    assert (held["indicators"]["unrated_rate"]["numerator"] is None) == (shown is None)
    assert held["indicators"]["within_limit_rate"]["denominator"] == (finished if finished >= 10 else None)


def test_a_headline_over_several_rows_is_withheld_where_one_of_them_is():
    policy = Policy(version="test", valid_provenances=frozenset({Provenance.SELF_DEVICE, Provenance.PAPER_ENTERED}))
    counts = {"VISIT.1.SELF_DEVICE.SATISFIED": 50, "VISIT.1.PAPER_ENTERED.DISSATISFIED": 5}
    shown = access.large_node({"total": 55, "figures": figures(counts, policy)}, policy)["figures"]
    assert shown["indicators"]["bad_rate"]["denominator"] is None
    assert shown["indicators"]["active_good_rate"]["denominator"] == 50
    place = {"id": "x", "rank": 1, "moved": 0, "numerator": 50, "denominator": 55, "rate": 50 / 55, "low": 0.8, "high": 0.97}
    assert set(access.large_place(place, "good_rate", counts, policy).values()) == {"x", None}
    assert access.large_place(place, "participation_rate", counts, policy) == place


numbers = st.integers(0, 40)
counters = st.dictionaries(
    st.one_of(
        st.tuples(st.sampled_from(["VISIT", "GENERAL"]), st.sampled_from("12"), st.sampled_from(Provenance), st.sampled_from(Level)).map(
            ".".join
        ),
        st.sampled_from(
            ["tag.213", "flag.UNLINKED", "finished", "rated.SELF_DEVICE", "case.OPENED", "case.REPLY_DUE", "case.REPLIED_IN_TIME"]
        ),
    ),
    numbers,
)


@given(counts=counters)
def test_what_is_shown_is_true_and_no_row_of_few_is_shown(counts):
    whole = {"total": sum(amount for name, amount in counts.items() if name[0].isupper()), "figures": figures(counts, POLICY)}
    shown = access.large_node(whole, POLICY)
    assert all(told in (None, said) for said, told in zip(leaves(whole), leaves(shown), strict=True))
    for row in ROWS:
        if 0 < sum(whole["figures"]["ratings"][row].values()) < POLICY.min_n:
            assert set(shown["figures"]["ratings"][row].values()) == {None}
            assert shown["total"] is None
    for rate in shown["figures"]["indicators"].values():
        assert rate["denominator"] in (None, 0) or rate["denominator"] >= POLICY.min_n


def leaves(held: Any) -> list[Any]:
    if isinstance(held, dict):
        return list(itertools.chain.from_iterable(leaves(held[name]) for name in sorted(held)))
    return [held]


def cause(number: int, before: int, *, confirmed: int = 0) -> dict[str, Any]:
    return {
        "number": number,
        "confirmed": confirmed,
        "not_confirmed": 0,
        "not_checkable": number - confirmed,
        "ratings": 100,
        "number_before": before,
        "ratings_before": 100,
        "change": (number - before) / 100,
    }


def test_causes_that_few_name_are_left_out_or_shown_without_what_would_tell_them():
    assert access.large_causes([cause(3, 4), cause(0, 9), cause(9, 0)], 10) == []
    (often,) = access.large_causes([cause(20, 15)], 10)
    assert often == cause(20, 15)
    (fallen,) = access.large_causes([cause(3, 15)], 10)
    assert (fallen["number"], fallen["number_before"], fallen["change"]) == (None, 15, None)
    (partly,) = access.large_causes([cause(20, 15, confirmed=2)], 10)
    assert (partly["number"], partly["confirmed"], partly["not_checkable"]) == (20, None, None)


def test_signals_that_few_ratings_show_are_left_out_and_none_is_shown_with_its_words():
    found = {"dominant": "A01", "dominant_zh": "A01 3 条", "dominant_en": "A01: 3"}
    shown = access.large_signals([{"numerator": 3, "denominator": 50, **found}, {"numerator": 30, "denominator": 50, **found}], 10)
    assert shown == [{"numerator": 30, "denominator": 50, "dominant": None, "dominant_zh": None, "dominant_en": None}]


COVERAGE = {
    "dimensions": [
        {"kind": "ITEM", "numerator": 3, "denominator": 5, "missing": {"a": 4, "b": 0}},
        {"kind": "ORGANISATION", "numerator": 1, "denominator": 3, "missing": {"c": 4, "d": 70}},
    ],
    "unlisted_items": 3,
    "unlisted_organisations": 30,
    "unknown_windows": {"Z9": 2},
}


def test_the_coverage_of_a_region_names_no_part_of_an_organisation_to_others():
    shown = access.large_coverage(COVERAGE, Subject.OPEN, 10)
    assert [held["missing"] for held in shown["dimensions"]] == [None, {"c": None, "d": 70}]
    assert (shown["unlisted_items"], shown["unlisted_organisations"], shown["unknown_windows"]) == (None, 30, None)


def test_the_coverage_of_an_organisation_names_its_parts_to_its_sector_without_small_numbers():
    shown = access.large_coverage(COVERAGE, Subject.INNER, 10)
    assert [held["missing"] for held in shown["dimensions"]] == [{"a": None, "b": 0}, {"c": None, "d": 70}]
    assert shown["unknown_windows"] == {"Z9": None}
