"""The relay tells the bus what the Ledger holds, once as far as anyone can tell, and keeps every record as a raw segment."""

from __future__ import annotations

import json

import pytest

from bed import CONTEXT
from cloud.bus import NotPublished
from intake.app import announce, relay
from said import bad_rating, event, letter, rating, raw


def told(bed) -> list[dict]:
    return [json.loads(message["body"]) for message in bed.messages("NotifyInbox")]


def segment_lines(bed) -> list[dict]:
    return [json.loads(line) for line in bed.segments().splitlines()]


def test_a_bad_rating_is_told_and_a_good_one_is_not(bed):
    bed.accept(letter(event()), letter(rating()), letter(event(project_no="33-2")), letter(bad_rating(project_no="33-2")))
    relay({"Records": bed.stream("LedgerTable"), "shardId": "s"}, CONTEXT)
    (news,) = told(bed)
    assert (news["detail-type"], news["source"]) == ("BadRatingAccepted", "haochaping.intake")
    assert news["detail"]["rating"]["level"] == "DISSATISFIED"


def test_a_batch_told_twice_carries_the_same_event_id(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    records = bed.stream("LedgerTable")
    for _ in range(2):
        relay({"Records": records, "shardId": "s"}, CONTEXT)
    first, second = told(bed)
    assert first["detail"] == second["detail"]
    assert first["detail"]["event_id"].startswith("ev_")


def test_only_the_events_that_failed_are_put_again(bed):
    from cloud.clients import events

    bed.accept(*[letter(said(project_no=f"33-{n}")) for n in range(3) for said in (event, bad_rating)])
    sizes = []

    def refuse_one(parsed, **_):
        sizes.append(len(parsed["Entries"]))
        if len(sizes) == 1:
            parsed["Entries"][1] = {"ErrorCode": "ThrottlingException"}

    with bed.hooked(events(), "after-call.events.PutEvents", refuse_one):
        relay({"Records": bed.stream("LedgerTable"), "shardId": "s"}, CONTEXT)
    assert sizes == [3, 1]


def test_a_bus_that_keeps_refusing_stops_the_lane(bed):
    from cloud.clients import events

    bed.accept(letter(event()), letter(bad_rating()))

    def refuse(parsed, **_):
        parsed["Entries"] = [{"ErrorCode": "InternalFailure"} for _ in parsed["Entries"]]

    with bed.hooked(events(), "after-call.events.PutEvents", refuse), pytest.raises(NotPublished):
        relay({"Records": bed.stream("LedgerTable"), "shardId": "s"}, CONTEXT)


def test_every_record_is_kept_in_a_raw_segment_without_case_file_number_person_or_text(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    relay({"Records": bed.stream("LedgerTable"), "shardId": "shardId-7"}, CONTEXT)
    lines = segment_lines(bed)
    assert [line["entry"] for line in lines] == ["E", "R"]
    assert {line["lane"] for line in lines} == {"LedgerTable/shardId-7"}
    text = json.dumps(lines, ensure_ascii=False)
    for secret in (event().project_no, "canary", bad_rating().comment, "0007"):
        assert secret not in text


def test_an_altered_entry_is_set_aside_and_never_told(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.stream("LedgerTable")
    (entry,) = bed.items("LedgerTable", "R#")
    key = {"pk": {"S": entry["pk"]}, "sk": {"S": entry["sk"]}}
    bed.dynamodb.update_item(
        TableName="LedgerTable",
        Key=key,
        UpdateExpression="SET #l = :best",
        ExpressionAttributeNames={"#l": "level"},
        ExpressionAttributeValues={":best": {"S": "VERY_SATISFIED"}},
    )
    relay({"Records": bed.stream("LedgerTable"), "shardId": "s"}, CONTEXT)
    assert told(bed) == []
    (note,) = bed.messages("SetAside")
    assert json.loads(note["body"])["reason"] == "Altered"


def test_refusals_are_announced_per_party_with_a_count_per_code(bed):
    bed.accept(raw("{", "1"), raw("[]", "2"), letter(rating(kind="GENERAL"), "3"), raw("{", "4", party="nobody"))
    announce({"Records": bed.stream("QuarantineTable")}, CONTEXT)
    news = {item["detail"]["party"]: item["detail"] for item in told(bed)}
    assert news["hall-devices"]["codes"] == {"not_json": 2, "kind_not_accepted": 1}
    assert news["hall-devices"]["count"] == 3
    assert news["unregistered"]["codes"] == {"unknown_party": 1}
