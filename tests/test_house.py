"""The house itself: no test leaves this machine, and every command of the operator is documented."""

from __future__ import annotations

import socket

import pytest
from typer.main import get_command

from haochaping.cli import app
from template_file import ROOT, template

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


@pytest.mark.parametrize("parameter", list(template()["Parameters"]))
def test_a_stack_parameter_is_documented(parameter):
    assert f"| `{parameter}` |" in OPERATIONS


def test_the_project_names_no_path_of_a_machine():
    texts = [path.read_text("utf-8") for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]
    assert not any(f"/{name}/" in text for text in texts for name in ("root", "home", "work", "Users"))
