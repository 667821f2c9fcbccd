"""`haochaping audit`: whatever was altered, dropped or added is found and named; what was not passes."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from cloud import segments
from cloud.clients import s3
from cloud.segments import Line
from cloud.table import marshal, unmarshal
from contract.zone import SHANGHAI
from decided import granted
from haochaping import stack
from haochaping.cli import app
from intake import door
from intake.sealing import LedgerKey
from notify.sealed import days, files, gathering, sealing
from said import bad_rating, event, general, letter, rating
from template_file import ROOT

MARKED = "r_canary"


@pytest.fixture(autouse=True)
def connected(monkeypatch):
    monkeypatch.setattr(stack, "connect", lambda: None)


@pytest.fixture
def told(bed, later):
    """A service with a bad rating that is excluded, one with a good rating, a general rating: sealed, and their days closed."""
    bed.accept(letter(event()), letter(bad_rating()), letter(event(project_no="33-2")), letter(rating(project_no="33-2")))
    bed.accept(letter(general(level="SATISFIED", tags=[])))
    bed.flow()
    assert bed.decide(granted(bed)) == []
    bed.flow()
    later(days=2)
    sealing.seal()
    return bed


def audit(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["audit", *arguments, "--json"])
    return result.exit_code, json.loads(result.stdout)


def found(*arguments: str) -> dict[str, list[str]]:
    """What is found, by fault: of what."""
    code, report = audit("verify", *arguments)
    assert code == bool(report["findings"])
    faults: dict[str, list[str]] = {}
    for finding in report["findings"]:
        faults.setdefault(finding["fault"], []).append(finding["of"])
    return faults


def said(*arguments: str) -> str:
    return " ".join(CliRunner().invoke(app, ["audit", *arguments]).output.split())


def good_rating(bed) -> dict[str, Any]:
    (entry,) = [item for item in bed.items("LedgerTable", "R#") if item["level"] == "VERY_SATISFIED"]
    return entry


def of_ledger(entry: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"TableName": "LedgerTable", "Item": marshal(entry | changes)}


def rewrite(bed, change, segment=None) -> days.Segment:
    """Alters the lines of a file; the segment as it would have to be."""
    segment = segment or next(iter(days.segments_after(0)))
    lines = change(list(files.lines_of(segment)))
    body = gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)
    bed.s3.put_object(Bucket="segments", Key=segment.key, Body=body)
    hashes = [gathering.tree.leaf_hash(line) for line in lines]
    root = gathering.tree.root_of_hashes(hashes).hex()
    said = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "root": root, "entries": len(lines)}
    return segment.model_copy(update=said | {"ratings": sum(json.loads(line)["entry"] in "RD" for line in lines)})


def put(pk: str, sk: str, of: Any) -> None:
    """Writes over a row of the seals."""
    from cloud.table import get, put

    row = get("FeedTable", {"pk": pk, "sk": sk})
    put("FeedTable", row | of.plain())


def worsen(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"VERY_SATISFIED"', b'"VERY_DISSATISFIED"') for line in lines]


# ---------------------------------------------------------------- clean


def test_a_clean_ledger_passes(told):
    code, report = audit("verify", "--ledger")
    assert (code, report["findings"]) == (0, [])
    assert (report["entries"], report["ledger"], report["not_yet_sealed"]) == (6, 6, 0)
    assert "没有问题 nothing was altered" in said("verify")


def test_before_anything_is_sealed_there_is_nothing_to_say(bed):
    assert found("--ledger") == {}
    assert audit("days") == (0, {"days": [], "open": {}})


def test_the_days_are_listed_and_what_is_open(bed, monkeypatch):
    today = datetime.now(SHANGHAI).date()
    monkeypatch.setattr("cloud.clock.now", lambda: datetime.combine(today, datetime.min.time(), SHANGHAI) + timedelta(hours=3))
    write([bad(1, today - timedelta(days=1))])
    write([bad(2, today)])
    assert audit("seal") == (0, {"segments": 2, "entries": 2, "closed": 1})
    _, listed = audit("days")
    assert [day["ledger_day"] for day in listed["days"]] == [str(today - timedelta(days=1))]
    assert listed["open"] == {str(today): [2]}
    shown = said("days")
    assert listed["days"][0]["sha256"][:20] in shown
    assert f"open {today}" in shown
    assert "分段 segments 0, 条目 entries 0, 结日 days closed 0" in said("seal")


def write(lines: list[Line]) -> None:
    segments.write(lines)


def bad(number: int, day: Any) -> Line:
    facts = {"rating_id": f"r_{number}", "level": "DISSATISFIED", "day": str(day)}
    return Line(str(day), (str(day),), "LedgerTable/shardId-1", number, 0, "R", f"k{number}", facts)


def test_what_is_on_its_way_is_no_fault(told):
    told.accept(letter(event(project_no="33-5")), letter(rating(project_no="33-5")))  # not relayed
    _, before = audit("verify", "--ledger")
    told.flow()  # relayed, not sealed
    code, report = audit("verify", "--ledger")
    assert code == 0
    assert (before["ledger"], report["ledger"], report["not_yet_sealed"]) == (8, 8, 2)


# ---------------------------------------------------------------- a rating is altered


def test_a_rating_that_is_altered_in_the_ledger_is_named(told):
    entry = good_rating(told)
    told.dynamodb.put_item(**of_ledger(entry, level="VERY_DISSATISFIED"))
    assert found() == {}
    assert found("--ledger") == {"entry_altered": [f"R {entry['rating_id']}"]}
    shown = said("verify", "--ledger")
    assert f"{entry['rating_id']}: 条目在台账与分段中不同 Ledger and segment say different things" in shown
    assert entry["project_no"] not in shown


@pytest.mark.parametrize(("kind", "name", "value"), [("R#", "level", "???"), ("E#", "day", "never"), ("X#", "turn", "x")])
def test_what_is_no_entry_any_more_is_named(told, kind, name, value):
    entry = told.items("LedgerTable", kind)[0]
    told.dynamodb.put_item(**of_ledger(entry, **{name: value}))
    own = entry["event_ref"] if kind == "E#" else entry["rating_id"]
    ((fault, (named,)),) = found("--ledger").items()
    assert (fault, named.split()[:2]) == ("entry_altered", [kind[0], own])


def test_a_rating_that_is_altered_in_the_file_is_found(told):
    rewrite(told, worsen)
    assert found() == {"file_altered": ["1"]}
    assert found("--ledger") == {"file_altered": ["1"], "entry_altered": [f"R {good_rating(told)['rating_id']}"]}


def test_one_that_is_altered_in_file_and_segment_is_found(told):
    segment = rewrite(told, worsen)
    put("LEDGER#SEGMENTS", "000000001", segment)
    assert found() == {"day_differs": [str(segment.ledger_day)]}


def altered_up_to_the_day(bed) -> days.Day:
    segment = rewrite(bed, worsen)
    put("LEDGER#SEGMENTS", "000000001", segment)
    day = days.day(segment.ledger_day)
    lying = days.segments_of(segment.ledger_day)
    day = day.model_copy(update={"root": sealing.root_of(lying)})
    put("LEDGER#DAYS", str(day.ledger_day), day)
    return day


def test_one_that_is_altered_up_to_the_day_contradicts_its_hash(told):
    day = altered_up_to_the_day(told)
    assert found() == {"day_altered": [str(day.ledger_day)], "document_altered": [str(day.ledger_day)]}


def test_one_that_is_altered_with_the_hash_of_its_day_breaks_the_chain_behind_it(told):
    day = altered_up_to_the_day(told)
    day = day.model_copy(update={"sha256": hashlib.sha256(day.document()).hexdigest()})
    put("LEDGER#DAYS", str(day.ledger_day), day)
    files.write_day(day)
    ((fault, named),) = found().items()
    assert fault == "chain_broken"
    assert named == [str(day.ledger_day + timedelta(days=1))]


def test_a_chain_that_was_written_anew_from_end_to_end_contradicts_what_somebody_kept(told):
    kept = {day.ledger_day: day.sha256 for day in days.days()}
    first = altered_up_to_the_day(told)
    previous = first.previous
    for day in days.days():
        day = day.model_copy(update={"previous": previous})
        day = day.model_copy(update={"sha256": hashlib.sha256(day.document()).hexdigest()})
        put("LEDGER#DAYS", str(day.ledger_day), day)
        files.write_day(day)
        previous = day.sha256
    head = days.head()
    days.note(head.model_copy(update={"previous": previous}))
    assert found() == {}
    day, sha256 = list(kept.items())[-1]
    assert found("--expect", f"{day}={sha256}") == {"day_unexpected": [str(day)]}


def test_what_was_kept_is_found_as_it_was_kept(told):
    kept = [("--expect", f"{day.ledger_day}={day.sha256.upper()}") for day in days.days()]
    assert found(*(part for each in kept for part in each)) == {}
    assert found("--expect", f"2020-01-01={'0' * 64}") == {"day_missing": ["2020-01-01"]}


# ---------------------------------------------------------------- dropped, added


def test_a_rating_that_is_dropped_from_the_ledger_is_named(told):
    entry = good_rating(told)
    told.dynamodb.delete_item(TableName="LedgerTable", Key=marshal({"pk": entry["pk"], "sk": entry["sk"]}))
    assert found("--ledger") == {"not_in_ledger": [f"R {entry['rating_id']}"]}


def test_a_rating_that_is_added_to_the_ledger_is_named(told):
    entry = good_rating(told)
    key = LedgerKey("P#33-9", "R#01#1")
    told.dynamodb.put_item(**of_ledger(entry, **key._asdict(), rating_id=door.keys().rating_id(key)))
    assert found("--ledger") == {"not_sealed": [f"R {door.keys().rating_id(key)}"]}


def test_an_exclusion_that_is_added_to_the_ledger_is_named_once_its_day_is_over(told):
    (entry,) = told.items("LedgerTable", "X#")
    told.dynamodb.put_item(**of_ledger(entry, sk="X#01#1#2", turn=2))
    assert found("--ledger") == {"not_sealed": [f"X {entry['rating_id']} 2"]}


def test_a_rating_that_is_dropped_from_a_file_is_found(told):
    segment = rewrite(told, lambda lines: [line for line in lines if b'"VERY_SATISFIED"' not in line])
    put("LEDGER#SEGMENTS", "000000001", segment)
    assert found("--ledger") == {"day_differs": [str(segment.ledger_day)], "not_sealed": [f"R {good_rating(told)['rating_id']}"]}


def test_a_rating_that_is_added_to_a_file_is_found(told):
    def add(lines: list[bytes]) -> list[bytes]:
        return [*lines, json.dumps({"entry": "R", "rating_id": MARKED}).encode()]

    segment = rewrite(told, add)
    put("LEDGER#SEGMENTS", "000000001", segment)
    assert found("--ledger") == {"day_differs": [str(segment.ledger_day)], "not_in_ledger": [f"R {MARKED}"]}


def test_an_entry_that_is_sealed_twice_is_named(told):
    segment = rewrite(told, lambda lines: [*lines, lines[-1]])
    put("LEDGER#SEGMENTS", "000000001", segment)
    faults = found("--ledger")
    assert faults.keys() == {"day_differs", "sealed_twice"}


# ---------------------------------------------------------------- what is missing


def test_a_file_that_is_missing_or_none_is_found(told):
    segment = days.segment(1)
    told.s3.put_object(Bucket="segments", Key=segment.key, Body=b"no gzip")
    assert found() == {"file_altered": ["1"]}
    assert found("--ledger").keys() == {"file_altered", "not_sealed"}
    told.s3.delete_object(Bucket="segments", Key=segment.key)
    assert found() == {"file_missing": ["1"]}
    assert found("--ledger").keys() == {"file_missing", "not_sealed"}


def test_numbers_of_a_segment_that_are_not_those_of_its_file_are_found(told):
    segment = days.segment(1)
    put("LEDGER#SEGMENTS", "000000001", segment.model_copy(update={"ratings": 0}))
    assert found() == {"day_differs": [str(segment.ledger_day)], "segment_differs": ["1"]}


def drop(bed, pk: str, sk: str) -> None:
    bed.dynamodb.delete_item(TableName="FeedTable", Key=marshal({"pk": pk, "sk": sk}))


def test_a_segment_that_is_missing_is_found(told):
    segment = days.segment(1)
    drop(told, "LEDGER#SEGMENTS", "000000001")
    assert found() == {"segment_missing": ["1"], "day_differs": [str(segment.ledger_day)]}


def test_a_day_that_is_missing_is_found_at_the_beginning_between_and_at_the_end(told, later):
    later(days=5)
    sealing.seal()
    chain = days.days()
    rows = {day: unmarshal(item) for day in chain for item in [raw_row(told, day)]}
    for day, faults in (
        (chain[0], {"chain_broken", "segment_misplaced"}),
        (chain[2], {"chain_broken", "day_missing"}),
        (chain[-1], {"day_missing"}),
    ):
        drop(told, "LEDGER#DAYS", str(day.ledger_day))
        assert found().keys() >= faults
        told.dynamodb.put_item(TableName="FeedTable", Item=marshal(rows[day]))
    assert found() == {}
    for day in chain:
        drop(told, "LEDGER#DAYS", str(day.ledger_day))
    assert found().keys() == {"chain_broken", "segment_misplaced"}


def raw_row(bed, day: days.Day) -> dict[str, Any]:
    return bed.dynamodb.get_item(TableName="FeedTable", Key=marshal({"pk": "LEDGER#DAYS", "sk": str(day.ledger_day)}))["Item"]


def test_a_document_that_is_missing_is_found(told):
    day = days.days()[0].ledger_day
    told.s3.delete_object(Bucket="segments", Key=f"sealed/days/{day}.json")
    assert found() == {"document_altered": [str(day)]}


def test_only_the_files_of_the_days_that_are_asked_for_are_read(told):
    segment = rewrite(told, worsen)
    after = str(segment.ledger_day + timedelta(days=1))
    assert found("--from", after) == {}
    assert found("--to", str(segment.ledger_day)) == {"file_altered": ["1"]}


@pytest.mark.parametrize(
    "arguments", [("--from", "yesterday"), ("--expect", "2026-11-24"), ("--expect", f"x={'0' * 64}"), ("--ledger", "--to", "2026-11-24")]
)
def test_what_cannot_be_asked_is_refused(told, arguments):
    assert CliRunner().invoke(app, ["audit", "verify", *arguments]).exit_code == 2


# ---------------------------------------------------------------- a receipt


def receipt_of(entry: dict[str, Any]) -> str:
    return door.keys().receipt(LedgerKey(entry["pk"], entry["sk"]))


@pytest.mark.parametrize("kind", ["E#", "R#", "X#"])
def test_a_receipt_is_proved_up_to_the_hash_of_its_day(told, kind):
    for entry in told.items("LedgerTable", kind):
        code, report = audit("verify", "--receipt", receipt_of(entry))
        proof = report["proof"]
        assert (code, proof["holds"]) == (0, True)
        assert proof["day"] == days.day(days.segment(proof["segment"]["number"]).ledger_day).plain()
        assert entry["pk"] not in json.dumps(report)
    shown = said("verify", "--receipt", receipt_of(entry))
    assert "证明成立 the proof holds" in shown
    assert proof["day"]["sha256"] in shown


def test_a_receipt_of_a_day_that_is_open_is_proved_up_to_its_segment(bed, monkeypatch):
    bed.accept(letter(event()))
    bed.flow()
    (entry,) = bed.items("LedgerTable", "E#")
    end = datetime.combine(date.fromisoformat(entry["day"]) + timedelta(days=1), time(), SHANGHAI)
    monkeypatch.setattr("cloud.clock.now", lambda: end + timedelta(minutes=30))
    sealing.seal()
    code, report = audit("verify", "--receipt", receipt_of(entry))
    assert (code, report["proof"]["holds"], "day" in report["proof"]) == (0, True, False)
    assert "该日未结 the day is not closed yet" in said("verify", "--receipt", receipt_of(entry))


def test_what_cannot_be_proved_is_said(told):
    def answer(receipt: str) -> str:
        result = CliRunner().invoke(app, ["audit", "verify", "--receipt", receipt])
        assert result.exit_code == 1
        return result.output

    entry = good_rating(told)
    assert "not a receipt of this stack" in answer("rc_nonsense")
    assert "nothing was accepted under this receipt" in answer(door.keys().receipt(LedgerKey("P#33-9", "R#01#1")))
    told.dynamodb.put_item(**of_ledger(entry, level="VERY_DISSATISFIED"))
    assert "or is not what was sealed" in answer(receipt_of(entry))
    told.dynamodb.put_item(**of_ledger(entry, level="???"))
    assert "was altered in the Ledger" in answer(receipt_of(entry))


def test_a_proof_under_a_day_that_was_altered_does_not_hold(told):
    altered_up_to_the_day(told)
    (entry, *_) = told.items("LedgerTable", "E#")
    result = CliRunner().invoke(app, ["audit", "verify", "--receipt", receipt_of(entry)])
    assert result.exit_code == 1
    assert "证明不成立 the proof does not hold" in result.output


def test_what_the_contract_says_is_enough_to_check_a_day_and_a_receipt(told):
    contract = (ROOT / "docs" / "contract.md").read_text("utf-8").partition("## The Ledger in bulk")[2].partition("\n## ")[0]
    outsider: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", contract, re.DOTALL):
        exec(code, outsider)  # noqa: S102 - what a stranger copies
    previous = "0" * 64
    for day in days.days():
        lying = days.segments_of(day.ledger_day)
        assert outsider["is_day"](day.plain(), [segment.plain() for segment in lying], previous)
        assert all(outsider["is_segment"](segment.plain(), files.body_of(segment)) for segment in lying)
        previous = day.sha256
    _, report = audit("verify", "--receipt", receipt_of(good_rating(told)))
    assert outsider["is_proof"](report["proof"])
    assert not outsider["is_proof"](report["proof"] | {"text": report["proof"]["text"].replace("VERY_", "")})
    ((segment, *_), body) = days.segments_of(days.days()[0].ledger_day), rewrite(told, worsen) and files.body_of(days.segment(1))
    assert not outsider["is_segment"](segment.plain(), body)


# ---------------------------------------------------------------- many


@pytest.mark.slow
def test_of_twenty_thousand_entries_every_object_is_read_once(bed, later):
    day = datetime.now(SHANGHAI).date()
    for start in range(0, 20_000, 500):
        write([bad(number, day) for number in range(start, start + 500)])
    later(days=2)
    read: list[str] = []
    with bed.hooked(s3(), "before-send.s3.GetObject", lambda request, **_: read.append(urlsplit(request.url).path)):
        assert sealing.seal()["entries"] == 20_000
        assert found() == {}
    assert len([path for path in read if "/raw/" in path]) == 40
    assert len(read) == len(set(read))
