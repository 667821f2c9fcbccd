"""Intake accounts for every message: one rating per service, whatever is repeated, resent or out of order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from bed import NEW_SECRET, ago
from contract.refusals import CATALOGUE
from intake import door, receipts
from intake.places import key_of
from said import AT, bad_rating, changed, event, general, letter, rating, raw
from template_file import ROOT


def receipt_of(said) -> str:
    return door.keys().receipt(key_of(said, "hall-devices"))


def test_a_rating_of_a_known_service_is_accepted_with_the_facts_of_its_event(bed):
    assert bed.accept(letter(event()), letter(rating())) == []
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["region_code"] == "330106000000"
    assert entry["window"] == "A01"
    assert entry["day"] == AT.date().isoformat()
    assert entry["policy_version"] == "330000000000@2020-01-01"


def test_the_same_message_ten_times_is_one_rating_and_one_count(bed):
    bed.accept(letter(event()))
    for _ in range(10):
        assert bed.accept(letter(rating())) == []
    bed.flow()
    assert len(bed.items("LedgerTable", "R#")) == 1
    assert bed.count("province#330000000000") == 1
    assert bed.codes() == []


def test_ten_copies_in_one_batch_are_one_rating(bed):
    assert bed.accept(letter(event()), *[letter(rating())] * 10) == []
    bed.flow()
    assert bed.count("organisation#" + event().organisation) == 1


def test_a_rating_resent_with_a_new_time_is_a_duplicate_with_the_first_receipt(bed):
    bed.accept(letter(event()), letter(rating(), "first"))
    (first,) = bed.items("LedgerTable", "R#")
    later = rating(occurred_at=rating().occurred_at + timedelta(minutes=3))
    assert bed.accept(letter(later, "second")) == []
    assert bed.items("LedgerTable", "R#") == [first]
    assert bed.codes() == []
    assert receipt_of(later) == receipt_of(rating())
    assert receipts.standing(receipt_of(later), door.keys()).outcome == "accepted"


def test_another_rating_of_the_same_service_is_refused_and_kept(bed):
    bed.accept(letter(event()), letter(rating(), "first"))
    assert bed.accept(letter(bad_rating(), "second")) == []
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["level"] == "VERY_SATISFIED"
    assert bed.codes() == ["already_rated"]


def test_the_same_id_with_other_content_is_another_message(bed):
    bed.accept(letter(event()), letter(rating(), "same-id"))
    bed.accept(letter(bad_rating(), "same-id"))
    assert bed.codes() == ["already_rated"]


def test_a_rating_ahead_of_its_event_is_parked_and_then_counted_once(bed):
    bed.accept(letter(rating()))
    assert receipts.standing(receipt_of(rating()), door.keys()).outcome == "parked"
    bed.accept(letter(event()))
    bed.accept(letter(rating()), letter(event()))
    bed.flow()
    assert receipts.standing(receipt_of(rating()), door.keys()).outcome == "accepted"
    assert bed.items("WaitingTable") == []
    assert bed.count("province#330000000000") == 1


def test_a_rating_whose_event_never_comes_stays_visible_as_parked(bed):
    bed.accept(letter(rating()), letter(event(project_no="33-other")))
    standing = receipts.standing(receipt_of(rating()), door.keys())
    assert (standing.outcome, standing.day) == ("parked", None)


def test_of_two_parked_ratings_the_first_received_is_accepted_when_the_event_comes(bed):
    bed.accept(letter(bad_rating(), "second"))
    bed.accept(letter(rating(), "first"), sent_at=ago(seconds=30))
    assert bed.codes() == []
    bed.accept(letter(event()))
    assert [entry["level"] for entry in bed.items("LedgerTable", "R#")] == ["VERY_SATISFIED"]
    assert bed.codes() == ["already_rated"]
    assert bed.items("WaitingTable") == []


def test_a_parked_rating_of_a_party_outside_its_scope_does_not_stand_in_the_way_of_the_real_one(bed):
    bed.party("ningbo-only", regions=["330200000000"])
    bed.accept(letter(bad_rating(), "foreign", party="ningbo-only"), sent_at=ago(seconds=30))
    bed.accept(letter(rating(), "real"))
    bed.accept(letter(event()))
    assert [entry["level"] for entry in bed.items("LedgerTable", "R#")] == ["VERY_SATISFIED"]
    assert bed.codes() == ["out_of_scope"]


def test_a_parked_rating_that_breaks_the_regions_rule_is_kept_in_quarantine_when_its_event_comes(bed):
    message = letter(bad_rating(comment="长" * 1001))
    bed.accept(message)
    bed.accept(letter(event()))
    assert bed.codes() == ["text_too_long"]
    (kept,) = bed.items("QuarantineTable")
    assert door.keys().open(kept["original"]) == message.body
    assert bed.items("LedgerTable", "R#") == []
    assert bed.items("WaitingTable") == []


def test_a_consumer_of_results_does_not_speak_for_raters(bed):
    bed.party("portal", regions=["330000000000"], role="CONSUMER")
    bed.accept(letter(rating(), party="portal"))
    assert bed.codes() == ["out_of_scope"]


def test_a_follow_up_waits_for_the_reply(bed):
    bed.accept(letter(event()), letter(rating()), letter(bad_rating(round=2), "round-2"))
    assert bed.codes() == ["follow_up_before_reply"]


def test_an_event_reported_again_with_other_facts_is_refused(bed):
    bed.accept(letter(event()), letter(event(window="B09"), "again"))
    assert bed.codes() == ["event_contradicted"]
    assert [entry["window"] for entry in bed.items("LedgerTable", "E#")] == ["A01"]


def test_an_event_reported_again_in_another_offset_is_a_duplicate(bed):
    elsewhere = {name: getattr(event(), name).astimezone(UTC) for name in ("service_time", "accepted_at", "finished_at")}
    assert bed.accept(letter(event()), letter(event(**elsewhere), "utc")) == []
    assert bed.codes() == []


def test_nobody_takes_a_service_over_by_reporting_a_later_status(bed):
    bed.province_knows("330203000000")
    bed.accept(letter(event(status="ACCEPTED", finished_at=None), "first"))
    bed.accept(letter(event(region_code="330203000000"), "elsewhere"))
    bed.accept(letter(rating()))
    assert bed.codes() == ["event_contradicted"]
    assert bed.items("LedgerTable", "R#")[0]["region_code"] == "330106000000"


def test_a_rating_is_bound_to_the_furthest_status_of_its_event(bed):
    bed.accept(letter(event(status="ACCEPTED", finished_at=None, window="A01"), "accepted"), letter(event(window="A02"), "finished"))
    bed.accept(letter(rating()))
    assert bed.items("LedgerTable", "R#")[0]["window"] == "A02"


GARBAGE = {
    "not_json": raw("这不是 {json", "garbage"),
    "too_large": raw('"' + "x" * (256 * 1024 - 2) + '"', "large"),
    "unknown_channel": changed(rating(), "channel", rating_channel="CARRIER_PIGEON"),
    "unknown_level": changed(rating(), "level", level="6"),
    "reason_required": changed(rating(), "reason", level="DISSATISFIED", tags=[], comment=" \t　"),
    "bad_credit_code": changed(event(), "uscc", organisation="11330106MB00000048"),
    "bad_item_code": changed(event(), "item", item_code="11330106MB0000004R9"),
    "bad_region_code": changed(event(), "region", region_code="33"),
    "unknown_region": letter(event(region_code="339999000000"), "nowhere"),
    "out_of_scope": letter(event(region_code="110101000000"), "beijing"),
    "bad_project_no": changed(rating(), "project", project_no="a b"),
    "bad_service_number": changed(rating(), "service", service_number=0),
    "missing_field": changed(rating(), "missing", service_number=None),
    "bad_round": changed(rating(), "round", round=3),
    "bad_time": changed(rating(), "time", occurred_at="2026-11-24 09:00:00"),
    "unknown_code": changed(rating(), "provenance", provenance="HEARSAY"),
    "unknown_field": changed(rating(), "extra", telephone="13800000000"),
    "malformed_field": changed(rating(), "tags", tags="510"),
    "unknown_tag": changed(rating(), "tag", tags=["599"]),
    "retired_tag": changed(rating(), "retired", tags=["501"]),
    "tag_of_other_level": changed(rating(), "other", tags=["410"]),
    "text_too_long": letter(rating(comment="好" * 1001), "long"),
    "kind_not_accepted": letter(rating(kind="GENERAL"), "kind"),
    "default_not_allowed": letter(rating(provenance="DEFAULT", rating_channel="SYSTEM_DEFAULT", kind="MATTER"), "default"),
    "follow_up_before_reply": letter(rating(round=2), "round-2"),
    "unknown_type": raw('{"specversion": "1.0", "id": "1", "source": "x", "type": "praise.v1", "data": {}}', "type"),
    "not_accepted_here": raw('{"specversion": "1.0", "id": "1", "source": "x", "type": "case-command.v1", "data": {}}', "command"),
    "unknown_party": raw("x" * 70_000, "party", party="a330106199001011234"),
}


@pytest.mark.parametrize("code", GARBAGE)
def test_a_bad_message_has_its_own_code_in_both_languages_and_is_kept_with_its_original(bed, code):
    bed.province_knows("110101000000" if code == "out_of_scope" else None)
    wrong = GARBAGE[code]
    other = {"project_no": "33-fine"}
    assert bed.accept(letter(event(**other)), letter(event()), wrong, letter(rating(**other))) == []
    (kept,) = bed.items("QuarantineTable")
    (reason,) = kept["reasons"]
    assert reason["code"] == code
    assert reason["zh"]
    assert reason["en"]
    assert door.keys().open(kept["original"]) == wrong.body
    assert len(bed.items("LedgerTable", "R#")) == 1


def test_what_an_unregistered_sender_calls_itself_is_not_told(bed):
    bed.accept(GARBAGE["unknown_party"])
    bed.flow()
    assert "330106199001011234" not in str(bed.items("FeedTable"))


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_refusal_code_is_met_by_a_message_or_request_of_a_test(code):
    here = Path(__file__)
    elsewhere = "".join(path.read_text("utf-8") for path in here.parent.glob("test_*.py") if path != here)
    elsewhere += here.read_text("utf-8").partition("class TestProof")[2]
    elsewhere += "".join(path.read_text("utf-8") for path in here.parent.with_name("decisions").glob("test_case_*.py"))
    samples = (ROOT / "tests" / "conformance").glob("*/invalid/*.json")
    assert code in GARBAGE or f'"{code}"' in elsewhere or any(f'"{code}"' in path.read_text("utf-8") for path in samples)


AWKWARD = {
    "half a character": (raw(changed(rating(), comment="很好HALF").body.replace("HALF", "\\ud83d"), "half"), "not_json"),
    "a name twice": (raw('{"specversion": "1.0", "specversion": "1.0"}', "twice"), "not_json"),
    "not a number": (raw('{"specversion": NaN}', "nan"), "not_json"),
    "a number without end": (raw('{"specversion": ' + "9" * 5000 + "}", "digits"), "not_json"),
    "a nest": (raw("[" * 30_000, "nest"), "not_json"),
    "a list": (raw("[]", "list"), "not_json"),
    "an empty body": (raw(" ", "empty"), "not_json"),
    "thousands of unknown fields": (changed(rating(), "fields", **{f"f{n}": 1 for n in range(5000)}), "unknown_field"),
    "a name as a field": (changed(rating(), "name", **{"张三 13800000000": 1}), "unknown_field"),
    "thousands of tags": (changed(rating(), "tags", tags=["5"] * 9000), "malformed_field"),
    "an endless limit": (changed(event(), "limit", promised_limit={"value": 10**40 + 1, "unit": "DAY"}), "malformed_field"),
    "true as a number": (changed(rating(), "true", service_number=True), "bad_service_number"),
    "true as a round": (changed(rating(), "round", round=True), "bad_round"),
    "a number as a time": (changed(rating(), "seconds", occurred_at=1_700_000_000), "bad_time"),
    "a number in quotes as a time": (changed(rating(), "quoted", occurred_at="1700000000"), "bad_time"),
    "the first year": (changed(rating(), "first", occurred_at="0001-01-01T00:00:00+14:00"), "bad_time"),
    "the last year": (changed(rating(), "last", occurred_at="9999-12-31T23:59:59-12:00"), "bad_time"),
    "a sentence as a window": (changed(event(), "window", window="张三 13800000000"), "malformed_field"),
    "a reason that nobody can see": (changed(rating(), "zero", level="DISSATISFIED", tags=[], comment="\u200b\x00"), "reason_required"),
    "an object in a wire field": (raw('{"satisfaction": {"a": 1}}', "object", party="national-portal"), "malformed_field"),
    "digits without end in a wire field": (
        raw('{"satisfaction": "5", "serviceNumber": "' + "9" * 5000 + '"}', "wire", party="national-portal"),
        "missing_field",
    ),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_nothing_from_outside_goes_back_to_the_queue(bed, name):
    wrong, code = AWKWARD[name]
    assert bed.accept(wrong, letter(event())) == []
    (kept,) = bed.items("QuarantineTable")
    assert code in {reason["code"] for reason in kept["reasons"]}
    assert len(kept["reasons"]) <= 20
    assert "张三" not in str(kept["reasons"])
    assert len(bed.items("LedgerTable")) == 1


def test_every_fault_of_a_message_is_named(bed):
    bed.accept(changed(rating(), level="MARVELLOUS", rating_channel="PIGEON", service_number=100))
    (kept,) = bed.items("QuarantineTable")
    named = {reason["field"]: reason["code"] for reason in kept["reasons"]}
    assert named == {"level": "unknown_level", "rating_channel": "unknown_channel", "service_number": "bad_service_number"}


def test_a_refused_message_that_is_delivered_again_is_kept_once(bed):
    for _ in range(3):
        bed.accept(GARBAGE["unknown_level"])
    assert bed.codes() == ["unknown_level"]


def test_a_claimed_time_after_receipt_or_long_before_it_counts_for_the_day_of_receipt(bed):
    long_ago, ahead = AT - timedelta(days=30), AT + timedelta(days=2)
    bed.accept(letter(event()), letter(event(project_no="33-2")))
    bed.accept(letter(rating(occurred_at=long_ago)), letter(rating(project_no="33-2", occurred_at=ahead)))
    for entry in bed.items("LedgerTable", "R#"):
        assert entry["day_of"] == "received_at"
    flags = {entry["project_no"]: entry["flags"] for entry in bed.items("LedgerTable", "R#")}
    assert flags == {"33-2": ["CLAIMED_IN_FUTURE"], rating().project_no: ["CLAIMED_BEFORE_SERVICE", "CLAIMED_FAR_FROM_RECEIPT"]}
    assert {entry["occurred_at"][:10] for entry in bed.items("LedgerTable", "R#")} == {
        long_ago.date().isoformat(),
        ahead.date().isoformat(),
    }


def test_a_party_whose_format_does_not_exist_is_told_so_and_its_messages_are_kept(bed):
    bed.party("odd", ["330000000000"], profile="esperanto")
    assert bed.accept(letter(event(), party="odd")) == []
    assert bed.codes() == ["unknown_profile"]


def test_a_party_of_one_region_does_not_speak_for_an_organisation_of_another(bed):
    bed.party("wenzhou", ["330300000000"])
    bed.accept(letter(event(region_code="330302000000"), party="wenzhou"))
    bed.accept(letter(general(object=general().object.model_dump() | {"region_code": "330302000000"}), party="wenzhou"))
    assert bed.codes() == ["out_of_scope", "out_of_scope"]


@pytest.mark.parametrize("window", ["13800138000", "330106199001011234", "A\u200b01", "A\u202e01", "A\x9b01"])
def test_the_name_of_a_window_is_neither_a_persons_number_nor_something_that_nobody_sees(bed, window):
    bed.accept(changed(event(), window=window))
    assert bed.codes() == ["malformed_field"]


class TestProof:
    def test_a_message_that_was_altered_on_the_way_is_refused(self, bed):
        bed.accept(letter(event()), letter(rating())._replace(body=letter(rating()).body + " "), proof_of=letter(rating()))
        assert bed.codes() == ["bad_signature", "bad_signature"]

    def test_a_message_without_a_signature_is_refused(self, bed):
        bed.accept(letter(rating()), webhook_signature=None)
        assert bed.codes() == ["bad_signature"]

    def test_a_signature_far_from_the_time_of_sending_is_refused(self, bed):
        bed.accept(letter(rating()), sent_at=ago(minutes=6))
        assert bed.codes() == ["stale_signature"]

    def test_a_backlog_does_not_refuse_honest_messages(self, bed):
        sent = ago(hours=30)
        bed.accept(letter(event()), sent_at=sent, signed_at=sent)
        assert bed.codes() == []

    def test_the_previous_secret_is_good_during_a_rotation(self, bed):
        bed.rotate("party/hall-devices")
        bed.accept(letter(event()), signed_with="previous")
        bed.accept(letter(rating()), signed_with="current")
        assert bed.codes() == []
        assert len(bed.items("LedgerTable", "R#")) == 1

    def test_a_secret_rotated_a_moment_ago_is_found_past_the_cache(self, bed, monkeypatch):
        bed.accept(letter(event()))
        bed.rotate("party/hall-devices", forget=False)
        monkeypatch.setattr("cloud.secrets.FRESH", 0.0)
        message, now = letter(rating(), "rotated"), datetime.now(UTC)
        signature = Webhook(NEW_SECRET).sign(message.webhook_id, now, message.body)
        bed.accept(message, webhook_signature=signature, webhook_timestamp=str(int(now.timestamp())))
        assert bed.codes() == []
        assert len(bed.items("LedgerTable", "R#")) == 1

    @pytest.mark.parametrize(("sender", "codes"), [("AROACHANNEL:device-1", []), ("AROACHANNEL", []), ("AROAOTHER:x", ["wrong_sender"])])
    def test_where_a_principal_is_registered_the_message_must_come_from_it(self, bed, sender, codes):
        bed.party("bound", ["330000000000"], principals=["AROACHANNEL"])
        bed.accept(letter(event(), party="bound"), sender=sender)
        assert bed.codes() == codes

    def test_the_stamp_of_our_door_stands_for_the_principal_that_it_checked_and_for_no_other_message(self, bed):
        bed.party("bound", ["330000000000"], principals=["AROACHANNEL"])
        message = letter(event(), party="bound")
        stamp = door.keys().stamp(message.message_id)
        bed.accept(letter(event(project_no="33-2"), party="bound"), sender="AROAGATEWAY", door=stamp)
        assert bed.codes() == ["wrong_sender"]
        bed.accept(message, sender="AROAGATEWAY", door=stamp)
        assert len(bed.items("LedgerTable")) == 1

    def test_another_partys_secret_does_not_help(self, bed):
        bed.accept(letter(rating(), party="national-portal"), party="hall-devices")
        assert bed.codes() == ["bad_signature"]


def test_an_infrastructure_fault_sends_only_its_own_message_back(bed):
    with bed.failing("PutItem", when=lambda request: b"33-broken" in request.body):
        back = bed.accept(letter(event()), letter(event(project_no="33-broken")), letter(event(project_no="33-3")))
    assert len(back) == 1
    assert {item["project_no"] for item in bed.items("LedgerTable")} == {event().project_no, "33-3"}
    bed.accept(letter(event(project_no="33-broken")))
    assert len(bed.items("LedgerTable")) == 3
