"""What was refused can be seen, corrected and sent again by the operator, under its own name and time; what nobody said is not put in."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from bed import CONTEXT, ago, sqs_record
from haochaping import cli, refused
from intake.app import resubmit
from said import bad_rating, changed, event, letter, rating, raw


@pytest.fixture
def operator(bed, monkeypatch):
    """Runs commands against the bed and empties the operator's queue."""
    monkeypatch.setattr(refused, "connect", lambda: None)
    monkeypatch.setattr(refused, "_POLL", 0)  # nothing is on its way here
    monkeypatch.setenv("RESUBMIT_URL", bed.queues["Resubmit"])
    monkeypatch.setenv("INBOX_DEAD_LETTERS_URL", bed.queues["InboxDeadLetters"])

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli.app, list(arguments))
        assert done.exit_code == 0, done.output
        messages = bed.messages("Resubmit", attributes=True)
        if messages:
            assert resubmit({"Records": messages}, CONTEXT) == {"batchItemFailures": []}
        return done.output

    return run


def kept_in(bed) -> dict:
    return next(item for item in bed.items("QuarantineTable") if "reasons" in item)


def send_again(operator, bed, tmp_path, body: str | None = None) -> None:
    kept = kept_in(bed)
    corrected = []
    if body is not None:
        file = tmp_path / "corrected.json"
        file.write_text(body, "utf-8")
        corrected = ["--file", str(file)]
    operator("quarantine", "resubmit", kept["sk"], "--day", kept["pk"], "--by", "op-1", "--reason", "区划代码有误", *corrected)


def test_a_corrected_code_makes_the_message_count_at_its_own_time(operator, bed, tmp_path):
    yesterday = ago(days=1)
    wrong = changed(event(), "event", region_code="339999000000")
    bed.accept(wrong, sent_at=yesterday, signed_at=yesterday)
    assert bed.codes() == ["unknown_region"]
    send_again(operator, bed, tmp_path, letter(event(), "event").body)
    (entry,) = bed.items("LedgerTable", "E#")
    assert datetime.fromisoformat(entry["received_at"]) - yesterday < timedelta(seconds=1)
    assert entry["message_id"].startswith("hall-devices/event/")


def test_both_versions_are_kept_with_who_and_why(operator, bed, tmp_path):
    from intake import door

    wrong, right = changed(event(), "event", region_code="339999000000"), letter(event(), "event")
    bed.accept(wrong)
    send_again(operator, bed, tmp_path, right.body)
    (note,) = [item for item in bed.items("QuarantineTable") if "reasons" not in item]
    assert (note["by"], note["reason"], note["corrected"]) == ("op-1", "区划代码有误", True)
    assert door.keys().open(kept_in(bed)["original"]) == wrong.body
    assert door.keys().open(note["original"]) == right.body
    (listed,) = json.loads(operator("quarantine", "list", "--json"))
    assert [(each["by"], each["outcome"]) for each in listed["resubmitted"]] == [("op-1", "accepted")]
    shown = json.loads(operator("quarantine", "show", listed["message_id"], "--day", listed["day"], "--json"))
    assert shown["resubmitted"] == listed["resubmitted"]
    bed.flow()  # a note is no refusal
    assert [told["count"] for told in bed.told("MessagesRefused")] == [1]


@pytest.mark.parametrize("change", [{"level": "SATISFIED", "tags": []}, {"tags": ["214"]}, {"comment": "很好"}, {"comment": None}])
def test_a_correction_cannot_change_what_the_rater_said(operator, bed, tmp_path, change):
    said = bad_rating(project_no="33-x", round=1)
    bed.accept(letter(event(project_no="33-x")), changed(said, "rating", service_number=100))
    send_again(operator, bed, tmp_path, changed(said, "rating", **change).body)
    assert bed.items("LedgerTable", "R#") == []
    assert "correction_not_allowed" in bed.codes()


def test_a_level_that_nobody_can_read_cannot_be_corrected(operator, bed, tmp_path):
    bed.accept(letter(event()), changed(rating(), "rating", level="6"))
    send_again(operator, bed, tmp_path, letter(rating(), "rating").body)
    assert bed.items("LedgerTable", "R#") == []
    assert bed.codes() == ["correction_not_allowed", "unknown_level"]


def test_what_had_not_proved_its_origin_cannot_be_corrected_but_its_proof_can_be_looked_at_again(operator, bed, tmp_path):
    bed.party("late", ["330000000000"])
    message = letter(event(), party="late")
    bed.accept(message, webhook_signature="v1,AAAA")
    send_again(operator, bed, tmp_path, message.body)
    assert bed.items("LedgerTable") == []
    send_again(operator, bed, tmp_path, message.body.replace("A01", "B02"))
    assert bed.items("LedgerTable") == []
    assert bed.codes() == ["bad_signature", "correction_not_allowed"]


def test_a_party_that_was_registered_too_late_is_taken_as_it_was_sent(operator, bed, tmp_path):
    from cloud import registry
    from haochaping.sending import proof

    message, long_ago = letter(event(), party="late"), ago(hours=20)
    bed.party("late", ["330000000000"])
    signed = {name.replace("-", "_"): held["StringValue"] for name, held in proof(message, long_ago).items()}
    bed.dynamodb.delete_item(TableName="RegistryTable", Key={"pk": {"S": "party#late"}, "sk": {"S": "2020-01-01"}})
    registry.forget()
    bed.accept(message, sent_at=long_ago, **signed)
    assert bed.codes() == ["unknown_party"]
    bed.party("late", ["330000000000"])
    registry.forget()
    send_again(operator, bed, tmp_path)
    assert len(bed.items("LedgerTable")) == 1


def test_a_rating_refused_after_it_had_waited_can_be_sent_again(operator, bed, tmp_path, later):
    bed.accept(letter(rating()))
    later(days=5)
    bed.sweep()
    assert bed.codes() == ["event_not_found"]
    bed.accept(letter(event()))
    send_again(operator, bed, tmp_path)
    assert len(bed.items("LedgerTable", "R#")) == 1


def test_sending_again_twice_has_no_second_effect(operator, bed, tmp_path):
    bed.accept(changed(event(), "event", region_code="339999000000"))
    for _ in range(2):
        send_again(operator, bed, tmp_path, letter(event(), "event").body)
    assert len(bed.items("LedgerTable")) == 1


def test_what_failed_for_a_day_is_moved_back_with_its_original_proof(operator, bed):
    long_ago = ago(days=2)
    for message in (letter(event()), letter(rating())):
        held = sqs_record(message, sent_at=long_ago, signed_at=long_ago)["messageAttributes"]
        attributes = {name: {"DataType": "String", "StringValue": value["stringValue"]} for name, value in held.items()}
        bed.sqs.send_message(QueueUrl=bed.queues["InboxDeadLetters"], MessageBody=message.body, MessageAttributes=attributes)
    # moto stamps a message with the present; SQS keeps the time of first sending, which the signature must be near to.
    with bed.sent_at(long_ago):
        assert "2" in operator("redrive")
    assert bed.codes() == []
    assert len(bed.items("LedgerTable")) == 2
    assert bed.messages("InboxDeadLetters") == []


def test_what_a_sender_wrote_into_a_dead_letter_is_not_taken_for_the_operators_word(operator, bed):
    """Else a party could have its own message taken for a correction of somebody else's."""
    bed.accept(changed(rating(project_no="33-victim"), "victim", service_number=100))
    kept, evil = kept_in(bed), letter(rating(project_no="33-victim"), "evil", party="national-portal")
    forged = {"quarantine-day": kept["pk"], "quarantine-id": kept["sk"], "by": "x", "reason": "x", "party": "national-portal"}
    attributes: dict = {name: {"DataType": "String", "StringValue": value} for name, value in forged.items()}
    attributes["odd"] = {"DataType": "Binary", "BinaryValue": b"x"}
    bed.sqs.send_message(QueueUrl=bed.queues["InboxDeadLetters"], MessageBody=evil.body, MessageAttributes=attributes)
    operator("redrive")
    assert bed.items("WaitingTable") == bed.items("LedgerTable") == []
    assert "bad_signature" in bed.codes()


def test_a_yes_is_no_one(operator, bed, tmp_path):
    bed.accept(raw('{"satisfaction": true, "projectNo": "33-1", "serviceNumber": "1"}', "typed", party="national-portal"))
    send_again(operator, bed, tmp_path, '{"satisfaction": 1, "projectNo": "33-1", "serviceNumber": "1"}')
    assert "correction_not_allowed" in bed.codes()


def test_what_is_refused_again_for_another_reason_says_so(operator, bed, tmp_path):
    bed.party("wenzhou", ["330300000000"])
    bed.accept(letter(event(region_code="339999000000"), party="wenzhou"))
    bed.province_knows("339999000000")
    send_again(operator, bed, tmp_path)
    assert bed.codes() == ["out_of_scope", "unknown_region"]
    outcomes = [each["outcome"] for entry in json.loads(operator("quarantine", "list", "--json")) for each in entry["resubmitted"]]
    assert outcomes == ["refused"]
    bed.flow()
    assert sum(told["count"] for told in bed.told("MessagesRefused")) == 2


def test_a_forged_copy_that_comes_first_does_not_hide_why_the_honest_one_was_refused(bed):
    honest = letter(event(region_code="339999000000"))
    bed.accept(honest, webhook_signature="v1,AAAA")
    bed.accept(honest)
    assert bed.codes() == ["bad_signature", "unknown_region"]
    assert {item["proven"] for item in bed.items("QuarantineTable")} == {True, False}


def test_the_operator_sees_a_message_and_its_original_goes_only_into_a_private_file(operator, bed, tmp_path):
    bed.accept(raw('{"rater": "张三"}', "secret"))
    kept, file = kept_in(bed), tmp_path / "original.json"
    shown = operator("quarantine", "show", kept["sk"], "--day", kept["pk"], "--out", str(file))
    assert "张三" not in shown
    assert file.read_text("utf-8") == '{"rater": "张三"}'
    assert file.stat().st_mode & 0o077 == 0


def test_a_party_is_handed_the_list_of_its_own_refusals(operator, bed):
    bed.accept(raw("{", "one"), raw("{", "two", party="national-portal"))
    listed = json.loads(operator("quarantine", "list", "--party", "national-portal", "--json"))
    assert [entry["message_id"].split("/")[1] for entry in listed] == ["two"]
    assert "original" not in listed[0]


@pytest.mark.parametrize("blank", ["--by", "--reason"])
def test_nobody_sends_again_without_saying_who_and_why(operator, bed, blank):
    bed.accept(changed(event(), "event", region_code="339999000000"))
    kept, said = kept_in(bed), {"--by": "op-1", "--reason": "x"} | {blank: " "}
    options = [part for pair in said.items() for part in pair]
    done = CliRunner().invoke(cli.app, ["quarantine", "resubmit", kept["sk"], "--day", kept["pk"], *options])
    assert done.exit_code == 2
    assert "不能为空" in done.output
    assert bed.messages("Resubmit") == []


def test_a_resubmitted_message_without_who_and_why_fails_before_anything_is_taken(bed):
    bed.accept(changed(event(), "event", region_code="339999000000"))
    kept = kept_in(bed)
    record = sqs_record(letter(event(), "event"), **{"quarantine-day": kept["pk"], "quarantine-id": kept["sk"], "by": "", "reason": "x"})
    assert len(resubmit({"Records": [record]}, CONTEXT)["batchItemFailures"]) == 1
    assert bed.items("LedgerTable") == []


def test_a_file_that_cannot_be_written_is_a_clear_line(operator, bed):
    bed.accept(raw("{", "one"))
    kept = kept_in(bed)
    done = CliRunner().invoke(cli.app, ["quarantine", "show", kept["sk"], "--day", kept["pk"], "--out", "/nonexistent/x"])
    assert (done.exit_code, "Traceback" in done.output) == (1, False)


def test_a_message_that_is_not_there_is_a_clear_line(bed, monkeypatch):
    monkeypatch.setattr(refused, "connect", lambda: None)
    done = CliRunner().invoke(cli.app, ["quarantine", "show", "nobody/x/y", "--day", "2026-11-24"])
    assert done.exit_code == 1
