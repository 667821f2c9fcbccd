"""Presets: rules to start from, each with its source and whether that is confirmed (domain handbook, sections 12 and 13)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import StringConstraints

from contract.model import Model
from policy.rules import Rules

Text = Annotated[str, StringConstraints(min_length=1)]


class NoPreset(ValueError):
    """There is no preset of this name; the text says which there are."""


class Stated(Model):
    """A rule of a preset, as a province file would write it, with what it rests on."""

    value: Any
    confirmed: bool
    source: Text


class Preset(Model):
    """Rules by name."""

    zh: Text
    en: Text
    rules: dict[str, Stated]

    def values(self) -> dict[str, Any]:
        """The rules as a province file would write them."""
        return {name: stated.value for name, stated in self.rules.items()}


@cache
def presets() -> dict[str, Preset]:
    """Every preset by its id. Raises ValidationError if what is shipped is no rule."""
    shipped = tomllib.loads(resources.files("policy").joinpath("presets.toml").read_text("utf-8"))
    return {id: Preset.model_validate(preset) for id, preset in shipped.items()}


def preset(id: str) -> Preset:
    """The preset. Raises NoPreset."""
    if id not in presets():
        raise NoPreset(f"没有该预设 no such preset: {id}; 可用 available: {', '.join(presets())}")
    return presets()[id]


def rules_of(id: str) -> Rules:
    """The rules of a preset. Raises NoPreset."""
    return Rules.model_validate(preset(id).values())
