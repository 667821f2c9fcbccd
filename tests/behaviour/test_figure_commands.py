"""The commands that answer figures, as an operator types them: right, wrong, and about what is not there."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bed import be_without_a_stack
from haochaping import cli
from said import ORGANISATION, bad_rating, event, letter, rating

ASKING = {
    "scores": ["scores", "province#330000000000"],
    "rankings": ["rankings", "organisation", "330106"],
    "coverage": ["coverage", ORGANISATION],
    "causes": ["causes", ORGANISATION],
    "signals": ["signals", ORGANISATION],
    "evaluation": ["evaluation", ORGANISATION],
}


def ask(*arguments: str):
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.fixture
def counted(bed, monkeypatch):
    monkeypatch.setattr("haochaping.figures.connect", lambda: None)
    for n in range(3):
        bed.accept(letter(event(project_no=f"33-{n}")), letter(rating(project_no=f"33-{n}")))
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    return bed


@pytest.mark.parametrize(
    "arguments", [*ASKING.values(), ["recount", "--day", "2026-11-24"], ["publish", "2026-10"], ["results", "2026-10"]]
)
def test_without_a_stack_every_command_says_so_in_a_line(arguments, monkeypatch, tmp_path):
    be_without_a_stack(monkeypatch, tmp_path)
    done = ask(*arguments)
    assert (done.exit_code, "haochaping local up" in done.output) == (1, True)


@pytest.mark.parametrize("command", ASKING)
def test_a_command_answers_for_this_month_in_words_and_as_json(counted, command):
    assert ask(*ASKING[command]).exit_code == 0
    found = ask(*ASKING[command], "--json")
    assert found.exit_code == 0
    assert json.loads(found.output) or command == "signals"


def test_figures_are_those_that_were_counted(counted):
    found = json.loads(ask("scores", f"item#{event().item_code}", "--json").output)
    assert (found["total"], found["finished"], found["indicators"]["bad_rate"]["numerator"]) == (4, 4, 1)
    places = json.loads(ask("rankings", "organisation", "330106", "--json").output)["places"]
    assert {place["id"]: place["denominator"] for place in places}[ORGANISATION] == 4
    assert [cause["tag"] for cause in json.loads(ask("causes", ORGANISATION, "--json").output)] == ["213"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["scores", "county#330199000000"],
        ["scores", "organisation#91330106MB0000004X"],
        ["scores", f"window#{ORGANISATION}#ZZ"],
        ["rankings", "item", "91330106MB0000004X"],
        ["rankings", "organisation", "339999000000"],
        ["coverage", "nonsense"],
        ["coverage", "91330106MB0000004X"],
        ["causes", "91330106MB0000004X"],
        ["signals", "330106000000"],
        ["evaluation", "91330106MB0000004X"],
        ["publish", "2020-01"],
        ["results", "2020-01"],
        ["recount", "--day", "2090-01-01"],
    ],
    ids=" ".join,
)
def test_what_is_not_there_does_not_pass_for_empty(counted, arguments):
    done = ask(*arguments)
    assert done.exit_code == 1
    assert any("\u4e00" <= character <= "\u9fff" for character in done.output)
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["scores", "channel#XYZ"],
        ["scores", "city#330000000000"],
        ["scores", "city#33"],
        ["scores", "village#1"],
        ["scores", "channel#PC", "--period", "2090-01"],
        ["scores", "channel#PC", "--month", "2026-11-24"],
        ["scores", "channel#PC", "--day", "2026-11-01", "--month", "2026-11"],
        ["rankings", "friends", "330106000000"],
        ["rankings", "organisation", "330106000000", "--indicator", "beauty"],
        ["causes", ORGANISATION, "--month", "2026-Q4"],
        ["publish", "nonsense"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_refused_with_what_can(counted, arguments):
    assert ask(*arguments).exit_code == 2


def test_a_recount_that_can_compare_nothing_yet_says_from_when_it_can(counted):
    day = counted.items("LedgerTable", "R#")[0]["day"]
    done = ask("recount", "--day", day)
    assert (done.exit_code, "26小时" in done.output) == (0, True)
