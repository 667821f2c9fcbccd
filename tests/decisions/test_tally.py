"""What each kind of entry adds to which counters of which items."""

from __future__ import annotations

from collections import Counter
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codes import Flag, Level, Provenance
from contract.ledger import CaseStep, CountedRating, CountedService, CountedTurn, RatingFacts, TakenBack
from facts import rating_facts
from scoring.tally import shares
from simulation import Drawing

if TYPE_CHECKING:
    from contract.ledger import Counted

ORGANISATION = "11330106MB0000004R"
ITEM = f"{ORGANISATION}4330131001000"
DAY, EARLIER, LATER = date(2026, 11, 24), date(2026, 11, 20), date(2026, 12, 1)
PROVINCE = ("province#330000000000", "2026-11-24")
AT_ITEM = (f"organisation#{ORGANISATION}", f"2026-11-24#{ITEM}")
AT_DESK = (f"desks#{ORGANISATION}", "2026-11-24#A01")
SATISFIED = "VISIT.1.SELF_DEVICE.SATISFIED"

Added = dict[tuple[str, str], dict[str, int]]


def rating(**changes: Any) -> CountedRating:
    """A first rating at a window of a township, with which its rater was satisfied."""
    where = {"region_code": "330106003000", "task_code": ITEM, "window": "A01", "platform": "zwfw"}
    return CountedRating.model_validate(rating_facts().model_dump() | {"level": "SATISFIED", "tags": ()} | where | changes)


def bad(**changes: Any) -> CountedRating:
    return rating(**{"level": "DISSATISFIED", "tags": ("213", "209")} | changes)


def turn(of: CountedRating, number: int, **changes: Any) -> CountedTurn:
    facts = {name: getattr(of, name) for name in RatingFacts.model_fields}
    return CountedTurn.model_validate(facts | {"turn": number, "reason": "MISTAKE", "decided_day": LATER} | changes)


def service(**changes: Any) -> CountedService:
    return CountedService.model_validate(rating().model_dump() | {"status": "FINISHED"} | changes)


def added(*entries: Counted) -> Added:
    """What they add to each item, together; what comes to nothing is left out."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for entry in entries:
        for share in shares(entry):
            found.setdefault(tuple(share.key), Counter())[share.counter] += share.amount
    left = {key: {name: amount for name, amount in held.items() if amount} for key, held in found.items()}
    return {key: held for key, held in left.items() if held}


def in_the_province(*entries: Counted) -> dict[str, dict[str, int]]:
    """What they add to the province, by day."""
    return {day: held for (node, day), held in added(*entries).items() if node == PROVINCE[0]}


# ---------------------------------------------------------------- where


def test_a_rating_counts_on_every_node_that_it_touches():
    held = added(rating())
    flat = ("province#330000000000", "city#330100000000", "county#330106000000", "township#330106003000", f"base#{ITEM[19:31]}")
    flat += ("platform#zwfw", "channel#HALL_TABLET", "service_channel#OFFLINE")
    assert {key for key, counts in held.items() if counts[SATISFIED] == 1} == {*((node, "2026-11-24") for node in flat), AT_ITEM, AT_DESK}
    assert held[AT_DESK] == {SATISFIED: 1, f"staff.v1:staff.{SATISFIED}": 1}


@pytest.mark.parametrize(
    ("region", "nodes"),
    [
        ("330000000000", ["province"]),
        ("330100000000", ["province", "city"]),
        ("330106000000", ["province", "city", "county"]),
        ("330106003000", ["province", "city", "county", "township"]),
        # A village has no node of its own.
        ("330106003017", ["province", "city", "county", "township"]),
    ],
)
def test_a_rating_counts_in_the_regions_that_its_code_reaches(region, nodes):
    kinds = [node.partition("#")[0] for node, _ in added(rating(region_code=region))]
    assert [kind for kind in kinds if kind in {"province", "city", "county", "township"}] == nodes


def test_a_rating_without_its_service_counts_for_its_region_and_channel_and_for_nobody_in_particular():
    unlinked = rating(organisation=None, task_code=None, window=None, staff_ref=None, platform=None, service_channel=None)
    assert {node.partition("#")[0] for node, _ in added(unlinked)} == {"province", "city", "county", "township", "channel"}


def test_a_rating_that_names_no_item_still_counts_for_its_organisation():
    assert added(rating(task_code=None))[AT_ITEM[0], "2026-11-24#-"][SATISFIED] == 1


def test_where_no_window_is_named_the_member_of_staff_has_a_desk_of_their_own():
    assert added(rating(window=None))[AT_DESK[0], "2026-11-24#v1:staff"][f"staff.v1:staff.{SATISFIED}"] == 1
    assert AT_DESK[0] not in {node for node, _ in added(rating(window=None, staff_ref=None))}


def test_a_rating_counts_for_its_own_day_whenever_it_was_received():
    assert {day[:10] for _, day in added(rating(day=EARLIER))} == {"2026-11-20"}


@pytest.mark.property
@given(st.integers(0, 10**9))
def test_every_node_that_an_entry_touches_is_added_the_same(seed):
    for _, entry in Drawing(Random(seed)).entries():
        # Signs are only for the item and the window, and staff stand within theirs.
        own = ("via.", "delay.", "soon", "set.", "hour.", "staff.")
        by_day: dict[str, list[dict[str, int]]] = {}
        for (_, sk), held in added(entry).items():
            by_day.setdefault(sk[:10], []).append({name: amount for name, amount in held.items() if not name.startswith(own)})
        by_channel = {day: [held for held in each if held] for day, each in by_day.items()}
        # A default that is taken back had another channel than the rating that takes it back.
        if not getattr(entry, "takes_back", None):
            assert all(held == each[0] for each in by_channel.values() for held in each)


# ---------------------------------------------------------------- ratings


def test_a_follow_up_moves_no_counter_of_a_first_rating():
    follow_up = bad(round=2, service_day=EARLIER, identity_mode="REAL_NAME", delay="LATER", hour=9)
    assert in_the_province(follow_up) == {"2026-11-24": {"VISIT.2.SELF_DEVICE.DISSATISFIED": 1}}
    assert added(follow_up)[AT_ITEM] == {"VISIT.2.SELF_DEVICE.DISSATISFIED": 1}


def test_general_ratings_count_by_what_they_are_about():
    general = bad(kind="GENERAL", object_type="WINDOW", provenance="PAPER_ENTERED", identity_mode="REAL_NAME")
    assert in_the_province(general) == {"2026-11-24": {"GENERAL.1.PAPER_ENTERED.DISSATISFIED": 1, "object.WINDOW.DISSATISFIED": 1}}


def test_supervisory_ratings_count_as_such_and_as_nothing_else():
    supervisory = bad(kind="SUPERVISION", object_type="WINDOW", provenance="HOTLINE_CALLBACK", service_day=EARLIER)
    assert in_the_province(supervisory) == {"2026-11-24": {"SUPERVISION.1.HOTLINE_CALLBACK.DISSATISFIED": 1}}


def test_reasons_are_counted_with_what_the_facts_say_of_them():
    held = in_the_province(bad(checked={"209": "CONFIRMED"}))
    assert held == {"2026-11-24": {"VISIT.1.SELF_DEVICE.DISSATISFIED": 1, "tag.213": 1, "tag.209.CONFIRMED": 1}}
    assert "tag.209.NOT_CONFIRMED" in in_the_province(bad(checked={"209": "NOT_CONFIRMED"}))["2026-11-24"]


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("mode", ["REAL_NAME", "ANONYMOUS"])
def test_only_bad_ratings_under_a_name_are_counted_as_such(level, mode):
    held = in_the_province(rating(level=level, identity_mode=mode))["2026-11-24"]
    assert held.get("bad.REAL_NAME", 0) == (level.is_bad and mode == "REAL_NAME")


def test_what_was_remarked_of_a_rating_is_counted_but_an_overrun_only_with_its_service():
    flags = (Flag.OVERRUN_UNEXPLAINED, Flag.UNLISTED_ITEM)
    assert in_the_province(rating(flags=flags)) == {"2026-11-24": {SATISFIED: 1, "flag.UNLISTED_ITEM": 1, "unlisted.SELF_DEVICE": 1}}
    assert in_the_province(service(flags=flags)) == {"2026-11-24": {"finished": 1, "flag.OVERRUN_UNEXPLAINED": 1}}


def test_the_signs_of_a_rating_are_kept_where_they_can_be_looked_at():
    held = added(bad(delay="MINUTE_1", hour=9, device="kiosk-1"))
    assert held[AT_ITEM] == {
        "VISIT.1.SELF_DEVICE.DISSATISFIED": 1,
        "tag.213": 1,
        "tag.209": 1,
        "via.OFFLINE.HALL_TABLET": 1,
        "delay.MINUTE_1": 1,
        "set.213+209": 1,
    }
    assert held[AT_DESK]["hour.kiosk-1.09"] == 1
    assert added(rating(hour=14))[AT_DESK]["hour.-.14"] == 1
    assert "via" not in str(held[PROVINCE])


def test_a_rating_within_seconds_is_a_sign_unless_it_was_given_on_a_terminal():
    assert added(rating(delay="SECONDS_10"))[AT_ITEM]["soon"] == 1
    assert "soon" not in added(rating(delay="SECONDS_10", device="kiosk-1"))[AT_ITEM]
    assert "soon" not in added(rating(delay="SECONDS_30"))[AT_ITEM]


# ---------------------------------------------------------------- defaults


def default(**changes: Any) -> CountedRating:
    nobody = {"provenance": "DEFAULT", "level": "BASICALLY_SATISFIED", "rating_channel": "SYSTEM_DEFAULT"}
    return rating(**nobody | changes)


def test_a_default_counts_only_as_one():
    # Not as the rating of a service, nor with anything that a rater says or does.
    held = added(default(service_day=EARLIER, flags=(Flag.UNLISTED_ITEM,), delay="DAYS_7", hour=0))
    assert held.pop(AT_DESK) == {f"{staff}VISIT.1.DEFAULT.BASICALLY_SATISFIED": 1 for staff in ("", "staff.v1:staff.")}
    assert {tuple(counts.items()) for counts in held.values()} == {(("VISIT.1.DEFAULT.BASICALLY_SATISFIED", 1),)}
    assert {day[:10] for _, day in held} == {"2026-11-24"}


def test_a_rating_takes_the_default_back_under_what_it_was_counted_as():
    held = {"kind": "MATTER", "level": "BASICALLY_SATISFIED", "rating_channel": "SYSTEM_DEFAULT", "day": EARLIER}
    late = rating(takes_back=held)
    assert in_the_province(late) == {"2026-11-24": {SATISFIED: 1}, "2026-11-20": {"MATTER.1.DEFAULT.BASICALLY_SATISFIED": -1}}
    assert added(late)["channel#HALL_TABLET", "2026-11-24"] == {SATISFIED: 1}
    assert added(late)["channel#SYSTEM_DEFAULT", "2026-11-20"] == {"MATTER.1.DEFAULT.BASICALLY_SATISFIED": -1}
    assert ("channel#HALL_TABLET", "2026-11-20") not in added(late)


def test_of_a_default_that_was_taken_back_nothing_is_left():
    nobody = default(kind="MATTER", day=EARLIER)
    held = {name: getattr(nobody, name) for name in TakenBack.model_fields}
    assert added(nobody, rating(takes_back=held)) == added(rating())


# ---------------------------------------------------------------- exclusions


def test_an_exclusion_moves_the_rating_on_its_own_day_and_is_a_decision_of_the_day_on_which_it_is_made():
    counter = "VISIT.1.SELF_DEVICE.DISSATISFIED"
    assert in_the_province(turn(bad(), 1)) == {
        "2026-11-24": {counter: -1, "tag.213": -1, "tag.209": -1, f"excluded.MISTAKE.{counter}": 1},
        "2026-12-01": {"excluded_decided.MISTAKE": 1},
    }


def test_a_restoration_puts_everything_back_and_is_a_decision_of_its_own():
    whole = bad(identity_mode="REAL_NAME", checked={"209": "CONFIRMED"})
    held = added(whole, turn(whole, 1), turn(whole, 2, decided_day=date(2026, 12, 9)))
    assert {key: counts for key, counts in held.items() if key[1] < "2026-12"} == added(whole)
    assert held[PROVINCE[0], "2026-12-01"] == {"excluded_decided.MISTAKE": 1}
    assert held[PROVINCE[0], "2026-12-09"] == {"restored_decided.MISTAKE": 1}


def test_of_an_excluded_rating_only_the_exclusion_is_left_and_what_fabrication_is_known_by():
    whole = bad(identity_mode="REAL_NAME", delay="MINUTE_1", hour=9, service_day=DAY)
    held = added(whole, turn(whole, 1, reason="MALICIOUS"))
    out = "excluded.MALICIOUS.VISIT.1.SELF_DEVICE.DISSATISFIED"
    # Its service was rated, whatever came of the rating.
    assert held[PROVINCE] == {out: 1, "rated.SELF_DEVICE": 1}
    signs = {"via.OFFLINE.HALL_TABLET": 1, "delay.MINUTE_1": 1, "set.213+209": 1}
    assert held[AT_ITEM] == {out: 1, "rated.SELF_DEVICE": 1, **signs}


def test_a_general_rating_is_taken_out_of_what_it_is_about_too():
    general = bad(kind="GENERAL", object_type="WINDOW")
    assert "object.WINDOW.DISSATISFIED" not in in_the_province(general, turn(general, 1))["2026-11-24"]


def test_an_exclusion_without_a_reason_says_so():
    assert in_the_province(turn(rating(), 1, reason=None))["2026-12-01"] == {"excluded_decided.UNSTATED": 1}


@pytest.mark.property
@given(st.integers(0, 10**9))
def test_what_an_exclusion_takes_out_a_restoration_puts_back_whatever_was_rated(seed):
    for _, entry in Drawing(Random(seed)).entries():
        if isinstance(entry, CountedRating):
            turned = added(turn(entry, 1, decided_day=LATER), turn(entry, 2, decided_day=LATER))
            assert {day[:10] for _, day in turned} == {"2026-12-01"}


# ---------------------------------------------------------------- services


def test_a_service_counts_once_it_is_finished():
    assert in_the_province(service()) == {"2026-11-24": {"finished": 1}}
    assert added(service(status="ACCEPTED"), service(status="PENDING")) == {}
    assert "channel" not in {node.partition("#")[0] for node, _ in added(service())}


def test_a_service_that_was_rated_before_it_was_finished_is_counted_as_rated_with_it():
    assert in_the_province(service(rated="SELF_ONLINE")) == {"2026-11-24": {"finished": 1, "rated.SELF_ONLINE": 1}}


def test_a_rating_of_a_finished_service_is_counted_back_to_the_day_of_the_service():
    assert in_the_province(rating(service_day=EARLIER)) == {"2026-11-24": {SATISFIED: 1}, "2026-11-20": {"rated.SELF_DEVICE": 1}}


@pytest.mark.parametrize("provenance", list(Provenance))
def test_a_service_is_rated_by_whoever_rated_it_but_not_by_a_default(provenance):
    held = in_the_province(rating(provenance=provenance, service_day=EARLIER))
    assert held.get("2026-11-20", {}) == ({} if provenance is Provenance.DEFAULT else {f"rated.{provenance}": 1})


# ---------------------------------------------------------------- cases


def test_what_is_done_about_a_rating_counts_on_all_its_nodes_on_the_day_on_which_it_is_done():
    rated = bad(rating_id="r_1")
    step = CaseStep.model_validate({"rating": dict(rating_facts(**rated.model_dump(include=set(RatingFacts.model_fields)))), "day": LATER})
    held = added(step.model_copy(update={"measures": ("REPLIED", "REPLY_DUE")}))
    done = {"case.REPLIED": 1, "case.REPLY_DUE": 1}
    desk = held.pop((AT_DESK[0], "2026-12-01#A01"))
    assert desk == done | {f"staff.v1:staff.{name}": 1 for name in done}
    assert {(node, day[:10]) for node, day in held} == {(node, "2026-12-01") for node, _ in added(rated) if node != AT_DESK[0]}
    assert all(counts == done for counts in held.values())
    assert added(step) == {}
