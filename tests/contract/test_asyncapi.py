"""AsyncAPI: well formed, complete, and true of what is sent: every example satisfies the payload that it stands with."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from contract.commands import COMMAND_TYPE
from contract.events import EVENTS, TO_ONE
from contract.messages import MESSAGES
from haochaping.schemas import SCHEMAS

DOCUMENT = json.loads((SCHEMAS / "asyncapi.json").read_text("utf-8"))
MESSAGES_OF = DOCUMENT["components"]["messages"]


def refs(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(refs, value.values()))
    return set().union(*map(refs, value)) if isinstance(value, list) else set()


def told_by(channel: str) -> set[str]:
    return set(DOCUMENT["channels"][channel]["messages"])


@cache
def files() -> Registry:
    """The committed schemas, by the names by which the document refers to them."""
    texts = {f"./{path.name}": json.loads(path.read_text("utf-8")) for path in SCHEMAS.glob("*.json")}
    return Registry().with_resources(
        (name, Resource.from_contents(held, default_specification=DRAFT202012)) for name, held in texts.items()
    )


def test_the_document_has_what_asyncapi_3_asks_for():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    assert DOCUMENT.keys() <= {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= server.keys()
    for channel in DOCUMENT["channels"].values():
        assert {"address", "messages"} <= channel.keys()
        assert all(server["$ref"].startswith("#/servers/") for server in channel.get("servers", []))
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"]["$ref"].startswith("#/channels/")
        of_channel = operation["channel"]["$ref"] + "/messages/"
        assert all(message["$ref"].startswith(of_channel) for message in operation.get("messages", []))
    for message in MESSAGES_OF.values():
        assert {"payload", "examples"} <= message.keys()
        assert message["payload"]["schemaFormat"]


def test_every_reference_leads_somewhere():
    for ref in refs(DOCUMENT):
        if ref.startswith("#/"):
            place = DOCUMENT
            for step in ref[2:].split("/"):
                place = place[step]
        else:
            assert (SCHEMAS / ref.removeprefix("./")).is_file(), ref


def test_the_files_use_nothing_that_the_draft_of_the_payloads_lacks():
    texts = [(SCHEMAS / ref.removeprefix("./")).read_text("utf-8") for ref in refs(DOCUMENT) if ref.startswith("./")]
    assert not any(f'"{word}"' in text for text in texts for word in ("prefixItems", "unevaluatedProperties", "dependentRequired"))


def test_every_message_and_event_is_there_where_it_goes():
    assert told_by("inbox") == told_by("messages") == set(MESSAGES)
    assert told_by("commandInbox") == told_by("caseCommands") == {COMMAND_TYPE}
    public = {name for name, event in EVENTS.items() if event not in TO_ONE}
    assert told_by("feed") == public
    assert told_by("webhook") == told_by("replyQueue") == public | {"SubscriptionTested"}
    assert told_by("replyBus") == {f"{name}.bus" for name in told_by("webhook")}
    assert told_by("stackBus") == {f"{name}.bus" for name in EVENTS}
    assert told_by("messageRequests") == {"MessageRequested.bus"}
    assert told_by("supervisorNotices") == {"PressureReported.bus", "ViolationReferred.bus"}
    assert set().union(*map(told_by, DOCUMENT["channels"])) == set(MESSAGES_OF)


def test_every_channel_has_an_operation_and_a_partner_sends_only_messages():
    by_channel = {held["channel"]["$ref"].rpartition("/")[2]: held["action"] for held in DOCUMENT["operations"].values()}
    assert by_channel.keys() == DOCUMENT["channels"].keys()
    assert {channel for channel, action in by_channel.items() if action == "send"} == {"inbox", "messages", "commandInbox", "caseCommands"}


@pytest.mark.parametrize("name", MESSAGES_OF)
def test_an_example_satisfies_its_payload(name):
    message = MESSAGES_OF[name]
    for example in message["examples"]:
        Draft202012Validator(message["payload"]["schema"], registry=files()).validate(example["payload"])


@pytest.mark.parametrize("name", MESSAGES_OF)
def test_an_example_of_something_else_does_not(name):
    validator = Draft202012Validator(MESSAGES_OF[name]["payload"]["schema"], registry=files())
    others = [held["examples"][0]["payload"] for other, held in MESSAGES_OF.items() if other != name]
    assert not any(validator.is_valid(other) for other in others)
