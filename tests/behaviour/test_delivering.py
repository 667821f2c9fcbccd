"""Delivery: whoever is down, slow or wrong delays nobody else, nothing is lost, and what became of each event can be looked up."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

from bed import CONTEXT
from cloud import registry, secrets
from contract.codes import DeliveryState
from haochaping.demo.loopback import Handler, Loopback
from notify import deliveries, feed, replaying, retrying, subscriptions, sweeping, turns, webhook
from notify.app import deliver, dispatch, sweep
from notify.cursor import Cursor
from said import ORGANISATION
from told import message, overdue, progressed

if TYPE_CHECKING:
    from collections.abc import Callable


class Subscriber(Loopback):
    """A subscriber on this machine that answers as it is told to; `got` are the ids of the events that it took, in order."""

    def __init__(self, answer: Callable[[int], int | None] = lambda _: 204) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.got: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.released = Event()
        subscriber = self

        class Answering(Handler):
            def post(self):
                body = json.loads(self.body())
                subscriber.asked.append(self.path)
                status = subscriber.answer(len(subscriber.asked))
                if status is None:
                    subscriber.released.wait()
                    return
                if 200 <= status < 300:
                    subscriber.got.append(body["id"])
                    subscriber.bodies.append(body)
                self.send_response(status)
                self.send_header("location", "http://169.254.169.254/latest/meta-data/")
                self.end_headers()

            do_GET = Handler.do_POST  # noqa: N815 - as a redirect that is followed would ask

        super().__init__(Answering)
        self.url = f"{self.address}/hook"

    def __exit__(self, *error: object) -> None:
        self.released.set()
        super().__exit__(*error)


@pytest.fixture
def loopback(loopback, monkeypatch):
    """Besides, what is to be delivered in order is handed over at once."""
    monkeypatch.setattr(turns, "SECONDS", 0)
    return loopback


def publish(bed, *events) -> None:
    assert dispatch({"Records": [message(event) for event in events]}, CONTEXT) == {"batchItemFailures": []}


def run(bed) -> None:
    """Hands over everything that is queued."""
    while waiting := bed.messages("DeliveryQueue"):
        for each in waiting:
            assert deliver({"Records": [each]}, CONTEXT) == {"batchItemFailures": []}


def a_minute(bed) -> None:
    sweep({}, CONTEXT)
    run(bed)


def circuit(id: str) -> retrying.Circuit:
    return subscriptions.find(id).circuit


# ---------------------------------------------------------------- who is down, slow, wrong


def test_one_that_is_down_for_three_days_gets_everything_and_nobody_else_notices(loopback, later):
    with Subscriber() as well, Subscriber() as ill:
        loopback.subscribe("well", well.url)
        loopback.subscribe("ill", ill.url)
        ill.answer = lambda _: 503
        told = []
        for hour in range(0, 73, 8):
            later(hours=hour)
            news = [progressed(100 * hour + n, rating=f"r_{n}") for n in range(6)]
            told += [event.event_id for event in news]
            publish(loopback, *news)
            run(loopback)
            assert sorted(well.got[-6:]) == sorted(told[-6:])
            for minute in (2, 30):
                later(hours=hour, minutes=minute)
                a_minute(loopback)
        assert circuit("ill").is_open
        asked_while_down = len(ill.asked)
        assert asked_while_down < 150, "a subscriber that is down is probed, not stormed"
        ill.answer = lambda _: 204
        later(hours=74)
        a_minute(loopback)
        a_minute(loopback)
    assert sorted(ill.got) == sorted(well.got) == sorted(told)
    assert circuit("ill") == retrying.CLOSED
    assert {row.tries for row in deliveries.all_of("well")} == {1}
    assert {row.state for row in deliveries.all_of("ill")} == {DeliveryState.DELIVERED}


def test_one_that_answers_500_every_third_time_gets_every_event(loopback, later):
    with Subscriber(lambda nth: 500 if nth % 3 == 0 else 204) as moody:
        loopback.subscribe("moody", moody.url)
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(20)))
        run(loopback)
        assert len(moody.got) == 14
        for minute in (2, 6, 12, 30):
            later(minutes=minute)
            a_minute(loopback)
    assert sorted(moody.got) == sorted(f"ev_{n}" for n in range(20))
    assert not circuit("moody").is_open


def test_one_that_does_not_answer_is_left_after_its_time(loopback, monkeypatch):
    monkeypatch.setattr(webhook, "SECONDS", 0.2)
    with Subscriber(lambda _: None) as slow, Subscriber() as well:
        loopback.subscribe("slow", slow.url)
        loopback.subscribe("well", well.url)
        publish(loopback, progressed(1))
        run(loopback)
        assert well.got == ["ev_1"]
    row = deliveries.find("slow", "ev_1")
    assert (row.state, row.answer, row.tries) == (DeliveryState.WAITING, "timed_out", 1)


def test_one_that_drips_its_answer_is_left_after_its_time(loopback, monkeypatch):
    monkeypatch.setattr(webhook, "SECONDS", 0.3)
    over = Event()

    def drip(server: socket.socket) -> None:
        taken, _ = server.accept()
        with taken, suppress(OSError):
            taken.sendall(b"HTTP/1.1 ")
            while not over.wait(0.1):
                taken.sendall(b"2")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=drip, args=(server,))
        thread.start()
        loopback.subscribe("drip", f"http://127.0.0.1:{server.getsockname()[1]}/hook")
        publish(loopback, progressed(1))
        run(loopback)
        over.set()
        thread.join()
    assert deliveries.find("drip", "ev_1").answer == "timed_out"


def test_one_that_redirects_to_a_metadata_address_is_not_followed(loopback):
    with Subscriber(lambda _: 302) as sly:
        loopback.subscribe("sly", sly.url)
        publish(loopback, progressed(1))
        run(loopback)
        assert sly.asked == ["/hook"]
    assert deliveries.find("sly", "ev_1").answer == "302"


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("https://169.254.169.254/latest", "forbidden_address"),
        ("https://10.0.0.8/hook", "forbidden_address"),
        ("https://[::ffff:169.254.169.254]/", "forbidden_address"),
        ("https://[::169.254.169.254]/", "forbidden_address"),
        ("https://[64:ff9b::a9fe:a9fe]/", "forbidden_address"),
        ("https://[2002:a9fe:a9fe::1]/", "forbidden_address"),
        ("https://no-such-host.invalid/", "host_not_found"),
    ],
)
def test_an_address_that_must_not_be_called_is_not_whatever_was_subscribed(bed, target, answer):
    bed.subscribe("sly", target)
    publish(bed, progressed(1))
    run(bed)
    assert deliveries.find("sly", "ev_1").answer == answer


# ---------------------------------------------------------------- trying again, giving up


def test_the_waits_grow_and_cover_more_than_three_days():
    at, waits = datetime(2026, 11, 24, tzinfo=UTC), []
    tries = 0
    while not retrying.is_given_up(datetime(2026, 11, 24, tzinfo=UTC), at):
        tries += 1
        following = retrying.next_try("ev_1", tries, at)
        waits.append(following - at)
        at = following
    assert waits == sorted(waits)
    assert waits[0] < timedelta(minutes=2)
    assert sum(waits, timedelta()) >= timedelta(hours=72)
    assert 15 < len(waits) < 40


def test_what_was_tried_for_four_days_is_set_aside_alarmed_and_can_be_asked_for_again(loopback, later, capsys):
    with Subscriber(lambda _: 500) as deaf:
        loopback.subscribe("deaf", deaf.url)
        publish(loopback, progressed(1))
        run(loopback)
        later(hours=97)
        capsys.readouterr()
        assert sweep({}, CONTEXT)["set_aside"] == 1
        assert '"DeliveriesSetAside":[1.0]' in capsys.readouterr().out
        (row,) = deliveries.listed("deaf", DeliveryState.SET_ASIDE)
        assert (row.event_id, row.answer, row.tries) == ("ev_1", "500", 1)
        later(hours=120)
        a_minute(loopback)
        assert len(deaf.asked) == 1
        deaf.answer = lambda _: 204
        assert replaying.revive(subscriptions.find("deaf")) == 1
        a_minute(loopback)
        assert deaf.got == ["ev_1"]
    assert list(deliveries.listed("deaf", DeliveryState.SET_ASIDE)) == []


def test_a_failure_that_is_told_late_takes_back_no_delivery(loopback):
    with Subscriber() as fine:
        loopback.subscribe("fine", fine.url)
        publish(loopback, progressed(1))
        (first,) = loopback.messages("DeliveryQueue")
        deliver({"Records": [first]}, CONTEXT)
        fine.answer = lambda _: 500
        # The queue hands it over once more, at the same time; only what was delivered before this delivery began could be overwritten.
        stale = json.loads(first["body"]) | {"first_at": "2020-01-01T00:00:00Z"}
        deliver({"Records": [first | {"body": json.dumps(stale)}]}, CONTEXT)
    assert deliveries.find("fine", "ev_1").state is DeliveryState.DELIVERED


def test_a_try_that_nothing_came_of_is_made_again(loopback, later):
    with Subscriber(lambda _: 500) as deaf:
        loopback.subscribe("deaf", deaf.url)
        publish(loopback, progressed(1))
        run(loopback)
        later(minutes=5)
        assert sweep({}, CONTEXT)["sent"] == 1
        loopback.messages("DeliveryQueue")  # lost
        assert sweep({}, CONTEXT)["sent"] == 0
        deaf.answer = lambda _: 204
        later(minutes=30)
        a_minute(loopback)
        assert deaf.got == ["ev_1"]


def test_a_burst_of_one_bad_second_opens_no_circuit(loopback):
    with Subscriber(lambda _: 500) as shaken:
        loopback.subscribe("shaken", shaken.url)
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(15)))
        run(loopback)
    assert (circuit("shaken").failures, circuit("shaken").is_open) == (15, False)


def test_the_backlog_of_one_goes_out_in_portions(loopback, later, monkeypatch):
    monkeypatch.setattr(sweeping, "A_MINUTE", 3)
    with Subscriber(lambda _: 500) as deaf:
        loopback.subscribe("deaf", deaf.url)
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(8)))
        run(loopback)
        deaf.answer = lambda _: 204
        later(minutes=5)
        sent = [sweep({}, CONTEXT)["sent"] for _ in range(4)]
    assert sent == [3, 3, 2, 0]


# ---------------------------------------------------------------- order


def test_on_request_the_events_of_a_case_come_one_after_the_other_and_other_cases_wait_for_none(loopback, later):
    with Subscriber() as strict:
        loopback.subscribe("strict", strict.url, in_order=True)
        strict.answer = lambda nth: 500 if nth == 1 else 204
        publish(loopback, progressed(1, rating="r_a", order=1), progressed(2, rating="r_a", order=2))
        publish(loopback, progressed(3, rating="r_b", order=1), progressed(4, rating="r_a", order=3))
        run(loopback)
        assert strict.got == ["ev_3"]
        later(minutes=2)
        a_minute(loopback)
    assert strict.got == ["ev_3", "ev_1", "ev_2", "ev_4"]
    assert not [item for item in loopback.items("DeliveriesTable") if item["pk"].startswith("O#")]


def test_events_that_the_bus_told_in_the_wrong_order_come_in_the_right_one(loopback):
    with Subscriber() as strict:
        loopback.subscribe("strict", strict.url, in_order=True)
        publish(loopback, progressed(2, rating="r_a", order=2), progressed(1, rating="r_a", order=1), progressed(3, rating="r_a", order=3))
        run(loopback)
    assert strict.got == ["ev_1", "ev_2", "ev_3"]


def test_an_order_that_is_asked_for_later_loses_nothing_of_what_is_under_way(loopback, later):
    """Dispatch remembers subscribers for a minute, so that what it sends then has no mark; nor has what waits."""
    with Subscriber(lambda _: 500) as one:
        loopback.subscribe("one", one.url)
        publish(loopback, progressed(1, rating="r_a", order=1))
        run(loopback)
        publish(loopback, progressed(2, rating="r_a", order=2))
        subscriptions.change(subscriptions.find("one").asked.model_copy(update={"in_order": True}), "one")
        one.answer = lambda _: 204
        run(loopback)
        later(minutes=10)
        a_minute(loopback)
    assert sorted(one.got) == ["ev_1", "ev_2"]
    assert {row.state for row in deliveries.all_of("one")} == {DeliveryState.DELIVERED}


def test_what_only_waited_for_its_turn_is_tried_before_it_is_given_up(loopback, later):
    with Subscriber(lambda _: 500) as deaf:
        loopback.subscribe("strict", deaf.url, in_order=True)
        publish(loopback, *(progressed(n, rating="r_a", order=n) for n in (1, 2, 3)))
        run(loopback)
        later(hours=97)
        deaf.answer = lambda nth: 204
        a_minute(loopback)
        a_minute(loopback)
    assert deaf.got == ["ev_2", "ev_3"]
    assert [row.event_id for row in deliveries.listed("strict", DeliveryState.SET_ASIDE)] == ["ev_1"]


def test_what_is_no_longer_its_business_holds_up_nothing_behind_it(loopback, later):
    with Subscriber(lambda _: 500) as one:
        loopback.subscribe("one", one.url, in_order=True)
        publish(loopback, progressed(1, rating="r_a", order=1, organisation="11330106MB0000005W"))
        publish(loopback, progressed(2, rating="r_a", order=2))
        run(loopback)
        narrower = CONSUMER | {"regions": ["330000000000"], "organisations": [ORGANISATION]}
        registry.add(registry.Record(kind="party", id="one", valid_from="2026-01-01", value=narrower))
        registry.forget()
        one.answer = lambda _: 204
        later(minutes=10)
        a_minute(loopback)
        a_minute(loopback)
    assert one.got == ["ev_2"]
    assert list(deliveries.listed("one", DeliveryState.WAITING)) == []


def test_what_is_given_up_holds_up_nothing_behind_it(loopback, later):
    with Subscriber(lambda _: 500) as deaf:
        loopback.subscribe("strict", deaf.url, in_order=True)
        publish(loopback, progressed(1, rating="r_a", order=1))
        run(loopback)
        later(hours=90)
        publish(loopback, progressed(2, rating="r_a", order=2))
        run(loopback)
        deaf.answer = lambda _: 204
        later(hours=97)
        a_minute(loopback)
        assert deaf.got == ["ev_2"]
        assert [row.event_id for row in deliveries.listed("strict", DeliveryState.SET_ASIDE)] == ["ev_1"]
        replaying.revive(subscriptions.find("strict"))
        a_minute(loopback)
    assert deaf.got == ["ev_2", "ev_1"]


# ---------------------------------------------------------------- replay


def test_a_replay_reaches_one_subscriber_from_a_cursor_on_and_nobody_else(loopback):
    with Subscriber() as one, Subscriber() as other:
        loopback.subscribe("one", one.url)
        loopback.subscribe("other", other.url)
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(6)))
        middle = feed.end()
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(6, 10)))
        run(loopback)
        one.got.clear()
        other.got.clear()
        assert replaying.begin(subscriptions.find("one"), middle)
        publish(loopback, progressed(99, rating="r_99"))
        a_minute(loopback)
    assert sorted(one.got) == sorted(["ev_99", *(f"ev_{n}" for n in range(6, 10))])
    assert other.got == ["ev_99"]
    assert subscriptions.find("one").replay is None


def test_a_replay_goes_on_where_it_stopped_and_has_only_what_is_wanted(loopback, monkeypatch):
    monkeypatch.setattr(sweeping, "A_MINUTE", 3)
    with Subscriber() as one:
        loopback.subscribe("one", one.url, types=("CaseOverdue",))
        publish(loopback, *((overdue if n % 2 else progressed)(n, rating=f"r_{n}") for n in range(20)))
        run(loopback)
        one.got.clear()
        replaying.begin(subscriptions.find("one"), Cursor())
        rounds = 0
        while subscriptions.find("one").replay:
            a_minute(loopback)
            rounds += 1
    assert sorted(one.got) == sorted(f"ev_{n}" for n in range(20) if n % 2)
    assert rounds > 2


def test_what_is_replayed_and_not_taken_is_tried_again(loopback, later):
    with Subscriber() as one:
        loopback.subscribe("one", one.url)
        publish(loopback, progressed(1))
        run(loopback)
        later(minutes=10)
        one.answer = lambda _: 500
        replaying.begin(subscriptions.find("one"), Cursor())
        a_minute(loopback)
        assert deliveries.find("one", "ev_1").state is DeliveryState.WAITING
        one.answer = lambda _: 204
        later(minutes=20)
        a_minute(loopback)
    assert one.got == ["ev_1", "ev_1"]


def test_a_replay_waits_until_its_subscriber_is_up(loopback, later):
    with Subscriber(lambda _: 500) as one:
        loopback.subscribe("one", one.url)
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(6)))
        run(loopback)
        later(minutes=2)
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(6, 12)))
        run(loopback)
        assert circuit("one").is_open
        replaying.begin(subscriptions.find("one"), Cursor())
        assert sweep({}, CONTEXT)["replayed"] == 0


def test_one_that_is_paused_is_told_nothing_and_can_be_replayed_to(loopback):
    with Subscriber() as one:
        loopback.subscribe("one", one.url, paused=True)
        publish(loopback, progressed(1))
        run(loopback)
        assert one.got == []
        subscriptions.change(subscriptions.find("one").asked.model_copy(update={"paused": False}), "one")
        replaying.begin(subscriptions.find("one"), Cursor())
        a_minute(loopback)
        assert one.got == ["ev_1"]


def test_one_that_is_paused_while_it_is_down_is_left_alone_and_loses_nothing(loopback, later):
    with Subscriber(lambda _: 500) as one:
        loopback.subscribe("one", one.url)
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(6)))
        run(loopback)
        later(minutes=2)
        publish(loopback, *(progressed(n, rating=f"r_{n}") for n in range(6, 12)))
        run(loopback)
        assert circuit("one").is_open
        asked = len(one.asked)
        subscriptions.change(subscriptions.find("one").asked.model_copy(update={"paused": True}), "one")
        for hours in (1, 50, 100):
            later(hours=hours)
            a_minute(loopback)
        assert len(one.asked) == asked
    assert list(deliveries.listed("one", DeliveryState.SET_ASIDE)) == []


# ---------------------------------------------------------------- one sweep for all


def test_the_fault_of_one_subscriber_stops_the_sweep_for_nobody(loopback, later, monkeypatch, capsys):
    with Subscriber(lambda _: 500) as first, Subscriber(lambda _: 500) as second:
        for id, subscriber in (("a-first", first), ("b-second", second)):
            loopback.subscribe(id, subscriber.url)
        publish(loopback, progressed(1))
        run(loopback)
        later(minutes=5)
        due = deliveries.due

        def failing(id, now):
            if id == "a-first":
                raise KeyError(id)
            return due(id, now)

        monkeypatch.setattr(deliveries, "due", failing)
        second.answer = lambda _: 204
        capsys.readouterr()
        for _ in range(2):
            a_minute(loopback)
        assert '"SubscribersNotSwept":[1.0]' in capsys.readouterr().out
        assert second.got == ["ev_1"]


def test_when_time_is_short_another_subscriber_comes_first_each_minute(loopback, later):
    ids = [f"portal-{n}" for n in range(4)]
    with Subscriber(lambda _: 500) as deaf:
        for id in ids:
            loopback.subscribe(id, deaf.url)
        publish(loopback, progressed(1))
        run(loopback)
        swept = set()
        for minute in range(5, 9):
            later(minutes=minute)
            left = iter([True, True])  # for one subscriber, and the first portion of what it has
            sweeping.sweep(lambda left=left: next(left, False))
            swept |= {json.loads(each["body"])["subscription"] for each in loopback.messages("DeliveryQueue")}
    assert swept == set(ids)


# ---------------------------------------------------------------- other ways than a webhook


def test_a_reply_queue_gets_the_event_with_the_same_proof(bed):
    url = bed.sqs.create_queue(QueueName="test-reply-portal")["QueueUrl"]
    bed.subscribe("portal", "arn:aws-cn:sqs:cn-north-1:123456789012:test-reply-portal", kind="QUEUE")
    publish(bed, progressed(1))
    run(bed)
    (got,) = bed.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    proof = {name: held["StringValue"] for name, held in got["MessageAttributes"].items()}
    assert Webhook(secrets.signing_secrets("subscription/portal")[0]).verify(got["Body"], proof)["id"] == "ev_1"
    bed.sqs.delete_queue(QueueUrl=url)


def test_a_bus_gets_the_event_as_it_was_on_ours(bed):
    bus = bed.events.create_event_bus(Name="test-reply-portal")["EventBusArn"]
    url = bed.sqs.create_queue(QueueName="behind-the-bus")["QueueUrl"]
    bed.events.put_rule(Name="all", EventBusName="test-reply-portal", EventPattern=json.dumps({"source": ["haochaping.rectify"]}))
    bed.events.put_targets(Rule="all", EventBusName="test-reply-portal", Targets=[{"Id": "q", "Arn": bed._arn(url)}])
    bed.subscribe("portal", bus, kind="EVENT_BUS")
    publish(bed, progressed(1))
    run(bed)
    (got,) = bed.sqs.receive_message(QueueUrl=url)["Messages"]
    told = json.loads(got["Body"])
    assert (told["detail-type"], told["detail"]["event_id"]) == ("CaseProgressed", "ev_1")
    bed.events.remove_targets(Rule="all", EventBusName="test-reply-portal", Ids=["q"])
    bed.events.delete_rule(Name="all", EventBusName="test-reply-portal")
    bed.events.delete_event_bus(Name="test-reply-portal")
    bed.sqs.delete_queue(QueueUrl=url)


@pytest.mark.parametrize("kind", ["QUEUE", "EVENT_BUS"])
def test_a_queue_or_bus_that_is_not_there_is_tried_again(bed, kind):
    arn = (
        "arn:aws-cn:sqs:cn-north-1:123456789012:test-reply-x"
        if kind == "QUEUE"
        else "arn:aws-cn:events:cn-north-1:123456789012:event-bus/test-reply-x"
    )
    bed.subscribe("portal", arn, kind=kind)
    publish(bed, progressed(1))
    run(bed)
    row = deliveries.find("portal", "ev_1")
    assert row.state is DeliveryState.WAITING
    assert row.answer


# ---------------------------------------------------------------- who is told what


def test_a_subscriber_hears_only_of_its_scope_and_only_what_it_asked_for(loopback):
    with Subscriber() as one, Subscriber() as unit, Subscriber() as grave:
        loopback.subscribe("hangzhou", one.url, regions=("330100000000",))
        loopback.subscribe("ningbo-unit", unit.url, regions=("330200000000",), role="UNIT")
        loopback.subscribe("grave", grave.url, severity="WARNING")
        publish(loopback, progressed(1, rating="r_1"), overdue(2, rating="r_2"), overdue(3, rating="r_3", region_code="330203000000"))
        run(loopback)
        assert sorted(one.got) == ["ev_1", "ev_2"]
        assert unit.got == ["ev_3"]
        assert sorted(grave.got) == ["ev_2", "ev_3"]


def test_what_is_no_longer_a_partys_business_is_not_told_however_long_it_waited(loopback):
    with Subscriber() as one:
        loopback.subscribe("one", one.url)
        publish(loopback, progressed(1))
        registry.add(registry.Record(kind="party", id="one", valid_from="2026-01-01", value=CONSUMER | {"regions": ["330200000000"]}))
        registry.forget()
        run(loopback)
        assert one.asked == []


CONSUMER = {"role": "CONSUMER", "name": "一", "name_en": "one", "profile": "canonical"}


def test_a_party_that_is_registered_no_more_is_told_nothing(loopback):
    with Subscriber() as gone:
        loopback.subscribe("gone", gone.url)
        publish(loopback, progressed(1))
        (waiting,) = loopback.messages("DeliveryQueue")
        subscriptions.remove("gone")
        deliver({"Records": [waiting]}, CONTEXT)
        assert gone.asked == []
