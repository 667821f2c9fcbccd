"""Service events and ratings reach the level above: in its words, in batches, bad and good alike, whatever it does."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from threading import Event

import pytest
from pydantic import ValidationError

from above import ZHANG, one_service, reporting, services
from bed import CONTEXT
from cloud import clock, registry
from cloud import table as tables
from contract.zone import day_of
from haochaping.demo.upstream import DUPLICATE, NO_EVENT
from intake import door, receipts, vault
from intake.places import key_of, service_key
from intake.upward import reveal
from notify.app import report
from notify.upward import ahead, sending
from notify.upward import receipts as kept
from notify.upward import reporting as upward
from said import bad_rating, event, general, letter, rating


@pytest.fixture
def above(bed, monkeypatch):
    return reporting(bed, monkeypatch)


@pytest.mark.parametrize("style", ["national", "zhejiang", "fujian"])
@pytest.mark.parametrize("answers_each", [False, True])
def test_what_was_accepted_arrives_in_the_words_of_the_level_above_bad_and_good(above, style, answers_each):
    services(above.bed, 10)
    with above.listening(style, answers_each=answers_each) as server:
        above.seal()
        assert above.report()["state"] == "up"
    assert dict(server.accepted) == {"VERY_SATISFIED": 9, "DISSATISFIED": 1}
    assert server.services == (10 if style == "national" else 0)
    assert not server.refusals
    assert above.receipts() == {"R ACCEPTED": 10} | ({"E ACCEPTED": 10} if style == "national" else {})


def test_a_second_run_sends_nothing_again(above):
    services(above.bed, 3)
    with above.listening() as server:
        above.seal()
        above.report()
        calls = len(server.calls)
        assert above.report() == {"state": "up"}
        one_service(above.bed)
        above.seal()
        above.report()
        assert sum(server.calls[calls:]) == 2


def test_the_record_is_what_was_said(above):
    one_service(above.bed, comment="等了两个小时，没人管", tags=["213", "211"])
    with above.listening() as server:
        above.seal()
        above.report()
    told = next(record for name, record in server.records.items() if name[0] == "rating")
    said = bad_rating()
    assert told | {"assessTime": ""} == {
        "projectNo": said.project_no,
        "serviceNumber": "1",
        "assessNumber": "1",
        "satisfaction": "2",
        "pf": "4",
        "evalDetail": "211,213",
        "writingEvaluation": "等了两个小时，没人管",
        "assessTime": "",
    }
    about = next(record for name, record in server.records.items() if name[0] == "event")
    assert (about["userName"], about["mobile"], about["certkeyGOV"], about["userPageType"]) == (
        "张三",
        "13800000000",
        ZHANG["certificate_number"],
        "111",
    )
    assert (about["orgName"], about["taskName"]) == ("杭州市西湖区政务服务中心", "营业执照登记")
    assert "proManager" not in about


# ---------------------------------------------------------------- what is not reported


def test_self_built_items_are_not_reported(above):
    item = {"zh": "自建事项", "self_built": True}
    registry.add(registry.Record(kind="item", id=event().item_code, valid_from="2020-01-01", value=item))
    registry.forget()
    one_service(above.bed)
    with above.listening() as server:
        above.seal()
        above.report()
    assert above.receipts() == {}
    assert server.calls == []
    assert above.invoked.questions == []


def test_other_regions_earlier_days_and_ratings_of_no_service_are_not_reported(above):
    one_service(above.bed)
    above.bed.accept(letter(general()))
    with above.listening(regions=["330200000000"]) as server:
        above.register("later", since=(day_of(clock.now()) + timedelta(days=1)).isoformat())
        above.register("off", enabled=False)
        above.seal()
        report({}, CONTEXT)
        assert server.calls == []
        above.register("all")
        report({}, CONTEXT)
    assert above.receipts(id="all") == {"E ACCEPTED": 1, "R ACCEPTED": 1}
    assert above.receipts(id="later") == above.receipts(id="off") == above.receipts() == {}


def test_a_default_is_reported_only_where_the_format_has_one(above):
    above.bed.policy(unrated_policy="DEFAULT", default_level="VERY_SATISFIED", default_after={"value": 3, "unit": "DAY"})
    default = rating(provenance="DEFAULT", rating_channel="SYSTEM_DEFAULT", rater=None)
    above.bed.accept(letter(event(applicant=ZHANG)), letter(default))
    with above.listening("zhejiang") as server:
        above.register("national", profile="national", url="http://127.0.0.1:9")
        above.seal()
        report({}, CONTEXT)
    assert above.receipts() == {"D ACCEPTED": 1}
    assert next(iter(server.records.values()))["pf"] == "7"
    assert not any(ref.startswith("D") for ref in above.receipts(id="national"))


def test_what_lacks_a_mandatory_field_is_not_sent_and_seen(above):
    above.bed.accept(letter(event()), letter(rating()))  # whose telephone nobody said
    with above.listening() as server:
        above.seal()
        above.report()
    assert above.receipts()["E INCOMPLETE:missing:mobile"] == 1
    assert server.services == 0


def test_a_value_for_which_there_is_no_word_there_is_not_sent_and_seen(above):
    phone = {"provenance": "HOTLINE_CALLBACK", "rating_channel": "PHONE"}
    one_service(above.bed, **phone)
    with above.listening("zhejiang"):
        above.seal()
        above.report()
    assert above.receipts() == {"R INCOMPLETE:no_code:pf": 1}


def test_a_case_file_number_without_the_provinces_digits_is_neither_completed_nor_sent(above):
    above.bed.accept(letter(event(project_no="A-1", applicant=ZHANG)), letter(rating(project_no="A-1")))
    with above.listening() as server:
        above.seal()
        above.report()
    assert above.receipts() == {"E INCOMPLETE:project_no": 1, "R INCOMPLETE:project_no": 1}
    assert server.calls == []


def test_an_anonymous_rating_is_reported_and_nobody_is_read_for_it(above):
    one_service(above.bed, rater=None)
    with above.listening("zhejiang"):
        above.seal()
        above.report()
    assert above.receipts() == {"R ACCEPTED": 1}
    assert all(question["fields"] == [] for question in above.invoked.questions)
    assert list(vault.readings(door.keys().pseudonym("person", "111", ZHANG["certificate_number"]))) == []


# ---------------------------------------------------------------- what it says


def test_what_is_there_already_counts_as_delivered(above):
    one_service(above.bed)
    with above.listening() as server:
        above.seal()
        above.report()
        for row in above.bed.items("ReportsTable"):
            above.bed.dynamodb.delete_item(TableName="ReportsTable", Key={"pk": {"S": row["pk"]}, "sk": {"S": row["sk"]}})
        above.report()
    assert above.receipts() == {"E DUPLICATE:duplicate": 1, "R DUPLICATE:duplicate": 1}
    assert server.refusals[DUPLICATE] == 2
    assert sum(server.accepted.values()) == 1


@pytest.mark.parametrize("answers_each", [False, True])
def test_the_record_that_is_refused_is_found_and_the_others_arrive(above, answers_each):
    services(above.bed, 20)
    above.bed.accept(
        letter(event(project_no="33-x", applicant=ZHANG)), letter(rating(project_no="33-x", occurred_at="2019-06-01T10:00:00+08:00"))
    )
    with above.listening("zhejiang", answers_each=answers_each) as server:
        above.seal()
        above.report()
    assert above.receipts() == {"R ACCEPTED": 20, "R REFUSED:time": 1}
    assert sum(server.accepted.values()) == 20
    assert len(server.calls) == (1 if answers_each else len(server.calls))
    assert len(server.calls) <= 12


def test_where_it_took_a_part_of_a_call_that_it_refused_the_rest_is_found_and_nothing_doubled(above):
    services(above.bed, 12, bad=False)
    early = {"project_no": "33-x", "occurred_at": "2019-06-01T10:00:00+08:00"}
    above.bed.accept(letter(event(project_no="33-x", applicant=ZHANG)), letter(rating(**early)))
    with above.listening("fujian", answers_each=True) as server:
        above.seal()
        above.report()
    assert above.receipts() == {"R DUPLICATE:duplicate": 12, "R REFUSED:time": 1}
    assert sum(server.accepted.values()) == 12


def test_a_rating_before_its_event_waits_for_it_and_is_given_up_after_three_days(above, later):
    above.bed.policy(parked_policy="ACCEPT_UNLINKED", parked_window={"value": 1, "unit": "DAY"})
    above.bed.accept(letter(event()), letter(rating()))  # an event that lacks what is mandatory never gets there
    with above.listening() as server:
        above.seal()
        above.report()
        assert above.receipts()["R WAITING:no_event"] == 1
        assert server.refusals[NO_EVENT] == 1
        above.report()
        assert server.refusals[NO_EVENT] == 1  # not before its time
        later(minutes=5)
        above.report()
        assert server.refusals[NO_EVENT] == 2
        server.records["event", rating().project_no, "1", "3"] = {}
        later(hours=1)
        above.report()
        assert above.receipts()["R ACCEPTED"] == 1
        assert not any("WAITING" in held for held in above.receipts())
        above.bed.accept(letter(event(project_no="33-2")), letter(rating(project_no="33-2")))
        above.seal()
        above.report()
        for hours in (10, 40, 90):
            later(hours=hours)
            above.report()
    assert above.receipts()["R REFUSED:no_event"] == 1


def test_an_error_on_one_record_holds_up_nobody_else(above, later):
    services(above.bed, 12)
    with above.listening("zhejiang") as server:
        server.cannot_bear = {"33-3", "33-9"}
        above.seal()
        for minutes in (0, 5, 15, 35, 80, 150):
            later(minutes=minutes)
            above.report()
        assert above.receipts() == {"R ACCEPTED": 10, "R WAITING:error:http_500": 2}
        server.cannot_bear = set()
        services(above.bed, 1, first=100)
        above.seal()
        later(days=1)
        above.report()
    assert above.receipts() == {"R ACCEPTED": 13}


# ---------------------------------------------------------------- when it takes nothing


@pytest.mark.parametrize("how", ["is_down", "fails"])
def test_three_days_of_outage_lose_nothing(above, later, how):
    services(above.bed, 5)
    with above.listening() as server:
        setattr(server, how, True)
        above.seal()
        tried = 0
        for hours in range(0, 72, 6):
            later(hours=hours)
            tried += above.report()["state"] == "down"
        assert above.report()["state"] in {"paused", "down"}
        assert tried == 12
        assert above.receipts() == {}
        assert above.progress().pause.failures >= 12
        setattr(server, how, False)
        later(hours=73)
        state = above.report()
    assert state == {"state": "up", "ACCEPTED": 10}
    assert sum(server.accepted.values()) == 5
    assert above.progress().pause is None


def test_while_it_is_down_it_is_left_alone_for_a_growing_while(above, later):
    services(above.bed, 2)
    with above.listening() as server:
        server.fails = True
        above.seal()
        states = []
        for minutes in (0, 0.5, 1.1, 2, 3.2, 5, 40):
            later(minutes=minutes)
            states.append(above.report()["state"])
    assert states == ["down", "paused", "down", "paused", "down", "paused", "down"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"app_word": "other"}, "fault"), ({"tenancy": ""}, "secret:tenancy"), ({"public_key": "04" + "00" * 64}, "cipher")],
)
def test_what_is_wrong_with_us_refuses_no_record(above, later, wrong, reason):
    one_service(above.bed)
    with above.listening() as server:
        above.register("other", secret=server.secret | wrong)
        above.seal()
        told = report({}, CONTEXT)
        assert told["other"] == {"state": "down", "reason": reason}
        assert told["nation"]["state"] == "up"
        assert above.receipts(id="other") == {}


def test_an_address_that_must_not_be_called_is_not(above, monkeypatch):
    one_service(above.bed)
    with above.listening(url="http://169.254.169.254"):
        above.seal()
        assert above.report() == {"state": "down", "reason": "forbidden_address"}


def test_if_intake_does_not_answer_nothing_moves_and_the_run_fails(above):
    one_service(above.bed)
    with above.listening() as server:
        above.seal()
        above.invoked.fails = True
        with pytest.raises(Exception, match="ClientError"):
            report({}, CONTEXT)
        assert above.progress() == kept.Progress()
        above.invoked.fails = False
        above.report()
    assert sum(server.accepted.values()) == 1


@pytest.mark.parametrize("bad", [{"33-0"}, {"33-0", "33-1"}])
def test_a_record_that_it_cannot_bear_stops_nothing_behind_it(above, later, bad):
    services(above.bed, len(bad))
    with above.listening("zhejiang") as server:
        server.cannot_bear = bad
        above.seal()
        assert above.report() == {"state": "down", "reason": "error:http_500"}
        services(above.bed, 20, first=10)
        above.seal()
        for hours in range(1, 8):
            later(hours=hours)
            above.report()
        assert above.receipts() == {"R ACCEPTED": 20, "R WAITING:error:http_500": len(bad)}
        assert above.progress().pause is None
        assert sum(server.accepted.values()) == 20


def test_where_every_part_of_a_call_has_one_that_it_cannot_bear_the_others_arrive(above, later):
    services(above.bed, 12)
    with above.listening("zhejiang", batch=4) as server:
        server.cannot_bear = {f"33-{n}" for n in range(8)}
        above.seal()
        for hours in range(12):
            later(hours=hours)
            above.report()
    assert above.receipts() == {"R ACCEPTED": 4, "R WAITING:error:http_500": 8}


def test_if_it_finds_fault_with_one_record_what_it_said_of_the_others_is_kept(above, later, monkeypatch):
    services(above.bed, 6, bad=False)
    with above.listening("zhejiang", answers_each=True) as server:
        take = server._take
        monkeypatch.setattr(server, "_take", lambda path, record: "签名错误" if record["projectNo"] == "33-2" else take(path, record))
        above.seal()
        assert above.report() == {"state": "down", "reason": "fault"}
        assert above.receipts() == {"R ACCEPTED": 5}
        services(above.bed, 6, first=10, bad=False)
        above.seal()
        for hours in range(1, 8):
            later(hours=hours)
            above.report()
    assert above.receipts() == {"R ACCEPTED": 11, "R WAITING:error:fault": 1}
    assert sum(server.accepted.values()) == 11


def test_what_met_an_error_is_tried_again_when_nothing_new_comes(above, later):
    services(above.bed, 12)
    with above.listening("zhejiang") as server:
        server.cannot_bear = {"33-3", "33-9"}
        above.seal()
        # Where the two lie among the others depends on their hashes: one in each half of a call looks like an outage at first.
        for hours in range(8):
            later(hours=hours)
            above.report()
        assert above.receipts() == {"R ACCEPTED": 10, "R WAITING:error:http_500": 2}
        for hours in (20, 40, 80):
            later(hours=hours)
            assert above.report() == {"state": "up", "WAITING": 1}
        server.cannot_bear = set()
        later(hours=100)
        above.report()
    assert above.receipts() == {"R ACCEPTED": 12}


def test_an_answer_that_drips_in_holds_no_run(above, monkeypatch):
    one_service(above.bed)
    rest = Event()

    class Dripping:
        status = 200

        def read(self, _):
            rest.wait()  # every byte comes in time, and there is always another one

        def close(self):
            pass

    with above.listening("zhejiang"):
        above.seal()
        monkeypatch.setattr(sending, "SECONDS", -0.4)
        monkeypatch.setattr(sending, "request", lambda *_: Dripping())
        try:
            assert above.report() == {"state": "down", "reason": "timed_out"}
        finally:
            rest.set()
    assert above.receipts() == {}


def test_what_is_wrong_with_our_own_data_is_no_fault_of_its_key(above, monkeypatch):
    one_service(above.bed)
    with above.listening() as server:
        above.register("another")
        above.seal()
        first = iter([[b"no json"]])  # of the level above that comes first
        lines_of = ahead.files.lines_of
        monkeypatch.setattr(ahead.files, "lines_of", lambda segment: next(first, None) or lines_of(segment))
        with pytest.raises(ValueError, match="Expecting value"):
            report({}, CONTEXT)
        assert above.progress("another").pause is None
        assert above.receipts(id="another") == {}
    assert above.receipts() == {"E ACCEPTED": 1, "R ACCEPTED": 1}
    assert server.services == 1


def test_while_it_takes_nothing_few_are_read_for_it_again_and_again(above, later):
    services(above.bed, 8)
    with above.listening() as server:
        above.seal()
        server.fails = True
        above.report()
        before = len(above.invoked.questions)
        for hours in range(1, 17):
            later(hours=hours)
            assert above.report()["state"] == "down"
        asked = [question["refs"] for question in above.invoked.questions[before:]]
        assert [len(refs) for refs in asked] == [1] * 16
        assert set(Counter(ref for refs in asked for ref in refs).values()) == {1}
        server.fails = False
        later(hours=20)
        above.report()
        later(hours=21)
        above.report()
    assert above.receipts() == {"E ACCEPTED": 8, "R ACCEPTED": 8}
    assert sum(server.accepted.values()) == 8


# ---------------------------------------------------------------- persons


def test_who_is_read_for_a_report_is_told_so_and_only_where_it_is_mandatory(above):
    one_service(above.bed)
    with above.listening():
        above.seal()
        above.report()
    receipt = door.keys().receipt(key_of(bad_rating(rater=ZHANG), "hall-devices"))
    looks = receipts.standing(receipt, door.keys()).identity_read
    assert [(look.by, look.purpose) for look in looks] == [("upstream/nation", "UPWARD_REPORT")]
    asked = {question["refs"][0][0]: sorted(question["fields"]) for question in above.invoked.questions}
    assert asked == {"E": ["certificate_number", "certificate_type", "name", "phone"], "R": []}


def test_whoever_was_erased_is_told_of_as_nobody(above):
    one_service(above.bed)
    vault.erase(door.keys().pseudonym("person", "111", ZHANG["certificate_number"]), "desk-3", "本人申请")
    with above.listening():
        above.seal()
        above.report()
    assert above.receipts()["E INCOMPLETE:missing:mobile"] == 1


def test_nothing_that_leads_to_a_person_is_kept_of_a_report(above, capsys, later):
    one_service(above.bed, comment="我叫张三，电话13800000000")
    with above.listening() as server:
        server.fails = True
        above.seal()
        above.report()
        server.fails = False
        later(minutes=2)
        above.report()
        above.register("other", secret=server.secret | {"app_word": "other"})
        above.report()
    written = capsys.readouterr()
    held = json.dumps(above.bed.items("ReportsTable"), ensure_ascii=False) + written.out + written.err
    held += json.dumps(above.bed.items("FeedTable"), ensure_ascii=False, default=str)
    for canary in (*ZHANG.values(), "等了", bad_rating().project_no):
        assert canary not in held or canary == "111", canary
    for secret in server.secret.values():
        assert secret not in held or len(secret) < 10


def test_intake_answers_what_it_has_and_reads_each_person_once(above):
    above.bed.accept(letter(event(applicant=ZHANG)), letter(bad_rating(rater=ZHANG)))
    keys = door.keys()
    rating_ref = f"R#{keys.rating_id(key_of(bad_rating(), ''))}"
    event_ref = f"E#{keys.event_ref(service_key(event().project_no, 1))}"
    refs = [rating_ref, f"{event_ref}#FINISHED", f"{event_ref}#ACCEPTED", f"{event_ref}#NONSENSE", "R#r_nonsense", rating_ref]
    found = reveal({"upstream": "nation", "refs": refs, "fields": ["phone"], "parts": []}, CONTEXT)["records"]
    assert [record["ref"] for record in found] == refs[:2]
    assert [record["person"] for record in found] == [{"phone": "13800000000"}] * 2
    assert "comment" not in found[0]["rating"]
    assert "event" not in found[0]
    assert len(list(vault.readings(keys.pseudonym("person", "111", ZHANG["certificate_number"])))) == 1


@pytest.mark.parametrize("refs", [[], ["P#33202611240001"], ["R#r_1"] * 101])
def test_intake_answers_no_other_question(above, refs):
    with pytest.raises(ValidationError):
        reveal({"upstream": "nation", "refs": refs, "fields": ["name"]}, CONTEXT)


# ---------------------------------------------------------------- how much it takes


@pytest.mark.parametrize("turned_away", [1, 99])
def test_what_the_table_turns_away_is_kept_a_moment_later_or_sent_again(above, monkeypatch, turned_away):
    one_service(above.bed)
    table, times = tables.dynamodb(), iter(range(turned_away))

    class Busy:
        def __getattr__(self, name):
            return getattr(table, name)

        def batch_write_item(self, **call):
            if next(times, None) is None:
                return table.batch_write_item(**call)
            return {"UnprocessedItems": call["RequestItems"]}

    with above.listening("zhejiang") as server:
        above.seal()
        with monkeypatch.context() as patched:
            patched.setattr(tables, "dynamodb", Busy)
            patched.setattr(tables, "_PAUSE", 0)
            if turned_away == 1:
                above.report()
            else:
                with pytest.raises(tables.NotWritten):
                    report({}, CONTEXT)
        above.report()
    assert above.receipts() == ({"R ACCEPTED": 1} if turned_away == 1 else {"R DUPLICATE:duplicate": 1})
    assert sum(server.accepted.values()) == 1


@pytest.mark.slow
def test_many_ratings_take_batches_and_not_single_calls(above, monkeypatch):
    services(above.bed, 300, bad=False)
    written, writes = [], tables._write_all
    monkeypatch.setattr(tables, "_write_all", lambda table, puts: written.append(len(puts)) or writes(table, puts))
    with above.listening("zhejiang") as server:
        above.seal()
        above.report()
    assert above.receipts() == {"R ACCEPTED": 300}
    assert len(above.invoked.questions) == 300 / 100
    assert server.calls == [100] * 3
    assert written == [25] * 12


def test_a_lower_limit_of_the_level_above_is_kept(above):
    services(above.bed, 20)
    with above.listening("zhejiang", batch=7) as server:
        above.seal()
        above.report()
    assert max(server.calls) == 7
    assert sum(server.calls) == 20


def test_a_run_stops_in_time_and_the_next_one_goes_on(above):
    services(above.bed, 120, bad=False)
    with above.listening("zhejiang") as server:
        above.seal()
        upward.report(lambda: not server.calls)
        assert server.calls == [100]
        above.report()
    assert server.calls == [100, 20]
    assert above.receipts() == {"R ACCEPTED": 120}


def test_a_run_that_ends_while_it_looks_for_a_refused_record_has_got_somewhere(above):
    services(above.bed, 40, bad=False)
    early = {"project_no": "33-x", "occurred_at": "2019-06-01T10:00:00+08:00"}
    above.bed.accept(letter(event(project_no="33-x", applicant=ZHANG)), letter(rating(**early)))
    with above.listening("zhejiang") as server:
        above.seal()
        kept = 0
        # Where the one lies among the others depends on its hash; three calls of a run get on wherever it is.
        for _ in range(20):
            stop = len(server.calls) + 3
            upward.report(lambda: len(server.calls) < stop)  # noqa: B023 - called at once
            before, kept = kept, sum(above.receipts().values())
            assert kept > before or kept == 41
        assert above.report() == {"state": "up"}
    assert above.receipts() == {"R ACCEPTED": 40, "R REFUSED:time": 1}
