"""The operator's commands say what became of every line, and show what came from outside as it is."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from haochaping import cli, refused, sending
from said import changed, event, letter, rating


def test_a_separator_of_unicode_within_a_text_does_not_end_a_line():
    body = letter(rating(comment="好\u2028评\x85。")).body
    (only,) = sending.read_letters(body + "\n\n", "hall-devices")
    assert only.body == body


def test_one_document_over_several_lines_is_one_message():
    body = json.dumps(json.loads(letter(rating()).body), indent=1)
    assert [each.body for each in sending.read_letters(body + "\n", "hall-devices")] == [body]


def test_a_line_that_outgrows_the_queue_is_refused_and_the_rest_is_sent(bed):
    letters = [sending.letter("hall-devices", "x" * 400_000), letter(event())]
    assert sending.send(letters) == 1
    assert [result.codes for result in sending.settle(letters, within=0)] == [("too_large",), ()]


def test_what_was_refused_and_is_accepted_at_a_second_sending_counts_as_accepted(bed):
    message = letter(event(region_code="339999000000"))
    bed.accept(message)
    assert sending.settle([message], within=0)[0].codes == ("unknown_region",)
    bed.province_knows("339999000000")
    bed.accept(message)
    assert sending.settle([message], within=0)[0].outcome == "accepted"


def test_a_party_that_is_no_id_is_accounted_for(bed):
    stranger = letter(rating(), party="Hall-Devices")
    bed.accept(stranger)
    (result,) = sending.settle([stranger], within=0)
    assert result.codes == ("unknown_party",)


def test_square_brackets_from_outside_are_shown_as_they_are(bed, monkeypatch):
    monkeypatch.setattr(refused, "connect", lambda: None)
    bed.accept(changed(rating(), "[red]id[x]", level="?"))
    shown = CliRunner().invoke(cli.app, ["quarantine", "list"])
    assert shown.exit_code == 0
    assert "[red]id[x]" in shown.output
