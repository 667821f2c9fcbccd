"""Results are published once, on their day; what changes later stands beside them; a crash anywhere leaves nothing half or twice."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contract.zone import day_of
from crashes import Crash, die
from decided import granted
from said import AT, ORGANISATION, bad_rating, event, letter, rating
from scoring.period import NoPeriod, Period
from scoring.published import publishing
from scoring.published.results import Result

PROVINCE = "330000000000"
MONTH = Period.of_month(day_of(AT))
REGIONS = ("330100000000", "330106000000", "330200000000", "330203000000")
UNITS = (ORGANISATION, "11330106MB0000005W", "11330203MB0000007W")


@pytest.fixture
def small(bed):
    """A province of three organisations in two counties that publishes every number."""
    for row in bed.items("RegistryTable"):
        if row["pk"].startswith(("list#organisation#", "list#region#")) and row["sk"] not in {*UNITS, *REGIONS}:
            bed.dynamodb.delete_item(TableName="RegistryTable", Key={name: {"S": row[name]} for name in ("pk", "sk")})
    bed.policy(min_n=1)
    return bed


@pytest.fixture
def rated(small):
    """With one good and one bad rating in this month."""
    bed = small
    bed.accept(letter(event()), letter(rating()))
    bed.accept(letter(event(project_no="33-bad")), letter(bad_rating(project_no="33-bad")))
    bed.flow()
    return bed


@pytest.fixture
def on(later):
    """Moves the clock to noon (Shanghai) of a day."""

    def move(day: date, hour: int = 12) -> None:
        later(seconds=(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 8) - datetime.now(UTC)).total_seconds())

    return move


def after(days: int, period: Period = MONTH) -> date:
    """The day on which so many natural days after the end of a period have passed."""
    return period.end + timedelta(days=days)


def always() -> bool:
    return True


def run(is_time=always) -> list[str]:
    return [f"{news.period} r{news.revision}" for news in publishing.publish_due(is_time)]


def run_for(period: Period = MONTH) -> list[str]:
    return [told for told in run() if told.startswith(f"{period.name} ")]


def files(bed: Any) -> dict[str, bytes]:
    """Every published file as it stands."""
    keys = [found["Key"] for found in bed.s3.list_objects_v2(Bucket="results").get("Contents", [])]
    return {key: bed.s3.get_object(Bucket="results", Key=key)["Body"].read() for key in keys}


def result(bed: Any, revision: int = 1, period: Period = MONTH) -> Result:
    held = publishing.revisions(PROVINCE, period.name)[revision - 1]
    return Result.model_validate_json(files(bed)[held.files["application/json"]])


def say_something_late(bed: Any) -> None:
    bed.accept(letter(event(project_no="33-late")), letter(rating(project_no="33-late", level="SATISFIED", tags=["413"])))
    bed.flow()


# ---------------------------------------------------------------- when


def test_a_month_is_closed_when_the_days_after_its_end_have_passed_and_not_before(rated, on):
    on(after(2), hour=23)
    assert run_for() == []
    assert files(rated) == {}
    on(after(3), hour=0)
    assert run_for() == [f"{MONTH.name} r1"]
    assert {key.rpartition("/")[2] for key in files(rated)} >= {"result.json", "counts.csv", "index.html"}


def test_the_policy_says_how_many_days(rated, on):
    rated.policy(publish_after_days=10)
    on(after(9))
    assert run_for() == []
    on(after(10))
    assert run_for() == [f"{MONTH.name} r1"]


@pytest.mark.slow
def test_the_quarter_and_the_year_are_closed_with_their_last_month(rated, on):
    quarter = Period.of(f"{MONTH.first.year}-Q{(MONTH.first.month + 2) // 3}")
    year = Period.of(f"{MONTH.first.year}")
    on(after(2, quarter))
    assert run_for(quarter) == []
    on(after(3, quarter))
    assert run_for(quarter) == [f"{quarter.name} r1"]
    on(after(3, year))
    run()
    assert [held.revision for held in publishing.revisions(PROVINCE, year.name)] == [1]
    whole, part = result(rated, period=year), result(rated, period=quarter)
    assert whole.region.rows == part.region.rows == result(rated).region.rows
    assert [(node.id, node.rows["own"].total) for node in whole.of_kind("month")] == [
        (month.isoformat()[:7], 2 if month == MONTH.first else 0) for month in year.months
    ]


def test_a_month_in_which_nothing_was_counted_is_not_published(bed, on):
    on(after(3))
    assert run() == []
    assert files(bed) == {}


def test_a_month_that_was_missed_is_closed_later(rated, on):
    on(after(60))
    assert run_for() == [f"{MONTH.name} r1"]


# ---------------------------------------------------------------- once


def test_nothing_is_published_twice(rated, on):
    on(after(3))
    assert run_for() == [f"{MONTH.name} r1"]
    before = files(rated)
    assert run() == []
    on(after(4))
    assert run() == []
    assert publishing.publish(MONTH) is None
    assert files(rated) == before
    rated.flow()
    assert len([told for told in rated.told("ResultsPublished") if told["period"] == MONTH.name]) == 1


def test_what_is_told_names_the_files(rated, on):
    on(after(3))
    publishing.publish(MONTH)
    rated.flow()
    (told,) = rated.told("ResultsPublished")
    held = files(rated)
    assert (told["region_code"], told["period"], told["revision"]) == (PROVINCE, MONTH.name, 1)
    assert told["files"] == {
        media: f"results/{PROVINCE}/{MONTH.name}/r1-{after(3)}/{name}"
        for media, name in (("application/json", "result.json"), ("text/csv", "counts.csv"), ("text/html", "index.html"))
    }
    assert told["sha256"] == hashlib.sha256(held[told["files"]["application/json"]]).hexdigest()
    assert told["policy_version"] == result(rated).policy.version


def _is_row(request: Any) -> bool:
    return b"RESULTS#" in request.body and b'"told"' not in request.body


def _is_mark(request: Any) -> bool:
    return b"RESULTS#" in request.body and b'"told"' in request.body


STEPS = {
    "JSON file": ("s3", "PutObject", lambda request: "result.json" in request.url),
    "CSV file": ("s3", "PutObject", lambda request: "counts.csv" in request.url),
    "page": ("s3", "PutObject", lambda request: "index.html" in request.url),
    "row": ("dynamodb", "PutItem", _is_row),
    "event": ("events", "PutEvents", lambda _: True),
    "mark": ("dynamodb", "PutItem", _is_mark),
}


def crash(bed: Any, step: str, when: str) -> None:
    """Publishes the month, and dies before or after a step."""
    from cloud import clients

    service, operation, is_it = STEPS[step]
    client, taken = getattr(clients, service)(), []

    def before(request: Any, **_: Any) -> None:
        if is_it(request):
            taken.append(request)
            if when == "before":
                die()

    def behind(**_: Any) -> None:
        if taken and when == "after":
            die()

    with (
        bed.hooked(client, f"before-send.{service}.{operation}", before),
        bed.hooked(client, f"after-call.{service}.{operation}", behind),
        pytest.raises(Crash),
    ):
        publishing.publish(MONTH)
    assert len(taken) == 1


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_leaves_one_result_and_one_event(rated, on, step, when):
    on(after(3))
    crash(rated, step, when)
    left = files(rated)
    on(after(4))
    publishing.publish(MONTH)
    assert files(rated).items() >= left.items()
    assert len(publishing.revisions(PROVINCE, MONTH.name)) == 1
    is_begun = (step, when) != ("JSON file", "before")
    assert {key.split("/")[3] for key in files(rated)} == {f"r1-{after(3 if is_begun else 4)}"}
    assert {key.rpartition("/")[2] for key in files(rated)} == {"result.json", "counts.csv", "index.html"}
    rated.flow()
    (told,) = rated.told("ResultsPublished")
    assert told["event_id"] == publishing.revisions(PROVINCE, MONTH.name)[0].event().event_id


def test_a_result_that_was_begun_is_finished_as_it_was_begun_and_what_came_since_is_the_next(rated, on):
    on(after(3))
    crash(rated, "page", "before")
    say_something_late(rated)
    on(after(4))
    publishing.publish(MONTH)
    assert result(rated).region.rows["own"].total == 2
    assert result(rated).edition.published_on == after(3)
    publishing.publish(MONTH)
    assert result(rated, 2).region.rows["own"].total == 3


@pytest.mark.slow
def test_a_run_that_is_out_of_time_stops_and_the_next_one_goes_on(rated, on, monkeypatch):
    from cloud.clients import dynamodb

    read = []
    monkeypatch.setattr("scoring.published.gathering._AT_A_TIME", 1)
    on(after(3))
    with rated.hooked(dynamodb(), "provide-client-params.dynamodb.Query", lambda params, **_: read.append(params)):
        told, runs = [], 0
        while not told:
            runs, enough = runs + 1, len(read) + 40
            told = run(lambda enough=enough: len(read) < enough)
    assert (told[0], runs > 2) == (f"{MONTH.name} r1", True)
    asked = [params["ExpressionAttributeValues"][":pk"]["S"] for params in read if params["TableName"] == "ScoresTable"]
    counts = [partition for partition in asked if partition.startswith(("organisation#", "desks#"))]
    assert len(counts) == len(set(counts)) == 2 * len(result(rated).of_kind("organisation"))


# ---------------------------------------------------------------- what changes later


def test_a_late_rating_makes_a_dated_revision_and_changes_nothing_that_was_published(rated, on):
    on(after(3))
    run()
    first = files(rated)
    say_something_late(rated)
    on(after(12))
    assert run_for() == [f"{MONTH.name} r2"]
    assert files(rated).items() >= first.items()
    assert (result(rated, 1).region.rows["own"].total, result(rated, 2).region.rows["own"].total) == (2, 3)
    held = publishing.revisions(PROVINCE, MONTH.name)[1]
    assert (held.published_on, f"/r2-{after(12)}/" in held.files["text/html"]) == (after(12), True)
    page = files(rated)[held.files["text/html"]].decode()
    assert f"第1版 {after(3)}" in page
    rated.flow()
    told = [(news["revision"], news["event_id"]) for news in rated.told("ResultsPublished") if news["period"] == MONTH.name]
    assert sorted(revision for revision, _ in told) == [1, 2]
    assert len({id for _, id in told}) == 2


def test_an_excluded_rating_makes_a_revision_and_is_shown_as_excluded(rated, on):
    on(after(3))
    run()
    rated.decide(granted(rated))
    rated.flow()
    on(after(10))
    assert run_for() == [f"{MONTH.name} r2"]
    before, now = result(rated, 1).region, result(rated, 2).region
    assert (before.rows["own"].total, now.rows["own"].total) == (2, 1)
    assert now.rows["excluded"].cells == {"MISTAKE": 1}


def test_three_months_after_it_was_closed_a_month_is_not_looked_at_any_more(rated, on):
    on(after(3))
    run()
    say_something_late(rated)
    on(after(3 + 92))
    assert run_for() == []
    on(after(3 + 91))
    assert run_for() == [f"{MONTH.name} r2"]


def test_within_a_week_a_period_is_looked_at_once(rated, on):
    on(after(3), hour=5)
    run()
    say_something_late(rated)
    on(after(9), hour=7)
    assert run_for() == []
    on(after(10), hour=5)
    assert run_for() == [f"{MONTH.name} r2"]


def test_by_hand_nothing_is_published_before_its_time_and_no_single_day(rated, on):
    on(after(2))
    with pytest.raises(publishing.NotYet):
        publishing.publish(MONTH)
    with pytest.raises(NoPeriod):
        publishing.publish(Period.of(AT.date().isoformat()))


def count(unit: str, day: date, **levels: int) -> None:
    """Counts that are there, without the ratings that they came from."""
    from scoring import scores
    from scoring.nodes import ScoreKey

    amounts = {f"VISIT.1.SELF_DEVICE.{level}": number for level, number in levels.items()}
    for pk, part in ((f"organisation#{unit}", "#-"), ("county#330106000000", ""), (f"province#{PROVINCE}", "")):
        scores.correct(ScoreKey(pk, f"{day}{part}"), amounts, f"test#{unit}#{levels}")


@pytest.mark.slow
def test_the_next_month_says_how_places_moved(small, on):
    one, other, _ = UNITS
    following = Period.of_month(MONTH.end)
    for period, good, bad in ((MONTH, one, other), (following, other, one)):
        count(good, period.first, SATISFIED=20)
        count(bad, period.first, DISSATISFIED=20)
    on(after(3))
    run()
    on(after(3, following))
    run()
    (ranking,) = [
        held
        for held in result(small, period=following).rankings
        if (held.of, held.kind, held.indicator) == ("county#330106000000", "organisation", "good_rate")
    ]
    assert [(place.id, place.rank, place.moved) for place in ranking.places] == [(other, 1, 1), (one, 2, -1)]


@pytest.mark.slow
def test_a_year_is_read_afresh_when_it_is_closed_however_old_its_months_are(small, on):
    month, year = Period.of(f"{MONTH.first.year + 1}-02"), Period.of(f"{MONTH.first.year + 1}")
    count(ORGANISATION, month.first, SATISFIED=20)
    on(after(3, month))
    run()
    count(ORGANISATION, month.first, SATISFIED=5)
    on(after(3, year))
    run()
    assert result(small, period=month).region.rows["own"].total == 20
    assert result(small, period=year).region.rows["own"].total == 25
    assert next(node for node in result(small, period=year).nodes if node.id == ORGANISATION).rows["own"].total == 25


def test_after_a_correction_of_old_counts_a_period_is_published_by_hand(small, on):
    count(ORGANISATION, MONTH.first, SATISFIED=20)
    on(after(3))
    run()
    count(ORGANISATION, MONTH.first, SATISFIED=5)
    on(after(300))
    assert publishing.publish(MONTH).revision == 2
    assert result(small, 2).region.rows["own"].total == 25


# ---------------------------------------------------------------- what is in it


def test_no_person_no_case_file_and_no_text_is_in_any_file(rated, on):
    on(after(3))
    publishing.publish(MONTH)
    (entry,) = rated.items("LedgerTable", "R#")[:1]
    everything = b"".join(files(rated).values()).decode()
    canaries = [entry["staff_ref"], entry["rating_id"], "canary", "33-bad", "33202611240001", "等了两个小时", "A01", "v1:"]
    assert [canary for canary in canaries if canary in everything] == []
    assert "staff" not in files(rated)[publishing.revisions(PROVINCE, MONTH.name)[0].files["application/json"]].decode()


def test_names_are_those_of_the_register_and_are_screened(rated, on):
    from cloud import registry

    held = registry.find("organisation", ORGANISATION, MONTH.last) | {"zh": "政务服务中心 电话13800138000", "en": "=1+1 <b>"}
    registry.add(registry.Record(kind="organisation", id=ORGANISATION, valid_from=MONTH.first, value=held))
    registry.forget()
    on(after(3))
    publishing.publish(MONTH)
    unit = next(node for node in result(rated).nodes if node.id == ORGANISATION)
    assert (unit.zh, unit.within) == ("政务服务中心 电话【电话】", "county#330106000000")
    held = files(rated)
    everything = b"".join(held.values()).decode()
    assert "13800138000" not in everything
    revision = publishing.revisions(PROVINCE, MONTH.name)[0]
    assert "=1+1 &lt;b&gt;" in held[revision.files["text/html"]].decode()
    rows = list(csv.reader(io.StringIO(held[revision.files["text/csv"]].decode("utf-8-sig"))))
    assert {row[5] for row in rows if row[3] == ORGANISATION} == {"'=1+1 <b>"}


def test_few_ratings_are_not_published(bed, on):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    on(after(3))
    publishing.publish(MONTH)
    said = json.loads(files(bed)[publishing.revisions(PROVINCE, MONTH.name)[0].files["application/json"]])
    assert said["nodes"][0]["rows"]["own"] == {"total": None, "cells": None, "suppressed": True}
    assert {node["rows"]["own"]["suppressed"] for node in said["nodes"] if node["id"] in {ORGANISATION, "330106000000"}} == {True}
    assert said["tags"] == []


def test_policy_and_code_are_named(rated, on, monkeypatch):
    from cloud.settings import settings

    monkeypatch.setenv("CODE_VERSION", "1.2.3+abc")
    settings.cache_clear()
    on(after(3))
    publishing.publish(MONTH)
    held = result(rated)
    assert held.edition.code_version == "1.2.3+abc"
    assert held.policy.version == f"{PROVINCE}@2026-01-02"
    assert (held.policy.min_n, [one.value for one in held.policy.valid_provenances]) == (1, ["SELF_ONLINE", "SELF_DEVICE"])
    assert "1.2.3+abc" in files(rated)[publishing.revisions(PROVINCE, MONTH.name)[0].files["text/html"]].decode()
