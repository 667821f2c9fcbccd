"""How commands speak: tables for people, JSON for programs, one clear line for what went wrong."""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console

from haochaping import stack

# Where nobody looks at a terminal (a file, a pipe) the tables get the width they need.
console = Console(width=None if sys.stdout.isatty() else 150)
errors = Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="机器可读输出 Output for programs.")]


def print_json(value: Any) -> None:
    """One JSON document."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def fail(text: str) -> typer.Exit:
    """Says what went wrong; what a command then raises."""
    errors.print(text, style="red", markup=False, soft_wrap=True)
    return typer.Exit(1)


def connect() -> None:
    """Connects to the stack, or fails with a line that says how to have one."""
    try:
        stack.connect()
    except stack.NoStack as error:
        raise fail(str(error)) from None


def not_blank(text: str) -> str:
    """The text itself. Refuses one that says nothing: what is recorded must say who, and why."""
    if not text.strip():
        raise typer.BadParameter("不能为空 must not be blank")
    return text


def date_of(text: str, form: str) -> str:
    """The day itself, as written. Only the long form of ISO 8601 is a day here."""
    try:
        if len(text) == len("2026-11-24"):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise typer.BadParameter(f"没有这一天 no such date: {form}")
