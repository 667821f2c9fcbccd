"""Whatever a partner writes into whichever field of whichever format: nothing that leads to a person stands anywhere but in the Vault.

The encrypted originals of what was refused or waits are looked at like everything else: as they are stored.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bed import CONTEXT, sqs_record
from cloud import registry
from contract.zone import SHANGHAI
from haochaping.cli import app
from haochaping.measure.modelled import modelled
from haochaping.sending import letter
from intake.app import accept, announce, relay
from intake.profile import CANONICAL, available, load
from said import event
from said import letter as said_letter

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFORMANCE = Path(__file__).parents[1] / "conformance"
SAMPLES = sorted(
    path for folder in ("valid", "invalid") for path in CONFORMANCE.glob(f"*/{folder}/*.json") if "key" not in path.read_text("utf-8")[:200]
)
VALID = [path for path in SAMPLES if path.parts[-2] == "valid"]
# What names a thing and not a person: a case file, a window, an item. What a unit puts there instead is not seen by its looks.
NAMES_A_THING = {
    *("project_no", "item_code", "item_name", "guide_version", "organisation", "region_code", "window", "platform", "staff_no"),
    *("reference", "object", "survey", "sample", "imported_from", "entered_by", "service_number"),
}

PROVINCES = [f"{province}0000000000" for province in (11, 33, 35, 37)]

phones = st.integers(10**8, 10**9 - 1).map(lambda n: f"13{n}")
certificates = st.integers(10**16, 10**17 - 1).map(lambda n: f"{n}X")
people = st.sampled_from(["欧阳金丝雀", "Canary-Zhang-San", "司徒黄鹂鸟"])
texts = st.tuples(people, phones).map(lambda said: f"我叫{said[0]}，电话{said[1]}，浙A12345")
canaries = st.one_of(phones, certificates, people, texts)


@pytest.fixture(scope="module")
def model():
    with modelled() as running:
        for profile in [CANONICAL, *available()]:
            value = {"role": "CHANNEL", "name": "x", "name_en": "x", "profile": profile, "regions": PROVINCES}
            registry.add(registry.Record(kind="party", id=f"p-{profile}", valid_from="2020-01-01", value=value))
        for region in {*regions(SAMPLES)}:
            registry.add(registry.Record(kind="region", id=region, valid_from="2020-01-01", value={"zh": "某地", "en": "somewhere"}))
        yield running


def regions(samples: list[Path]) -> Iterator[str]:
    """Where the samples play."""
    for path in samples:
        said = json.loads(path.read_text("utf-8")).get("becomes", {}).get("data", {})
        yield said.get("region_code") or said.get("object", {}).get("region_code") or "330000000000"


def leaves(held: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value of a message."""
    if isinstance(held, dict):
        return [leaf for name, value in held.items() for leaf in leaves(value, (*path, name))]
    if isinstance(held, list):
        return [leaf for n, value in enumerate(held) for leaf in leaves(value, (*path, n))]
    return [path]


def names_a_thing(profile: str, path: tuple[Any, ...]) -> bool:
    if profile == CANONICAL:
        return bool(NAMES_A_THING & set(path)) or path[0] != "data"
    return _ends_in(path, [at for section in sections(profile) for name, at in section.fields.items() if name in NAMES_A_THING])


def is_personal(profile: str, path: tuple[Any, ...]) -> bool:
    """Whether a partner writes there who somebody is, or what somebody says."""
    if profile == CANONICAL:
        return path[-1] in {"name", "phone", "certificate_number", "comment", "overrun_reason"}
    persons = [section.persons for section in sections(profile)]
    return _ends_in(path, [persons, *(section.fields.get("comment") for section in sections(profile))])


def sections(profile: str) -> list[Any]:
    return [section for section in (load(profile).rating, load(profile).event) if section]


def _ends_in(path: tuple[Any, ...], places: Any) -> bool:
    return f"'{path[-1]}'" in str(places) or f".{path[-1]}'" in str(places)


def put(held: Any, path: tuple[Any, ...], value: str) -> None:
    for step in path[:-1]:
        held = held[step]
    held[path[-1]] = value


def everything_that_stayed_or_left(model) -> str:
    """Every table but the registries, and the body of every call: events, segments, queues, and what was put into a table and taken out."""
    tables = [item for name, held in model.tables.items() if name != "registry_table" for item in held.values()]
    binaries = [base64.b64decode(value["B"]) for item in tables for value in item.values() if "B" in value]
    bodies = [gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for _, body in model.sent]
    # What goes over the wire is ASCII with escapes.
    plain = [body.decode("utf-8", "replace") for body in (*binaries, *bodies)]
    return "\n".join([json.dumps(tables, ensure_ascii=False), *plain, *map(unescaped, plain)])


def unescaped(text: str) -> str:
    return re.sub(r"\\+u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)


def name_everybody(message: dict[str, Any]) -> None:
    """Every person that a message can name, with everything that can be said of one."""
    whole = {"certificate_type": "111", "certificate_number": "1", "name": "x", "phone": "13800000000"}
    roles = ("applicant", "agent") if message["type"] == "service-event.v1" else ("rater", "agent")
    message["data"] |= {role: dict(whole) for role in roles}


def take_the_event_of(sample: dict[str, Any]) -> None:
    """Lets the service event come first, so that a valid rating is admitted."""
    if sample.get("becomes", {}).get("type") == "rating.v1":
        of_rating = {name: sample["becomes"]["data"][name] for name in ("project_no", "service_number")}
        accept({"Records": [sqs_record(letter("p-canonical", said_letter(event(**of_rating, applicant=None)).body))]}, CONTEXT)


class Partner:
    """A partner who sends one sample into an empty stack, and whoever looks at everything that came of it."""

    def __init__(self, model, path: Path) -> None:
        self.model = model
        self.profile, self.sample = path.parts[-3], json.loads(path.read_text("utf-8"))
        self.message = self.sample["message"]
        for name in ("ledger_table", "waiting_table", "quarantine_table", "vault_table"):
            model.tables[name] = {}
        model.inserted.clear()
        model.sent.clear()
        if self.profile == CANONICAL and path in VALID:
            name_everybody(self.message)
        whole = self.message if isinstance(self.message, dict) else {}
        self.places = [leaf for leaf in leaves(whole) if not names_a_thing(self.profile, leaf)]
        self.personal = [place for place in self.places if is_personal(self.profile, place)]

    def send(self, sown: list[tuple[tuple[Any, ...], str]], file: Path) -> str:
        """Everything that is stored, sent, logged and printed after that, the partner's own check of the message included."""
        for place, canary in sown:
            put(self.message, place, canary)
        body = json.dumps(self.message, ensure_ascii=False)
        accept({"Records": [sqs_record(letter(f"p-{self.profile}", body))]}, CONTEXT)
        if ledger := self.model.stream("ledger_table"):
            relay({"Records": ledger, "shardId": "shardId-1"}, CONTEXT)
        if refused := self.model.stream("quarantine_table"):
            announce({"Records": refused}, CONTEXT)
        file.write_text(body, "utf-8")
        checked = CliRunner().invoke(app, ["contract", "check", str(file), "--profile", self.profile])
        return everything_that_stayed_or_left(self.model) + checked.output


@pytest.mark.slow
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parts[-3]}: {path.stem}")
def test_who_somebody_is_and_what_somebody_says_is_found_nowhere_outside_the_vault(model, capsys, tmp_path, path):
    partner = Partner(model, path)
    take_the_event_of(partner.sample)
    sown = [(place, f"1390000{n:04}") for n, place in enumerate(partner.personal)]
    seen = partner.send(sown, tmp_path / "message.json") + str(capsys.readouterr())
    assert [canary for _, canary in sown if canary in seen] == []


@pytest.mark.property
@given(data=st.data())
def test_no_canary_is_found_outside_the_vault_whatever_it_spoils(model, capsys, tmp_path_factory, data):
    partner = Partner(model, data.draw(st.sampled_from(SAMPLES) | st.sampled_from(VALID), label="sample"))
    if data.draw(st.booleans(), label="its event is there"):
        take_the_event_of(partner.sample)
    sown = [(place, data.draw(canaries)) for place in partner.personal]
    if partner.places:
        sown += data.draw(st.lists(st.tuples(st.sampled_from(partner.places), canaries), min_size=1, max_size=3), label="sown")
    if sown and data.draw(st.booleans(), label="as a field of its own"):
        partner.message[sown[-1][1]] = sown[0][1]
    seen = partner.send(sown, tmp_path_factory.mktemp("partner") / "message.json") + str(capsys.readouterr())
    assert [canary for _, canary in sown if canary in seen] == []


def test_most_valid_samples_are_accepted_so_that_the_test_above_looks_at_more_than_refusals(model):
    outcomes = []
    for path in SAMPLES:
        if path.parts[-2] == "valid":
            for name in ("ledger_table", "waiting_table", "quarantine_table"):
                model.tables[name] = {}
            body = json.dumps(json.loads(path.read_text("utf-8"))["message"])
            accept({"Records": [sqs_record(letter(f"p-{path.parts[-3]}", body))]}, CONTEXT)
            outcomes.append(bool(model.tables["ledger_table"] or model.tables["waiting_table"]))
    assert sum(outcomes) > 0.7 * len(outcomes)


def test_the_canaries_reach_the_ledger_and_the_vault(model):
    """Else the test above could not fail: its samples are accepted, and its persons are kept."""
    path = CONFORMANCE / "canonical" / "valid" / "service-event.json"
    message = json.loads(path.read_text("utf-8"))["message"]
    message["data"]["applicant"] = {"certificate_type": "111", "certificate_number": "33010619900101123X", "name": "欧阳金丝雀"}
    message["data"]["service_time"] = datetime.now(SHANGHAI).isoformat()
    for name in ("ledger_table", "waiting_table", "vault_table"):
        model.tables[name] = {}
    accept({"Records": [sqs_record(letter("p-canonical", json.dumps(message)))]}, CONTEXT)
    assert [len(model.tables[name]) for name in ("ledger_table", "vault_table")] == [1, 2]  # applicant and agent
