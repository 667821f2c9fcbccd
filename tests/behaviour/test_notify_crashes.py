"""A function of notify may die before or after any of its calls: what comes again finds what is done, and nothing is lost."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from bed import CONTEXT
from cloud import clock, registry
from crashes import Crash, at_call, die, quiet
from haochaping.measure.modelled import modelled
from notify import feed, subscriptions
from notify.app import deliver, dispatch, sweep
from notify.delivery import Answer
from notify.subscription import Asked
from told import message, progressed

pytestmark = pytest.mark.slow

EVENTS = [progressed(n, rating=f"r_{n % 3}", order=n // 3 + 1) for n in range(7)]
IDS = {event.event_id for event in EVENTS}
_QUEUE = "delivery_queue_url"


class Stack:
    """The model with a subscriber that takes what comes as it comes and one that wants it in order; `taken` is what each took."""

    def __init__(self, model) -> None:
        self.model = model
        self.taken: dict[str, list[str]] = {"portal": [], "strict": []}
        self.refuses = False
        for id in self.taken:
            value = {"role": "CONSUMER", "name": id, "name_en": id, "profile": "canonical", "regions": ["330000000000"]}
            registry.add(registry.Record(kind="party", id=id, valid_from="2020-01-01", value=value))
            subscriptions.add(Asked(id=id, target=f"https://{id}.example.cn/", in_order=id == "strict"), id)
        subscriptions.forget()

    def post(self, url: str, body: str, headers) -> Answer:
        id = url.removeprefix("https://").partition(".")[0]
        if self.refuses:
            return Answer(taken=False, status=500)
        self.taken[id].append(headers["webhook-id"])
        return Answer(taken=True, status=204)

    def dispatch(self) -> None:
        dispatch({"Records": [message(event) for event in EVENTS]}, CONTEXT)

    def hand_over(self) -> None:
        """Each message until it is done: one that was lost on the way comes again."""
        while waiting := self.model.queues[_QUEUE]:
            body = waiting.pop(0)
            record = {"messageId": "d", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
            try:
                done = deliver({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}
            except Crash:
                done = False
            if not done:
                waiting.append(body)


@pytest.fixture
def playing(monkeypatch):
    def play(crash) -> Stack:
        with modelled() as model:
            stack = Stack(model)
            monkeypatch.setattr("notify.webhook.post", stack.post)
            crash(stack)
            quiet(model)
            stack.dispatch()
            for minutes in (0, 20, 40, 60, 900, 1800):
                monkeypatch.setattr(clock, "now", lambda minutes=minutes: clock.wall() + timedelta(minutes=minutes))
                sweep({}, CONTEXT)
                stack.hand_over()
            stack.in_feed = [event["id"] for event in feed.everything()]
        monkeypatch.undo()
        return stack

    return play


def check(stack: Stack) -> None:
    assert sorted(stack.in_feed) == sorted(IDS)
    assert set(stack.taken["portal"]) == set(stack.taken["strict"]) == IDS
    for rating in range(3):
        firsts = list(dict.fromkeys(id for id in stack.taken["strict"] if int(id.removeprefix("ev_")) % 3 == rating))
        assert firsts == sorted(firsts, key=lambda id: int(id.removeprefix("ev_")))


@pytest.mark.parametrize("when", ["before", "after"])
def test_dispatch_may_die_around_any_call(playing, when):
    for number in range(1, 25):

        def crash(stack: Stack, number=number) -> None:
            setattr(stack.model, when, at_call(number, die))
            with suppress(Crash):
                stack.dispatch()

        check(playing(crash))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("refuses", [False, True])
def test_deliver_may_die_around_any_call(playing, when, refuses):
    for number in range(1, 50, 5):

        def crash(stack: Stack, number=number) -> None:
            stack.dispatch()
            stack.refuses = refuses
            setattr(stack.model, when, at_call(number, die))
            stack.hand_over()
            stack.refuses = False

        check(playing(crash))


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_sweep_may_die_around_any_call(playing, monkeypatch, when):
    for number in range(1, 30, 4):

        def crash(stack: Stack, number=number) -> None:
            stack.dispatch()
            stack.refuses = True
            stack.hand_over()
            stack.refuses = False
            monkeypatch.setattr(clock, "now", lambda: clock.wall() + timedelta(minutes=15))
            setattr(stack.model, when, at_call(number, die))
            with suppress(Crash):
                sweep({}, CONTEXT)

        check(playing(crash))
