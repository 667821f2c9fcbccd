"""The raw segments are the Ledger: what one side lacks is named, and what can be mended is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from bed import CONTEXT
from intake import door, reconciliation
from intake.app import reconcile
from said import bad_rating, event, letter

SOON = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()


@pytest.fixture
def told(bed):
    bed.accept(letter(event()), letter(bad_rating()), letter(event(project_no="33-2")), letter(event(project_no="33-3")))
    bed.flow()
    return bed


def compare(is_time=lambda: True, scan=None):
    return reconciliation.go_on(scan or reconciliation.Scan(month="2026-11", until=SOON), door.keys(), is_time)


def test_where_both_sides_agree_there_is_nothing_to_say(told):
    scan = compare()
    assert (scan.finished, scan.findings) == (True, ())
    assert reconciliation.report(scan)["entries"] == 4


def lose_the_segments(bed) -> None:
    for found in bed.s3.list_objects_v2(Bucket="segments", Prefix="raw/")["Contents"]:
        bed.s3.delete_object(Bucket="segments", Key=found["Key"])


def test_what_the_segments_lack_is_named_written_and_announced_again(told):
    lose_the_segments(told)
    told.messages("RectifyInbox")
    assert {finding.lacking for finding in compare().findings} == {"segments"}
    assert len(compare().findings) == 0
    (again,) = told.messages("RectifyInbox")
    assert json.loads(again["body"])["detail"]["event_id"] == told.told("BadRatingAccepted")[0]["event_id"]


def test_what_was_taken_out_of_the_ledger_is_found(told):
    (gone,) = told.items("LedgerTable", "R#")
    told.dynamodb.delete_item(TableName="LedgerTable", Key={"pk": {"S": gone["pk"]}, "sk": {"S": gone["sk"]}})
    (finding,) = compare().findings
    assert (finding.lacking, finding.entry) == ("ledger", door.keys().fingerprint(gone["pk"], gone["sk"]))
    assert gone["project_no"] not in str(finding)


@pytest.mark.parametrize(("name", "value"), [("level", "VERY_SATISFIED"), ("level", "???"), ("region_code", "330102000000")])
def test_what_was_altered_in_the_ledger_is_found(told, name, value):
    (rated,) = told.items("LedgerTable", "R#")
    alter(told, rated, **{name: value})
    (finding,) = compare().findings
    assert (finding.lacking, finding.entry) == ("agreement", door.keys().fingerprint(rated["pk"], rated["sk"]))


def alter(bed, item: dict, **changes) -> None:
    from cloud.table import marshal

    names, values = {f"#{name}": name for name in changes}, {f":{name}": value for name, value in changes.items()}
    bed.dynamodb.update_item(
        TableName="LedgerTable",
        Key=marshal({"pk": item["pk"], "sk": item["sk"]}),
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=marshal(values),
    )


def test_it_goes_on_where_it_stopped(told, monkeypatch):
    whole = told.dynamodb.scan

    def one_at_a_time(**request):
        return whole(**request, Limit=1)

    monkeypatch.setattr(reconciliation, "dynamodb", lambda: SimpleNamespace(scan=one_at_a_time))
    scan = reconciliation.Scan(month="2026-11", until=SOON)
    steps = 0
    while not scan.finished:
        once = iter([True, False])
        scan = compare(lambda once=once: next(once), scan)
        assert reconciliation.load("2026-11", SOON) == scan
        steps += 1
    assert steps >= 5
    assert (scan.finished, scan.findings, reconciliation.report(scan)["entries"]) == (True, (), 4)


def test_what_came_since_the_scan_began_and_is_not_relayed_yet_is_no_difference(told, later):
    before = event().service_time - timedelta(days=2)
    late = {"project_no": "33-late", "service_time": before, "accepted_at": before}
    today = datetime.now(UTC).date().isoformat()
    told.accept(letter(event(**late)))
    scan = reconciliation.go_on(reconciliation.Scan(month="2026-11", until=today), door.keys(), lambda: True)
    assert (scan.finished, scan.findings, scan.differing) == (True, (), (before.date().isoformat(),))


def test_of_very_many_differences_the_first_are_named_and_all_are_counted(told, monkeypatch):
    monkeypatch.setattr(reconciliation, "_NAMED", 2)
    lose_the_segments(told)
    found = reconciliation.report(compare())
    assert (found["differences"], len(found["findings"])) == (4, 2)


def test_the_scheduled_job_alarms_and_answers_at_once_when_the_month_is_done(told, later, capsys):
    lose_the_segments(told)
    later(days=3)
    first = reconcile({}, CONTEXT)
    assert (first["finished"], len(first["findings"])) == (True, 4)
    assert '"Unreconciled":[4.0]' in capsys.readouterr().out
    told.accept(letter(event(project_no="33-4")))
    assert reconcile({}, CONTEXT) == first
