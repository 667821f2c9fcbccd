"""Whatever comes first, is repeated, is interrupted or happens in between: the same Ledger, and nothing stranded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bed import CONTEXT, sqs_record
from intake.app import accept
from modelled import Crash, at_call, die, modelled, quiet
from said import bad_rating, event, letter, rating

EVENT = letter(event())
RATING = letter(rating(), "rating")
RESENT = letter(rating(occurred_at=rating().occurred_at + timedelta(minutes=1)), "resent")
CONTRADICTION = letter(bad_rating(), "contradiction")
LETTERS = (EVENT, RATING, RESENT, CONTRADICTION)

# A delivery: which message, and what befalls it at which of its calls: a crash before or after, or another message taken in between.
deliveries = st.lists(
    st.tuples(
        st.sampled_from(LETTERS),
        st.one_of(
            st.none(),
            st.tuples(st.sampled_from(["before", "after"]), st.integers(1, 8), st.none()),
            st.tuples(st.sampled_from(["before", "after"]), st.integers(1, 8), st.sampled_from(LETTERS)),
        ),
    ),
    max_size=10,
)


@pytest.fixture(scope="module")
def model():
    with modelled() as running:
        yield running


def deliver(model, message, befalls=None) -> bool:
    """Hands over one message; False if the function died, so that the queue hands the message over again."""
    if befalls:
        when, call, other = befalls
        setattr(model, when, at_call(call, die if other is None else lambda: (quiet(model), deliver(model, other))[0]))
    try:
        # What dies here is the whole function; Powertools would take an exception for a failed message, which comes to the same.
        return accept({"Records": [sqs_record(message)]}, CONTEXT) == {"batchItemFailures": []}
    except Crash:
        return False
    finally:
        quiet(model)


@pytest.mark.property
@given(deliveries)
def test_any_order_with_crashes_and_concurrent_messages_ends_with_the_same_ledger(model, plan):
    for name in ("ledger_table", "waiting_table", "quarantine_table"):
        model.tables[name] = {}
    for message, befalls in plan:
        deliver(model, message, befalls)
    # The queue hands over again what was not finished, and whatever has not come yet comes.
    for message in LETTERS:
        assert deliver(model, message)

    ledger = model.tables["ledger_table"]
    (accepted,) = [item for (_, sk), item in ledger.items() if sk.startswith("R#")]
    assert len(ledger) == 2
    assert model.tables["waiting_table"] == {}
    refused = {sk.split("/")[1] for _, sk in model.tables["quarantine_table"]}
    good, bad = {"rating", "resent"}, {"contradiction"}
    taken, others = (bad, good) if accepted["level"]["S"] == "DISSATISFIED" else (good, bad)
    # What says something else is kept as refused. A message may have been refused beside a parked one and come again after the event,
    # ahead of the parked one: then it is accepted after all, and the parked one is refused.
    assert refused - taken == others
