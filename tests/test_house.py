"""The house itself: no test leaves this machine, and every command of the operator is documented."""

from __future__ import annotations

import re
import socket

import pytest
from typer.main import get_command

from contract.commands import COMMAND_TYPE
from contract.events import EVENTS
from contract.messages import MESSAGES
from haochaping.cli import app
from template_file import ROOT, resources, template

OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")


def commands(command, path=()):
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield " ".join(path)


def test_no_test_leaves_this_machine():
    # pytest-socket warns before it refuses, and warnings are errors here.
    with socket.socket() as outside, pytest.raises(UserWarning, match=r"192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 80))


@pytest.mark.parametrize("command", list(commands(get_command(app))))
def test_a_command_is_documented(command):
    assert f"`haochaping {command}" in OPERATIONS


def test_a_documented_command_exists():
    known = set(commands(get_command(app)))
    texts = "".join(path.read_text("utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md")))
    groups = "|".join(sorted({command.partition(" ")[0] for command in known if " " in command}))
    for named in re.findall(rf"haochaping ((?:(?:{groups}) )?[a-z-]+)(?=[ `\n])", texts):
        assert named in known, named


def test_a_documented_event_message_parameter_and_alarm_exists():
    contract = (ROOT / "docs" / "contract.md").read_text("utf-8")
    assert set(re.findall(r"^### (\S+)$", contract, re.M)) == EVENTS.keys() | MESSAGES.keys() | {COMMAND_TYPE}
    parameters = OPERATIONS.partition("## Stack parameters")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", parameters, re.M)) == template()["Parameters"].keys()
    assert set(re.findall(r"\b\w+Alarm\b", OPERATIONS)) == resources("AWS::CloudWatch::Alarm").keys()


@pytest.mark.parametrize("parameter", list(template()["Parameters"]))
def test_a_stack_parameter_is_documented(parameter):
    assert f"| `{parameter}` |" in OPERATIONS


def test_the_project_names_no_path_of_a_machine():
    texts = [path.read_text("utf-8") for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]
    assert not any(f"/{name}/" in text for text in texts for name in ("root", "home", "work", "Users"))
