"""The sealed Ledger: every entry once, whatever befell its raw segments, in days that nobody can alter unseen."""

from __future__ import annotations

import hashlib
import itertools
import json
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bed import CONTEXT
from cloud import bus, clients, segments
from cloud.bus import NotPublished
from cloud.segments import Line
from cloud.settings import settings
from cloud.table import put
from contract.ledger import CountedService, CountedTurn
from contract.zone import SHANGHAI
from crashes import Crash, at_call, die
from decided import granted, overturned
from intake import door, reconciliation
from notify.app import seal
from notify.sealed import days, files, gathering, sealing, telling
from said import bad_rating, event, general, letter

TODAY = datetime.now(SHANGHAI).date()
LANE = "LedgerTable/shardId-1"


def day(back: int) -> date:
    return TODAY - timedelta(days=back)


def line(number: int, back: int = 0, *, lane: str = LANE, entry: str = "R", with_days: tuple[int, ...] = ()) -> Line:
    """The line of an entry as the relay writes it, with what leaves intake and something that does not."""
    of_day = day(back).isoformat()
    own = {"event_ref": f"e_{number}", "status": "FINISHED"} if entry == "E" else {"rating_id": f"r_{number}", "level": "SATISFIED"}
    facts = own | {"region_code": "330106000000", "day": of_day, "device": "tablet-7"}
    lying = tuple(sorted({of_day, *(day(one).isoformat() for one in with_days)}))
    return Line(of_day, lying, lane, number, 0, entry, f"k{number}", facts)


def sealed() -> list[dict[str, Any]]:
    """Every record in every segment, in their order."""
    return [json.loads(text) for segment in days.segments_after(0) for text in files.lines_of(segment)]


def ratings() -> list[str]:
    return sorted(record["rating_id"] for record in sealed())


def names(*numbers: int) -> list[str]:
    return sorted(f"r_{number}" for number in numbers)


def at(monkeypatch, moment: datetime) -> None:
    monkeypatch.setattr("cloud.clock.now", lambda: moment)


def end_of(of_day: date) -> datetime:
    return datetime.combine(of_day + timedelta(days=1), time(), SHANGHAI)


def root_of(leaves: list[bytes]) -> bytes:
    """A Merkle root as anybody makes it who has read RFC 6962."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\x00" + leaves[0] if leaves else b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


def check_everything(bed) -> None:
    """What a stranger checks with the contract in hand: files, roots, numbers, chain; and that everything was told."""
    found = list(days.segments_after(0))
    assert [segment.number for segment in found] == list(range(1, len(found) + 1))
    for segment in found:
        body, lines = files.body_of(segment), list(files.lines_of(segment))
        assert (len(body), hashlib.sha256(body).hexdigest()) == (segment.bytes, segment.sha256)
        assert (len(lines), root_of(lines).hex()) == (segment.entries, segment.root)
        assert segment.ledger_day >= segment.of_day
    previous, chain = "0" * 64, days.days()
    for nth, closed in enumerate(chain):
        lying = [segment for segment in found if segment.ledger_day == closed.ledger_day]
        assert days.segments_of(closed.ledger_day) == lying
        assert closed.root == root_of([bytes.fromhex(segment.root) for segment in lying]).hex()
        assert closed.previous == previous
        document = json.loads(files.read_day(closed.ledger_day))
        previous = document.pop("sha256")
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == previous == closed.sha256
        assert closed.ledger_day == chain[0].ledger_day + timedelta(days=nth)
    told = [said for message in bed.messages("NotifyInbox") if "ledger_day" in (said := json.loads(message["body"])["detail"])]
    assert {one["number"] for one in told if "number" in one} == {segment.number for segment in found}
    assert {one["ledger_day"] for one in told if "previous" in one} == {str(closed.ledger_day) for closed in chain}
    assert len({one["event_id"] for one in told}) == len(found) + len(chain)


# ---------------------------------------------------------------- what is sealed


def test_services_ratings_and_exclusions_are_sealed_with_what_may_leave_intake_and_nothing_else(bed):
    bed.accept(letter(event()), letter(bad_rating()), letter(general(level="SATISFIED", tags=[])))
    bed.flow()
    assert bed.decide(granted(bed), overturned(bed)) == []
    bed.flow()
    assert seal({}, CONTEXT)["entries"] == 5
    records = sealed()
    assert sorted(record["entry"] for record in records) == ["E", "R", "R", "X", "X"]
    assert {record["turn"] for record in records if record["entry"] == "X"} == {1, 2}
    rated = next(record for record in records if record["entry"] == "R" and record["level"] == "DISSATISFIED")
    assert (rated["window"], rated["rating_id"]) == ("A01", bed.told("BadRatingAccepted")[0]["rating"]["rating_id"])
    stays = {"hour", "device", "delay", "service_day", "receipt_sha256", "received_day", "event_id", "case_id"}
    assert [record.keys() & stays for record in records] == [set()] * 5


def test_no_case_file_no_person_and_no_text_is_in_a_file(bed):
    person = {"certificate_type": "111", "certificate_number": "330106199001019999", "name": "欧阳金丝雀", "phone": "13912345678"}
    bed.accept(letter(event(applicant=person, agent=person, staff_no="canary-0007")), letter(bad_rating(rater=person, comment="欧阳说的")))
    bed.flow()
    seal({}, CONTEXT)
    everything = json.dumps([sealed(), [segment.plain() for segment in days.segments_after(0)]], ensure_ascii=False)
    for canary in (event().project_no, "9999", "欧阳", "139123", "canary"):
        assert canary not in everything


def test_the_order_in_a_file_tells_nothing_of_the_order_in_time(bed):
    segments.write([line(number, entry="RE"[number % 2]) for number in range(100)])
    seal({}, CONTEXT)
    records = sealed()
    assert [record["entry"] for record in records] == ["E"] * 50 + ["R"] * 50  # services first, for who reads on
    assert [record.get("rating_id") for record in records[50:]] != [f"r_{number}" for number in range(0, 100, 2)]


def test_what_is_not_of_the_ledger_or_counts_nothing_is_not_sealed(bed):
    segments.write([line(1), line(2, entry="A"), line(3, entry="I")])
    segments.write([line(4, lane="CasesTable/shardId-1", entry="H")])
    seal({}, CONTEXT)
    assert ratings() == names(1)


def test_an_entry_that_moves_several_days_is_sealed_with_the_last_of_them(bed):
    segments.write([line(1, 5), line(2, 5, with_days=(1,))])
    seal({}, CONTEXT)
    assert [(segment.of_day, segment.entries) for segment in days.segments_after(0)] == [(day(5), 1), (day(1), 1)]
    assert seal({}, CONTEXT)["segments"] == 0
    assert list(gathering.parts(days.marks(day(5)))) == []  # nothing of that day is read again


# ---------------------------------------------------------------- once


def test_copies_and_other_cuts_of_what_was_sealed_are_passed_over(bed):
    segments.write([line(1), line(2), line(3)])
    seal({}, CONTEXT)
    segments.write([line(2), line(3), line(4)])
    segments.write([line(1), line(2)])
    segments.write([line(3), line(4), line(5)])
    seal({}, CONTEXT)
    assert ratings() == names(1, 2, 3, 4, 5)
    check_everything(bed)


def test_what_lies_in_no_new_object_is_not_read(bed):
    segments.write([line(1), line(2)])
    seal({}, CONTEXT)
    segments.write([line(3)])
    read = []
    with bed.hooked(clients.s3(), "before-send.s3.GetObject", lambda request, **_: read.append(request.url)):
        seal({}, CONTEXT)
    (only,) = [url for url in read if "/raw/" in url]
    assert f"{3:040}-{3:040}" in only


def test_what_is_written_while_the_day_is_listed_is_not_passed_over(bed):
    """A list of many pages may miss an object and have what comes behind it."""
    segments.write([line(3)])
    asked = []

    def write_more(**_: Any) -> None:
        asked.append(1)
        if len(asked) == 2:  # the day is listed, its lanes are not
            segments.write([line(1), line(2), line(3), line(4)])
            segments.write([line(5)])

    with bed.hooked(clients.s3(), "after-call.s3.ListObjectsV2", write_more):
        seal({}, CONTEXT)
    seal({}, CONTEXT)
    assert ratings() == names(1, 2, 3, 4, 5)


def test_a_segment_holds_so_many_lines_and_a_run_that_ran_out_of_time_is_taken_up(bed, monkeypatch, later):
    monkeypatch.setattr(gathering, "PART", 3)
    segments.write([line(number, 1, lane=f"LedgerTable/shardId-{number % 2}") for number in range(10)][::2])
    segments.write([line(number, 1, lane=f"LedgerTable/shardId-{number % 2}") for number in range(10)][1::2])
    later(days=2)
    turns = iter([True, True, False])
    assert sealing.seal(lambda: next(turns)) == {"segments": 2, "entries": 6, "closed": 0}
    assert (days.days(), days.head().sealed_at) == ([], None)
    assert sealing.seal()["entries"] == 4
    assert ratings() == names(*range(10))
    assert {segment.entries for segment in days.segments_after(0)} <= {1, 2, 3}
    assert days.marks(day(1)).numbers == tuple(segment.number for segment in days.segments_after(0))
    check_everything(bed)


def test_an_entry_that_the_reconciliation_wrote_again_is_sealed_once(bed, later):
    bed.accept(letter(event()), letter(bad_rating()))
    records = bed.stream("LedgerTable")
    until = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    for name in ("first", "again"):
        scan = reconciliation.go_on(reconciliation.Scan(month=name, until=until), door.keys(), lambda: True)
        assert len(scan.findings) == (2 if name == "first" else 0)
        seal({}, CONTEXT)
        assert len(sealed()) == 2
    from intake.app import relay

    relay({"Records": records, "shardId": "shardId-1"}, CONTEXT)  # late by hours: they come by their own lane after all
    seal({}, CONTEXT)
    assert len(sealed()) == 2
    check_everything(bed)


def test_what_the_reconciliation_adds_to_what_is_sealed_is_sealed(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    seal({}, CONTEXT)
    for found in bed.s3.list_objects_v2(Bucket="segments", Prefix="raw/")["Contents"]:
        bed.s3.delete_object(Bucket="segments", Key=found["Key"])
    bed.accept(letter(event(project_no="33-2")))
    until = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    reconciliation.go_on(reconciliation.Scan(month="m", until=until), door.keys(), lambda: True)
    assert seal({}, CONTEXT)["entries"] == 1
    assert seal({}, CONTEXT)["entries"] == 0
    assert len(sealed()) == 3


def test_what_the_reconciliation_wrote_is_taken_up_where_a_run_ran_out_of_time(bed, monkeypatch):
    monkeypatch.setattr(gathering, "PART", 1)
    for number in (1, 2, 3):
        segments.write([line(number, lane=f"LedgerTable/reconciled-k{number}")._replace(sequence=0)])
    turns = iter([True, False])
    assert sealing.seal(lambda: next(turns))["entries"] == 1
    assert sealing.seal()["entries"] == 2
    assert sealing.seal()["segments"] == 0
    assert ratings() == names(1, 2, 3)


# ---------------------------------------------------------------- days


def test_a_day_is_closed_an_hour_after_its_end_and_days_without_entries_too(bed, monkeypatch):
    at(monkeypatch, end_of(day(4)) - timedelta(hours=2))
    segments.write([line(1, 4)])
    assert sealing.seal() == {"segments": 1, "entries": 1, "closed": 0}
    at(monkeypatch, end_of(day(4)) + timedelta(minutes=59))
    assert sealing.seal()["closed"] == 0
    at(monkeypatch, end_of(day(2)) + timedelta(hours=1))
    segments.write([line(2, 2)])
    assert sealing.seal() == {"segments": 1, "entries": 1, "closed": 3}
    assert [(closed.ledger_day, closed.segments, closed.first_number) for closed in days.days()] == [
        (day(4), 1, 1),
        (day(3), 0, None),
        (day(2), 1, 2),
    ]
    check_everything(bed)


def test_a_run_that_began_before_the_hour_was_over_closes_nothing(bed, monkeypatch):
    segments.write([line(1, 2)])
    moments = itertools.chain([end_of(day(2)) + timedelta(minutes=59)], itertools.repeat(end_of(day(2)) + timedelta(hours=2)))
    monkeypatch.setattr("cloud.clock.now", lambda: next(moments))
    assert sealing.seal()["closed"] == 0
    assert sealing.seal()["closed"] == 1


def test_a_straggler_of_a_closed_day_is_sealed_with_a_day_that_is_open(bed, monkeypatch):
    segments.write([line(1, 5)])
    at(monkeypatch, end_of(day(4)) + timedelta(hours=2))
    sealing.seal()
    proof = [closed.sha256 for closed in days.days()]
    segments.write([line(2, 5), line(3, 3)])
    sealing.seal()
    assert [(one.of_day, one.ledger_day) for one in days.segments_after(1)] == [(day(5), day(3)), (day(3), day(3))]
    at(monkeypatch, end_of(day(3)) + timedelta(hours=2))
    sealing.seal()
    assert [closed.sha256 for closed in days.days()][:2] == proof
    assert [one.number for one in days.segments_of(day(3))] == [2, 3]
    check_everything(bed)


def test_a_segment_that_closes_with_an_earlier_day_may_have_a_later_number(bed, monkeypatch):
    at(monkeypatch, end_of(day(2)) + timedelta(minutes=10))
    segments.write([line(1, 2), line(2, 1)])
    sealing.seal()
    segments.write([line(3, 2)])
    at(monkeypatch, end_of(day(2)) + timedelta(hours=2))
    sealing.seal()
    assert [segment.number for segment in days.segments_of(day(2))] == [1, 3]
    assert [segment.number for segment in days.segments_of(day(1))] == [2]
    check_everything(bed)


def test_of_an_old_counting_day_nothing_is_looked_for_unless_asked(bed, monkeypatch):
    monkeypatch.setattr(sealing, "LOOKS_BACK", timedelta(days=2))
    segments.write([line(1, 4)])
    assert sealing.seal()["entries"] == 0
    assert sealing.seal(since=day(5))["entries"] == 1


def test_who_asks_finds_segments_and_days_by_number_and_day(bed, later):
    segments.write([line(1, 2), line(2, 1)])
    later(hours=1)
    sealing.seal()
    (first, second) = days.segments_after(0)
    assert (days.segment(2), days.segment(3), list(days.segments_after(1))) == (second, None, [second])
    assert days.segments_of(day(2)) == [first]
    assert (days.segments_of(day(9)), days.day(day(9))) == ([], None)
    later(days=2)
    sealing.seal()
    assert days.days(limit=1) == [days.day(day(2))]
    assert days.days(after=day(2))[0].ledger_day == day(1)
    assert first.key in files.url_of(first)


def test_a_ledger_without_entries_has_no_days(bed, later):
    later(days=3)
    assert sealing.seal() == {"segments": 0, "entries": 0, "closed": 0}
    assert (days.days(), list(days.segments_after(0))) == ([], [])


# ---------------------------------------------------------------- crashes, and two at once


@contextmanager
def calling(bed, hook):
    """Lets something happen after every call of the run has taken effect, which is before the next."""
    with ExitStack() as stack:
        for client in (clients.dynamodb(), clients.s3(), clients.events()):
            stack.enter_context(bed.hooked(client, "after-call", lambda **_: hook("")))
        yield


def scene(bed, later) -> None:
    """Three days of two lanes, of which something is sealed and something is new; a day is to be closed."""
    bed.start_afresh()
    later(hours=0)
    segments.write([line(1, 2), line(2, 1)])
    sealing.seal()
    segments.write([line(2, 1), line(3, 1), line(4, 1)])
    segments.write([line(5, 1, lane="LedgerTable/shardId-2")])
    later(days=1)


ALL = names(1, 2, 3, 4, 5)
CALLS = 60


@pytest.mark.slow
def test_a_run_that_dies_at_any_call_is_taken_up_by_the_next(bed, later):
    died = 0
    for call in range(1, CALLS):
        scene(bed, later)
        with suppress(Crash), calling(bed, at_call(call, die)):
            sealing.seal()
            break
        died += 1
        sealing.seal()
        assert ratings() == ALL
        assert len(days.days()) >= 2
        check_everything(bed)
    assert 15 < died < CALLS - 1


@pytest.mark.slow
def test_of_two_runs_at_once_one_does_it(bed, later):
    happened = 0
    for call in range(1, CALLS):
        scene(bed, later)
        others = []
        with calling(bed, at_call(call, lambda: others.append(sealing.seal()))):  # noqa: B023 - called in this round
            sealing.seal()
        if not others:
            break
        happened += 1
        sealing.seal()
        assert ratings() == ALL
        check_everything(bed)
    assert 15 < happened < CALLS - 1


def test_a_run_that_was_overtaken_adds_nothing_to_a_day_that_was_closed_meanwhile(bed, monkeypatch):
    segments.write([line(1, 2)])
    at(monkeypatch, end_of(day(2)))
    sealing.seal()
    at(monkeypatch, end_of(day(2)) + timedelta(hours=2))

    def overtake() -> None:
        assert sealing.seal()["closed"] == 1
        segments.write([line(2, 2)])

    with calling(bed, at_call(1, overtake)):  # the head is read
        assert sealing.seal() == {"segments": 0, "entries": 0, "closed": 0}
    assert sealing.seal()["entries"] == 1
    assert [segment.ledger_day for segment in days.segments_after(0)] == [day(2), day(1)]
    check_everything(bed)


def test_a_run_notes_what_it_told_and_when_it_began(bed, monkeypatch):
    moment = end_of(day(1)) - timedelta(hours=1)
    at(monkeypatch, moment)
    segments.write([line(1, 1)])
    sealing.seal()
    assert len(bed.messages("NotifyInbox")) == 1
    assert days.head().sealed_at == moment
    sealing.seal()
    assert bed.messages("NotifyInbox") == []


def test_a_bus_that_refuses_leaves_it_to_the_next_run_to_tell(bed, monkeypatch):
    segments.write([line(1)])

    def refuse(news: list[Any]) -> None:
        if news:
            raise NotPublished

    with monkeypatch.context() as patched:
        patched.setattr(bus, "publish", refuse)
        with pytest.raises(NotPublished):
            seal({}, CONTEXT)
    assert ratings() == names(1)
    assert seal({}, CONTEXT)["segments"] == 0
    check_everything(bed)


def test_what_is_told_twice_says_the_same(bed, later):
    segments.write([line(1, 1)])
    later(days=1)
    sealing.seal()
    first = bed.messages("NotifyInbox")
    later(days=1, hours=5)
    telling.tell(days.head().model_copy(update={"told_number": 0, "told_day": None}))
    again = bed.messages("NotifyInbox")
    assert [json.loads(message["body"])["detail"] for message in again] == [json.loads(message["body"])["detail"] for message in first]


def test_segments_and_days_are_in_the_feed(bed, monkeypatch):
    segments.write([line(1, 1)])
    at(monkeypatch, end_of(day(1)) + timedelta(hours=2))
    sealing.seal()
    bed.flow()
    (told,), (closed,) = bed.told("LedgerSegmentSealed"), bed.told("LedgerDayClosed")
    assert {name: told[name] for name in days.segment(1).plain()} == days.segment(1).plain()
    assert closed["sha256"] == days.day(day(1)).sha256


# ---------------------------------------------------------------- whatever befalls the raw segments


def cuts(draw, records: list[Line]) -> list[list[Line]]:
    """How a lane is handed over: in order, cut anywhere, some of it again and otherwise cut."""
    batches, start = [], 0
    while start < len(records):
        back = draw(st.integers(0, 3))
        begin, end = max(start - back, 0), start + draw(st.integers(1, 5))
        batches.append(records[begin:end])
        start = end
    return batches


@st.composite
def histories(draw) -> tuple[list[Line], list[list[Line] | None]]:
    """Entries of two lanes, and what happens in turn: a batch is written, or (None) a run seals while time goes on."""
    entries, batches = [], []
    for lane in range(2):
        days_of = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=8))
        of_lane = [
            line(100 * lane + n, own, lane=f"LedgerTable/shardId-{lane}", with_days=(also,)) for n, (own, also) in enumerate(days_of)
        ]
        entries += of_lane
        batches.append(cuts(draw, of_lane))
    turns: list[list[Line] | None] = []
    while any(batches):
        lane = draw(st.sampled_from([lane for lane in batches if lane]))
        turns += [lane.pop(0), *([None] if draw(st.integers(0, 2)) == 2 else [])]
    # A function that comes back from the dead writes something once more.
    copies = [turn for turn in turns if turn]
    return entries, turns + ([draw(st.sampled_from(copies))] if copies else []) + [None]


@pytest.mark.property
@given(histories(), st.integers(2, 7))
def test_every_entry_is_sealed_once_however_it_was_handed_over(bed, later, monkeypatch, history, size):
    entries, turns = history
    bed.start_afresh()
    monkeypatch.setattr(gathering, "PART", size)
    for nth, turn in enumerate(turns):
        later(hours=nth * 3)
        if turn is None:
            sealing.seal()
        else:
            segments.write(turn)
    assert ratings() == sorted(str(entry.facts["rating_id"]) for entry in entries)
    check_everything(bed)


def test_the_bytes_of_a_record(bed):
    segments.write([line(1), line(2, entry="E")])
    seal({}, CONTEXT)
    (segment,) = days.segments_after(0)
    told = f'"day":"{TODAY}","entry":'
    assert list(files.lines_of(segment)) == [
        f'{{{told}"E","event_ref":"e_2","region_code":"330106000000","status":"FINISHED"}}'.encode(),
        f'{{{told}"R","level":"SATISFIED","rating_id":"r_1","region_code":"330106000000"}}'.encode(),
    ]


def test_a_record_may_hold_whatever_a_platform_calls_its_windows(bed):
    odd = line(1)
    segments.write([odd._replace(facts=odd.facts | {"window": "A\u2028\x85\r01"}), line(2)])
    seal({}, CONTEXT)
    assert [record.get("window") for record in sealed() if record["rating_id"] == "r_1"] == ["A\u2028\x85\r01"]
    check_everything(bed)


def test_a_fact_that_is_added_later_does_not_change_the_bytes_of_what_was_sealed_without_it():
    """It must be absent where it is not said; these three were there from the beginning."""
    facts = CountedTurn.model_fields | CountedService.model_fields
    assert {name for name, field in facts.items() if not field.is_required() and field.default is not None} == {"flags", "round", "tags"}


def test_who_seals_nothing_for_hours_is_alarmed(bed, later, monkeypatch, capsys):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    seal({}, CONTEXT)
    later(hours=4)
    # Somebody put a row where the next segment would stand: every run is overtaken.
    put(settings().feed_table, {"pk": "LEDGER#SEGMENTS", "sk": f"{days.head().number + 1:09}"})
    bed.accept(letter(event(project_no="33-2")))
    bed.flow()
    capsys.readouterr()
    seal({}, CONTEXT)
    assert '"SealLate":[1.0]' in capsys.readouterr().out
