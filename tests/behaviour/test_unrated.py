"""A finished service that nobody rated: nothing, an invitation, or a default that is never taken for a rating."""

from __future__ import annotations

import json

import pytest

from bed import ALWAYS, CONTEXT
from contract.codes import Level
from intake.door import keys
from intake.tickets import Ticket
from policy.rules import Policy
from said import event, letter, rating
from scoring import scores
from scoring.figures import indicators
from scoring.figures.indicators import Rate
from scoring.nodes import Node

DAYS_3 = {"value": 3, "unit": "DAY"}
DEFAULTS = {"unrated_policy": "DEFAULT", "default_level": "BASICALLY_SATISFIED", "default_after": DAYS_3}


def test_where_policy_says_nothing_nothing_is_kept_to_come_back_to(bed, later):
    bed.accept(letter(event()))
    assert bed.items("WaitingTable") == []
    later(days=10)
    assert bed.sweep() == {"released": 0, "concluded": 0}
    assert len(bed.items("LedgerTable")) == 1


class TestInvitations:
    @pytest.fixture
    def unrated(self, bed):
        bed.policy(unrated_policy="INVITE", invite_after=DAYS_3, quiet_hours={"begins": 0, "ends": 0})
        bed.accept(letter(event()))
        return bed

    def invitations(self, bed):
        from intake import app

        app.relay({"Records": bed.stream("LedgerTable"), "shardId": "shardId-1"}, CONTEXT)
        return [json.loads(message["body"])["detail"] for message in bed.messages("NotifyInbox")]

    def test_the_applicant_is_invited_once_when_the_time_is_over(self, unrated, later):
        assert unrated.sweep()["concluded"] == 0
        later(days=5)
        assert unrated.sweep()["concluded"] == 1
        (invitation,) = self.invitations(unrated)
        assert invitation["channel"] == "SMS"
        unrated.accept(letter(event()))  # a redelivery
        later(days=9)
        unrated.sweep()
        assert self.invitations(unrated) == []
        assert unrated.items("WaitingTable") == []

    def test_who_has_rated_is_not_asked(self, unrated, later):
        unrated.accept(letter(rating()))
        later(days=5)
        assert unrated.sweep()["concluded"] == 1
        assert self.invitations(unrated) == []

    def test_the_token_goes_neither_into_the_feed_nor_to_subscribers(self, unrated, later):
        later(days=5)
        unrated.sweep()
        unrated.flow()
        assert "InvitationIssued.v1" not in {told["type"] for told in unrated.told()}
        (message,) = unrated.messages("MessageRequests")
        request = json.loads(message["body"])["detail"]
        assert (request["template"], request["to"], request["purpose"]) == ("INVITATION", "APPLICANT", "INVITATION")
        assert Ticket.of(request["token"], keys()).channel == "SMS"


class TestDefaults:
    @pytest.fixture
    def defaulted(self, bed, later):
        bed.policy(**DEFAULTS)
        bed.accept(letter(event()))
        later(days=5)
        assert bed.sweep()["concluded"] == 1
        return bed

    def test_a_default_is_stored_as_what_it_is_and_counts_in_no_rate(self, defaulted):
        (entry,) = defaulted.items("LedgerTable", "D#")
        assert (entry["provenance"], entry["rating_channel"], entry["level"]) == ("DEFAULT", "SYSTEM_DEFAULT", "BASICALLY_SATISFIED")
        assert defaulted.items("LedgerTable", "R#") == []
        defaulted.flow()
        counts = scores.counts(Node.of("province#330000000000"), ALWAYS)
        assert indicators.levels(counts, "default")[Level.BASICALLY_SATISFIED] == 1
        assert indicators.good_rate(counts, Policy(version="")) == Rate(0, 0)
        assert indicators.unrated_rate(counts, Policy(version="")) == Rate(1, 1)

    def test_a_real_rating_is_taken_beside_it_and_takes_it_back(self, defaulted):
        defaulted.accept(letter(rating()))
        (entry,) = defaulted.items("LedgerTable", "R#")
        (default,) = defaulted.items("LedgerTable", "D#")
        where = ("level", "day", "kind", "rating_channel", "window", "staff_ref", "service_channel")
        assert entry["takes_back"] == {name: default[name] for name in where}
        assert defaulted.codes() == []
        defaulted.flow()
        counts = scores.counts(Node.of("province#330000000000"), ALWAYS)
        assert sum(indicators.levels(counts, "default").values()) == 0
        assert sum(indicators.levels(counts, "own").values()) == 1
        assert indicators.unrated_rate(counts, Policy(version="")) == Rate(0, 1)

    def test_a_default_is_taken_back_where_it_was_counted(self, bed):
        """The window of a service may be another at its next status."""
        by_nobody = rating(provenance="DEFAULT", rating_channel="SYSTEM_DEFAULT", level="SATISFIED", tags=[], rater=None)
        bed.policy(**DEFAULTS)
        bed.accept(letter(event(status="ACCEPTED", finished_at=None, window="A01"), "early"), letter(by_nobody, "default"))
        bed.accept(letter(event(window="B02", staff_no="0008"), "finished"), letter(rating()))
        assert bed.codes() == []
        bed.flow()
        for window in ("A01", "B02"):
            node = f"window#{event().organisation}#{window}"
            assert bed.count(node, "VISIT.1.DEFAULT.SATISFIED") == 0, window
        assert bed.count(f"window#{event().organisation}#B02", "VISIT.1.SELF_DEVICE.VERY_SATISFIED") == 1

    def test_the_sweep_run_again_gives_no_second_one(self, defaulted, later):
        defaulted.accept(letter(event()))
        later(days=9)
        defaulted.sweep()
        assert len(defaulted.items("LedgerTable", "D#")) == 1
        assert defaulted.items("WaitingTable") == []

    def test_a_channels_default_is_stored_likewise_where_policy_records_defaults(self, bed):
        by_nobody = rating(provenance="DEFAULT", rating_channel="SYSTEM_DEFAULT", kind="MATTER", rater=None)
        bed.policy(**DEFAULTS)
        bed.accept(letter(event()), letter(by_nobody, "default"), letter(by_nobody, "resent"), letter(rating()))
        assert len(bed.items("LedgerTable", "D#")) == len(bed.items("LedgerTable", "R#")) == 1
        assert bed.codes() == []
        bed.accept(letter(rating(provenance="DEFAULT", rating_channel="SYSTEM_DEFAULT", level="SATISFIED", tags=[], rater=None), "other"))
        assert bed.codes() == ["already_rated"]

    def test_a_default_that_comes_after_a_rating_is_refused(self, bed):
        bed.policy(**DEFAULTS)
        bed.accept(letter(event()), letter(rating()))
        bed.accept(letter(rating(provenance="DEFAULT", rating_channel="SYSTEM_DEFAULT", rater=None), "default"))
        assert bed.codes() == ["already_rated"]
        assert bed.items("LedgerTable", "D#") == []

    def test_a_policy_that_records_defaults_must_say_which_and_when(self):
        from policy.rules import Rules

        with pytest.raises(ValueError, match="default_level"):
            Rules(unrated_policy="DEFAULT")
