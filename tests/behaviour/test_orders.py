"""Whatever comes first, is repeated, is interrupted or happens in between: the same Ledger, and nothing stranded."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bed import CONTEXT, sqs_record
from cloud import registry
from crashes import Crash, at_call, die
from haochaping.measure.modelled import modelled
from intake.app import accept, sweep
from said import bad_rating, event, letter, rating

LETTERS = {
    "event": letter(event()),
    "early status": letter(event(status="ACCEPTED", finished_at=None), "early"),
    "other region": letter(event(status="PENDING", region_code="330102000000"), "other-region"),
    "rating": letter(rating(), "rating"),
    "resent": letter(rating(occurred_at=rating().occurred_at + timedelta(minutes=1)), "resent"),
    "contradiction": letter(bad_rating(), "contradiction"),
}

# A delivery: which message, and what befalls it before or after which of its calls: a crash, or another message taken in between.
place = st.sampled_from(["before", "after"]), st.integers(1, 5)
moment = st.tuples(*place, st.sampled_from(["crash", *LETTERS]))
deliveries = st.lists(st.tuples(st.sampled_from(list(LETTERS)), st.lists(moment, max_size=2)), max_size=8)


@pytest.fixture(scope="module")
def model():
    with modelled() as running:
        yield running


def clear(model) -> None:
    for name in ("ledger_table", "waiting_table", "quarantine_table"):
        model.tables[name] = {}
    model.sent.clear()


def sweep_in_the_end() -> None:
    """Days later. A copy of a message that was finished may have been parked by a function that died; nothing stays for ever."""
    with patch("cloud.clock.now", lambda: datetime.now(UTC) + timedelta(days=10)):
        sweep({}, CONTEXT)


class Queue:
    """The Inbox: a message that was not finished is handed over again, and says so."""

    def __init__(self, model) -> None:
        self.model = model
        self.receives = dict.fromkeys(LETTERS, 0)
        self.unfinished = set(LETTERS)

    def deliver(self, message, befalls=()) -> None:
        self.receives[message] += 1
        self.around(befalls, lambda: self.take(message))

    def take(self, message) -> None:
        record = sqs_record(LETTERS[message], receive_count=self.receives[message])
        if accept({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}:
            self.unfinished.discard(message)

    def around(self, befalls, work) -> None:
        outside = self.model.before, self.model.after
        hooks = {when: [at_call(call, self.happen(what)) for at, call, what in befalls if at == when] for when in ("before", "after")}
        self.model.before, self.model.after = (partial(run_all, hooks[when]) for when in ("before", "after"))
        # What dies here is the whole function; Powertools would take an exception for a failed message, which comes to the same.
        with suppress(Crash):
            work()
        self.model.before, self.model.after = outside

    def happen(self, what):
        return die if what == "crash" else partial(self.deliver, what)


def run_all(hooks, operation) -> None:
    for hook in hooks:
        hook(operation)


def test_a_rating_whose_event_is_there_costs_one_read_and_one_write_of_its_own_size(model):
    clear(model)
    queue = Queue(model)
    queue.deliver("event")
    queue.deliver("rating")
    model.tables["ledger_table"].pop(next(key for key in model.tables["ledger_table"] if key[1].startswith("R#")))
    model.calls.clear()
    written, read = model.write_units, model.read_units
    queue.deliver("resent")
    assert dict(model.calls) == {"Query": 1, "PutItem": 1}
    assert (model.write_units - written, model.read_units - read) == (1, 1)


# The narrowest way in: the event comes between the look and the parking, and the function dies before it looks again.
@example([("rating", [("after", 1, "event"), ("after", 2, "crash")])])
@pytest.mark.property
@given(deliveries)
def test_any_order_with_crashes_and_concurrent_messages_ends_with_the_same_ledger(model, plan):
    clear(model)
    queue = Queue(model)
    for message, befalls in plan:
        queue.deliver(message, befalls)
    # Only what was not finished, or has not come at all, comes now.
    for message in sorted(queue.unfinished):
        queue.deliver(message)

    sweep_in_the_end()
    ledger = model.tables["ledger_table"]
    (accepted,) = [item for (_, sk), item in ledger.items() if sk.startswith("R#")]
    assert model.tables["waiting_table"] == {}
    refused = {sk.split("/")[1] for _, sk in model.tables["quarantine_table"]}
    is_bad = accepted["level"]["S"] == "DISSATISFIED"
    # Of reports that contradict each other the first one in stands, whichever it is; only such as come at the same moment both get in.
    regions = {item["region_code"]["S"] for (_, sk), item in ledger.items() if sk.startswith("E#")}
    here, elsewhere = {"ServiceEvent-33202611240001-1", "early"}, {"other-region"}
    contradicted = refused & (here | elsewhere)
    assert accepted["region_code"]["S"] in regions
    assert len(regions) == 2 or contradicted == (elsewhere if regions == {"330106000000"} else here)
    assert refused - contradicted == ({"rating", "resent"} if is_bad else {"contradiction"})


DEFAULTS = {"unrated_policy": "DEFAULT", "default_level": "BASICALLY_SATISFIED", "default_after": {"value": 0, "unit": "HOUR"}}
happening = st.tuples(*place, st.sampled_from(["crash", "event", "rating", "sweep"]))
runs = st.lists(st.tuples(st.sampled_from(["event", "rating", "resent", "sweep"]), st.lists(happening, max_size=2)), max_size=7)


class Stack(Queue):
    """The Inbox, and the sweep that comes every five minutes."""

    def deliver(self, message, befalls=()) -> None:
        if message == "sweep":
            self.around(befalls, lambda: sweep({}, CONTEXT))
        else:
            super().deliver(message, befalls)


# A copy of a message that is finished long since is parked once more, and the function dies before it looks again.
@example([("event", [("before", 1, "crash")]), ("rating", []), ("rating", [("before", 2, "event"), ("before", 3, "crash")])])
@pytest.mark.property
@given(runs)
def test_where_defaults_are_recorded_a_rating_and_a_default_never_miss_each_other(model, plan):
    policy = registry.Record(kind="policy", id="330106000000", valid_from="2026-01-01", value=DEFAULTS)
    registry.add(policy)
    registry.forget()
    clear(model)
    try:
        stack = Stack(model)
        for message, befalls in plan:
            stack.deliver(message, befalls)
        for message in ("event", "rating", "resent"):
            if message in stack.unfinished:
                stack.deliver(message)
        stack.deliver("sweep")
        sweep_in_the_end()
    finally:
        model.tables["registry_table"].pop(("policy#330106000000", "2026-01-01"))
        registry.forget()
    ledger = {sk: item for (_, sk), item in model.tables["ledger_table"].items()}
    assert sum(sk.startswith("R#") for sk in ledger) == 1
    assert ("D#01" in ledger) == ("takes_back" in ledger["R#01#1"])
    assert model.tables["waiting_table"] == {}
