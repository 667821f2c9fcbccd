"""Moving the clock, where it must not be moved."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from cloud.settings import settings
from haochaping import cli


def advance(*arguments: str):
    return CliRunner().invoke(cli.app, ["local", "advance", *arguments])


def test_the_clock_of_a_stack_that_is_not_on_this_machine_is_not_moved(bed, monkeypatch):
    monkeypatch.setattr(cli, "connect", lambda: None)
    done = advance("3d")
    assert (done.exit_code, settings().clock_offset_seconds) == (1, 0)
    assert "只有本地栈的时钟可以拨动" in done.output
    assert "Only the clock of a local stack can be moved" in done.output


@pytest.mark.parametrize("length", ["-3d", "0d", "yesterday"])
def test_time_never_goes_back_and_needs_no_stack_to_say_so(length):
    done = advance(length)
    assert (done.exit_code, done.output.count("\n")) == (1, 2)
    assert f"{length}: the clock only goes forward" in done.output


def test_without_a_local_stack_it_says_how_to_have_one(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("HAOCHAPING")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HAOCHAPING_HOME", str(tmp_path))
    done = advance("3d")
    assert (done.exit_code, "haochaping local up" in done.output) == (1, True)
