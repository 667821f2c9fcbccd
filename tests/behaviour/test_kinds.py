"""Ratings of every kind: those that are bound to no service event have their own key and are never counted with the others."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bed import ALWAYS, CONTEXT
from policy.rules import Policy
from said import event, general, letter, rating, supervisory
from scoring import scores
from scoring.figures import indicators
from scoring.nodes import Node


def test_a_general_rating_is_stored_with_what_it_is_about_and_counts_in_no_rate_of_services(bed):
    assert bed.accept(letter(event()), letter(rating()), letter(general())) == []
    (entry,) = [item for item in bed.items("LedgerTable", "R#") if item["pk"].startswith("G#")]
    assert entry["pk"] == f"G#WINDOW#{general().object.organisation}#A01"
    assert (entry["kind"], entry["object_type"], entry["window"]) == ("GENERAL", "WINDOW", "A01")
    bed.flow()
    counts = scores.counts(Node.of("province#330000000000"), ALWAYS)
    assert sum(indicators.levels(counts, "own").values()) == 1
    assert indicators.good_rate(counts, Policy(version="")).denominator == 1
    assert indicators.figures(counts, Policy(version=""))["general"] == {"DISSATISFIED": 1}
    assert indicators.figures(counts, Policy(version=""))["objects"] == {"WINDOW": {"DISSATISFIED": 1}}


@pytest.mark.parametrize(
    ("type", "id", "fact"),
    [
        ("ORGANISATION", None, "organisation"),
        ("WINDOW", "A01", "window"),
        ("PLATFORM", "zwfw-app", "platform"),
        ("STAFF", "0007", "staff_ref"),
        ("ITEM", event().item_code[:31], "task_code"),
        ("GUIDE", event().item_code, "handle_item_code"),
    ],
)
def test_every_object_can_be_rated(bed, type, id, fact):
    named = general().object.model_dump() | {"type": type, "id": id}
    bed.accept(letter(general(object=named)))
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["object_type"] == type
    assert fact in entry
    assert bed.codes() == []


def test_a_bad_general_rating_gets_its_case_and_a_supervisory_one_does_not(bed):
    bed.accept(letter(general()), letter(supervisory()))
    bed.flow()
    assert len(bed.items("CasesTable", "STATE")) == 1
    assert sorted(told["rating"]["kind"] for told in bed.told("BadRatingAccepted")) == ["GENERAL", "SUPERVISION"]


def test_a_supervisory_rating_says_who_asked_and_how(bed):
    bed.accept(letter(supervisory()))
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["pk"] == "S#callback-2026-11-23-330000000000"
    assert (entry["survey_method"], entry["conducted_by"]) == ("CALLBACK_SAMPLE", "12345")


def test_the_partys_own_name_makes_it_one_rating(bed):
    first = letter(general(), "first")
    bed.accept(first, first, letter(general(), "resent"))
    assert bed.codes() == []
    bed.accept(letter(general(comment="别的话"), "other"))
    assert bed.codes() == ["already_rated"]
    assert len(bed.items("LedgerTable")) == 1


def test_another_party_may_use_the_same_name(bed):
    bed.party("mailbox", ["330000000000"])
    bed.accept(letter(general()), letter(general(), party="mailbox"))
    assert len(bed.items("LedgerTable")) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"provenance": "DEFAULT"}, "default_not_allowed"),
        ({"comment": "长" * 1001}, "text_too_long"),
        ({"object": general().object.model_dump() | {"region_code": "339999000000"}}, "unknown_region"),
    ],
)
def test_what_holds_for_every_rating_holds_here(bed, change, code):
    bed.accept(letter(general(**change)))
    assert bed.codes() == [code]
    assert bed.items("LedgerTable") == []


def test_a_party_outside_its_organisations_is_refused(bed):
    bed.party("one-unit", ["330000000000"], organisations=["11330106MB0000005W"])
    bed.accept(letter(general(), party="one-unit"), letter(event(), party="one-unit"))
    assert bed.codes() == ["out_of_scope", "out_of_scope"]


class TestSampling:
    @pytest.fixture
    def finished(self, bed):
        bed.policy(callback_sample_per_mille=100)
        bed.accept(*[letter(event(project_no=f"33-{n}", service_time=event().service_time)) for n in range(30)])
        bed.accept(letter(event(project_no="33-open", status="ACCEPTED", finished_at=None)))
        bed.flow()
        return bed

    def draw(self):
        from intake.app import sample

        return sample({}, CONTEXT)

    def test_the_job_draws_the_finished_services_of_the_day_before_and_records_how(self, finished, later):
        later(days=1)
        assert self.draw()["drawn"] == 3
        finished.flow()
        (told,) = finished.told("CallbackSampleDrawn")
        assert (told["population"], told["drawn"]) == (30, 3)
        drawn = [item["event_ref"] for item in finished.items("LedgerTable", "C#")]
        assert len(drawn) == 3

        from intake.sampling import choose

        everybody = [item["event_ref"] for item in finished.items("LedgerTable", "E#") if item["status"] == "FINISHED"]
        assert sorted(choose(everybody, told["seed"], 100)) == sorted(drawn)

    def test_a_service_given_days_before_it_was_reported_as_finished_is_in_the_population(self, bed, later):
        bed.policy(callback_sample_per_mille=1000)
        before = event().service_time - timedelta(days=3)
        bed.accept(letter(event(project_no="33-promised", service_time=before, accepted_at=before)))
        bed.flow()
        later(days=1)
        assert self.draw()["drawn"] == 1

    def test_what_a_draw_that_broke_off_left_is_not_handed_to_the_desk(self, finished, later):
        from intake import door, sampling

        later(days=1)
        with finished.failing("PutItem", when=lambda request: b"DRAW" in request.body), pytest.raises(OSError, match="PutItem"):
            self.draw()
        finished.accept(*[letter(event(project_no=f"33-late-{n}")) for n in range(60)])
        finished.flow()
        drawn = self.draw()
        head = sampling.recorded(drawn["survey"])
        assert len(list(sampling.listed(head, door.keys()))) == head.drawn == drawn["drawn"]

    def test_run_again_it_draws_the_same_and_tells_it_once(self, finished, later):
        later(days=1)
        assert self.draw() == self.draw()
        finished.flow()
        assert len(finished.told("CallbackSampleDrawn")) == 1
        assert len(finished.items("LedgerTable", "C#")) == 3

    def test_the_desk_gets_the_case_files_of_what_was_drawn(self, finished, later):
        from intake import door, sampling

        later(days=1)
        head = sampling.recorded(self.draw()["survey"])
        listed = list(sampling.listed(head, door.keys()))
        assert {each["project_no"] for each in listed} <= {f"33-{n}" for n in range(30)}
        assert {each["service_number"] for each in listed} == {1}

    def test_the_command_draws_by_policy_and_shows_the_case_files(self, finished, later, monkeypatch):
        from typer.testing import CliRunner

        from haochaping import checks, cli

        monkeypatch.setattr(checks, "connect", lambda: None)
        later(days=1)
        drawn = CliRunner().invoke(cli.app, ["sample", "draw"])
        assert drawn.exit_code == 0, drawn.output
        shown = CliRunner().invoke(cli.app, ["sample", "show", "--json"])
        assert len(json.loads(shown.stdout)["events"]) == 3
        assert CliRunner().invoke(cli.app, ["sample", "draw", "--seed", "another"]).exit_code == 1

    def test_where_policy_asks_for_none_none_is_drawn(self, bed):
        assert self.draw()["drawn"] == 0
        assert bed.items("LedgerTable") == []
