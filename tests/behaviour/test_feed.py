"""The feed: every event once, in one order for everybody, whoever writes and reads at the same time; and for ever."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from datetime import timedelta

import pytest
from botocore.exceptions import BotoCoreError
from hypothesis import given
from hypothesis import strategies as st

from bed import CONTEXT
from cloud.clients import dynamodb, s3
from contract.refusals import Refused
from haochaping.measure.modelled import modelled
from notify import archive, archiving, feed
from notify.app import archive as run_archive
from notify.app import dispatch
from notify.cursor import SHARDS, Cursor, shard_of
from told import AT, as_told, message, progressed


def events(*numbers: int) -> list[dict]:
    return [as_told(progressed(n, rating=f"r_{n % 7}", order=n + 1)) for n in numbers]


def append(told: list[dict]) -> None:
    for shard in range(SHARDS):
        if of_shard := [event for event in told if shard_of(event) == shard]:
            feed.append(shard, of_shard)


def pulled(limit: int, cursor: Cursor = Cursor()) -> list[dict]:  # noqa: B008 - a tuple
    found: list[dict] = []
    while True:
        page = feed.page(cursor, limit)
        found += page.events
        cursor = page.cursor
        if not page.more:
            return found


def by_shard(found: list[dict]) -> list[list[str]]:
    return [[event["id"] for event in found if shard_of(event) == shard] for shard in range(SHARDS)]


# ---------------------------------------------------------------- many at once


@pytest.mark.property
@given(data=st.data())
def test_every_event_once_in_one_order_for_every_consumer_whoever_writes_meanwhile(data):
    """Writers are cut into each other before and after every transaction, readers read in the middle, and events are told twice."""
    numbers = st.integers(0, 40)
    batches = data.draw(st.lists(st.lists(numbers, min_size=1, max_size=6, unique=True), min_size=1, max_size=10))
    limits = data.draw(st.lists(st.integers(1, 9), min_size=3, max_size=3))
    waiting = [events(*batch) for batch in batches]
    with modelled() as model, pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "_PAUSE", 0)
        consumers = {limit: (Cursor(), []) for limit in limits}

        def read(limit: int) -> None:
            cursor, seen = consumers[limit]
            page = feed.page(cursor, limit)
            consumers[limit] = (page.cursor, seen + page.events)

        def meanwhile(operation: str) -> None:
            if operation not in {"TransactWriteItems", "Query"}:
                return
            model.before, model.after = nothing, nothing
            if waiting and data.draw(st.booleans()):
                append(waiting.pop())
            if data.draw(st.integers(0, 3)) == 0:
                read(data.draw(st.sampled_from(limits)))
            model.before = model.after = meanwhile

        def nothing(_: str) -> None:
            pass

        model.before = model.after = meanwhile
        while waiting:
            append(waiting.pop())
        model.before = model.after = nothing
        told = {event["id"] for batch in batches for event in events(*batch)}
        truth = by_shard(list(feed.everything()))
        assert sorted(id for shard in truth for id in shard) == sorted(told)
        for limit, (cursor, seen) in consumers.items():
            assert by_shard(seen + pulled(limit, cursor)) == truth
        assert by_shard(pulled(500)) == truth


def test_what_is_told_of_one_case_lies_in_one_shard_in_the_order_of_its_arrival(bed):
    told = [as_told(progressed(n, rating="r_one", order=n + 1)) for n in range(9)]
    append(told)
    assert pulled(3) == told


def test_what_is_told_twice_is_there_once_and_a_batch_goes_in_by_one_transaction(bed):
    calls: list[str] = []
    batch = {"Records": [message(progressed(n, rating="r_one", order=n + 1)) for n in range(12)]}
    with bed.hooked(dynamodb(), "before-send.dynamodb.TransactWriteItems", lambda request, **_: calls.append("one")):
        assert dispatch(batch, CONTEXT) == {"batchItemFailures": []}
    assert len(calls) == 1
    assert dispatch(batch, CONTEXT) == {"batchItemFailures": []}
    assert [event["id"] for event in pulled(100)] == [f"ev_{n}" for n in range(12)]


def test_a_batch_that_fails_for_one_shard_comes_again_for_that_shard_alone(bed):
    told = [progressed(n, rating=f"r_{n}") for n in range(12)]
    first = shard_of(as_told(told[0]))

    def of_that_shard(request) -> bool:
        return f'"F#{first}"' in request.body.decode()

    with bed.failing("TransactWriteItems", of_that_shard):
        answer = dispatch({"Records": [message(event) for event in told]}, CONTEXT)
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    assert failed == {message(event)["messageId"] for event in told if shard_of(as_told(event)) == first}
    assert len(pulled(100)) == 12 - len(failed)


def test_an_event_that_cannot_be_dealt_with_holds_up_no_other_of_its_shard(bed):
    bad = message(progressed(1, rating="r_one"), 1)
    broken = json.loads(bad["body"])
    broken["detail-type"] = "CaseEscalated"  # which says whom it addresses
    batch = [message(progressed(n, rating="r_one")) for n in (2, 3)] + [bad | {"body": json.dumps(broken)}]
    answer = dispatch({"Records": batch}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}
    assert sorted(event["id"] for event in pulled(10)) == ["ev_2", "ev_3"]


def test_what_is_no_event_goes_back_alone(bed):
    answer = dispatch({"Records": [message(progressed(1)), {"messageId": "x", "body": "{}"}]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "x"}]}
    assert len(pulled(10)) == 1


# ---------------------------------------------------------------- cursors


def test_a_consumer_that_was_away_catches_up_by_its_cursor(bed):
    append(events(*range(20)))
    page = feed.page(Cursor(), 8)
    kept = str(page.cursor)
    append(events(*range(20, 30)))
    later = pulled(7, Cursor.of(kept))
    assert len(page.events) + len(later) == 30
    assert {event["id"] for event in page.events}.isdisjoint(event["id"] for event in later)


@pytest.mark.parametrize("text", ["f1.1.2.3", "f1.1.2.3.x", "f2.1.2.3.4", "1", "f1.-1.0.0.0", "f1.1.2.3.4.5", "f1.1.2.3.4\n"])
def test_what_is_no_cursor_is_refused_clearly(text):
    with pytest.raises(Refused, match="bad_cursor"):
        Cursor.of(text)


def test_a_cursor_beyond_the_end_waits_there(bed):
    append(events(1, 2))
    page = feed.page(feed.end(), 10)
    assert (page.events, page.more) == ([], False)


# ---------------------------------------------------------------- what is old


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(archive, "BLOCK", 4)
    monkeypatch.setattr(archiving, "BLOCK", 4)


def test_what_policy_no_longer_keeps_at_hand_is_read_from_the_archive_just_the_same(bed, small_blocks, later):
    append(events(*range(40)))
    before = by_shard(pulled(500))
    bed.policy(feed_days=7)
    assert run_archive({}, CONTEXT) == {"blocks": 0}
    later(days=400)
    moved = run_archive({}, CONTEXT)["blocks"]
    assert moved == sum(len(shard) // 4 for shard in before)
    assert len(bed.items("FeedTable", "0")) == 40 - 4 * moved
    for limit in (1, 3, 7, 500):
        assert by_shard(pulled(limit)) == before
    append(events(*range(40, 50), 3, 4))
    assert [ids[: len(known)] for ids, known in zip(by_shard(pulled(5)), before, strict=True)] == before
    assert sum(map(len, by_shard(pulled(5)))) == 50
    assert feed.find("ev_3")["id"] == "ev_3"


def test_no_block_is_asked_for_that_is_not_there(bed, small_blocks):
    """A role that may not list the bucket is answered 403 then, and not 404."""
    append(events(*range(30)))
    archiving.archive_until(AT + timedelta(days=1))
    there = {found["Key"] for found in bed.s3.list_objects_v2(Bucket="segments", Prefix="feed/")["Contents"]}
    asked: set[str] = set()
    with bed.hooked(s3(), "provide-client-params.s3.GetObject", lambda params, **_: asked.add(params["Key"])):
        for limit in (1, 3, 5, 500):
            pulled(limit)
        for shard in range(SHARDS):
            feed.read(shard, feed.archived(shard), 500)
    assert asked == there


@pytest.mark.parametrize("operation", ["PutItem", "BatchWriteItem"])
def test_a_reader_finds_every_event_wherever_archiving_stopped(bed, small_blocks, operation):
    append(events(*range(30)))
    before = by_shard(pulled(500))
    for nth in range(1, 12):
        seen = iter(range(100))
        with bed.failing(operation, lambda _, nth=nth, seen=seen: next(seen) >= nth), suppress(BotoCoreError, OSError):
            archiving.archive_until(AT + timedelta(days=1))
        assert by_shard(pulled(3)) == before
    archiving.archive_until(AT + timedelta(days=1))
    assert by_shard(pulled(3)) == before
    assert len(bed.items("FeedTable", "0")) == sum(len(shard) % 4 for shard in before)


def test_the_archive_holds_nothing_that_the_feed_did_not(bed, small_blocks):
    append(events(*range(30)))
    archiving.archive_until(AT + timedelta(days=1))
    keys = [found["Key"] for found in bed.s3.list_objects_v2(Bucket="segments", Prefix="feed/")["Contents"]]
    assert keys
    held = [line for key in keys for line in archived(bed, key)]
    assert all(json.loads(line)["id"].startswith("ev_") for line in held)


def archived(bed, key: str) -> list[str]:
    return gzip.decompress(bed.s3.get_object(Bucket="segments", Key=key)["Body"].read()).decode().splitlines()
