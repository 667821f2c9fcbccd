"""AsyncAPI 3.0 of everything that parties and stack tell each other, from the contract: where it goes, in which form, with which proof.

It is written from where a partner stands: what it sends, and what it receives. Payloads refer to the JSON Schemas beside it; the examples
are the golden samples.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.arrival import PROOF
from contract.commands import COMMAND_TYPE
from contract.events import CONFIDENTIAL, EVENTS, MessageRequested, SubscriptionTested, cloud_event
from contract.messages import MESSAGES
from notify.subscription import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    Schema = dict[str, Any]

SAMPLES = Path(__file__).resolve().parents[2] / "tests" / "contract" / "samples"

_ON_BUS = ".bus"
# AsyncAPI's own dialect has another `discriminator`; the files use nothing that this draft would read otherwise.
_JSON_SCHEMA = "application/schema+json;version=draft-07"
_TEXT: Schema = {"type": "string"}
_TO_SUBSCRIBERS = (*KINDS, SubscriptionTested.__name__)
_SUPERVISOR = tuple(event.__name__ for event in CONFIDENTIAL)


def document() -> Schema:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "好差评 Haochaping",
            "version": "1",
            "description": "合作方收发的全部消息 Everything that a partner sends and receives, from where it stands.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _proofs(), "securitySchemes": {"iam": _IAM}},
    }


# ---------------------------------------------------------------- where

_IAM: Schema = {"type": "httpApiKey", "in": "header", "name": "Authorization", "description": "AWS Signature Version 4"}
_REGION: Schema = {
    "region": {"default": "cn-north-1", "description": "AWS 区域 The region of the stack"},
    "suffix": {"default": "amazonaws.com.cn", "enum": ["amazonaws.com.cn", "amazonaws.com"]},
}


def _servers() -> Schema:
    by_iam = {"security": [{"$ref": "#/components/securitySchemes/iam"}]}
    api = {"api": {"default": "api", "description": "输出 ApiId The stack's output ApiId"}}
    host = {"host": {"default": "portal.example.cn", "description": "合作方主机 The partner's own host"}}
    gateway = {"host": "{api}.execute-api.{region}.{suffix}", "pathname": "/v1", "protocol": "https"}
    return {
        "https": gateway | {"variables": api | _REGION, **by_iam},
        "sqs": {"host": "sqs.{region}.{suffix}", "protocol": "sqs", "variables": _REGION, **by_iam},
        "eventbridge": {"host": "events.{region}.{suffix}", "protocol": "eventbridge", "variables": _REGION, **by_iam},
        "partner": {"host": "{host}", "protocol": "https", "variables": host},
    }


def _channels() -> Schema:
    inbox, commands = (f"{name} 的地址 The URL of the queue: the stack's output {name}Url" for name in ("Inbox", "CommandInbox"))
    own = "合作方的队列，名称以 `<stack>-reply-` 开头 A queue of the partner, whose name begins like this"
    bus = "合作方的事件总线，名称以 `<stack>-reply-` 开头 An event bus of the partner, whose name begins like this"
    return {
        "inbox": _channel("sqs", "{queue}", MESSAGES, queue=inbox),
        "commandInbox": _channel("sqs", "{queue}", [COMMAND_TYPE], queue=commands),
        "messages": _channel("https", "/messages", MESSAGES),
        "caseCommands": _channel("https", "/cases/{case_id}/commands", [COMMAND_TYPE], case_id="工单编号 The case_id"),
        "feed": _channel("https", "/feed", KINDS),
        "webhook": _channel("partner", "/{path}", _TO_SUBSCRIBERS, path="合作方的地址 The path that was subscribed with"),
        "replyQueue": _channel("sqs", "{queue}", _TO_SUBSCRIBERS, queue=own),
        "replyBus": _channel("eventbridge", "{bus}", _on_bus(_TO_SUBSCRIBERS), bus=bus),
        "messageRequests": _channel("sqs", "{queue}", _on_bus([MessageRequested.__name__]), queue="MessageRequests"),
        "supervisorNotices": _channel("sqs", "{queue}", _on_bus(_SUPERVISOR), queue="SupervisorNotices"),
        "stackBus": _channel(
            "eventbridge", "{bus}", _on_bus(EVENTS), bus="运行方自有规则 The stack's output EventBus, for rules of the operator"
        ),
    }


def _channel(server: str, address: str, messages: Iterable[str], **parameters: str) -> Schema:
    named = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    described = {name: {"description": said} for name, said in parameters.items()}
    return {"address": address, "servers": [{"$ref": f"#/servers/{server}"}], "messages": named} | (
        {"parameters": described} if described else {}
    )


def _on_bus(names: Iterable[str]) -> list[str]:
    return [f"{name}{_ON_BUS}" for name in names]


# ---------------------------------------------------------------- what is done there


def _operations() -> Schema:
    return {
        "sendMessage": _operation("send", "inbox", "经队列报送 Sends a message by the queue"),
        "postMessage": _operation("send", "messages", "经 HTTPS 报送 Sends a message over HTTPS", method="POST"),
        "sendCommand": _operation("send", "commandInbox", "经队列办理工单 Sends a command by the queue"),
        "postCommand": _operation("send", "caseCommands", "经 HTTPS 办理工单 Sends a command over HTTPS", method="POST"),
        "pullFeed": _operation("receive", "feed", "按游标读取 Pulls events by cursor", method="GET"),
        "takeWebhook": _operation("receive", "webhook", "接收推送 Is called with events; answers 2xx within 5 seconds", method="POST"),
        "takeFromQueue": _operation("receive", "replyQueue", "自有队列 Takes events from a queue of its own"),
        "takeFromBus": _operation("receive", "replyBus", "自有总线 Takes events from an event bus of its own"),
        "takeMessageRequests": _operation("receive", "messageRequests", "消息平台 What people are to be told"),
        "takeSupervisorNotices": _operation("receive", "supervisorNotices", "监督机构 What goes past the unit"),
        "observeStack": _operation("receive", "stackBus", "运行方 What the operator's own rules may match"),
    }


def _operation(action: str, channel: str, summary: str, *, method: str = "") -> Schema:
    bindings = {"bindings": {"http": {"method": method, "bindingVersion": "0.3.0"}}} if method else {}
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary, **bindings}


# ---------------------------------------------------------------- what is said


def _messages() -> Schema:
    inward = {name: _inward(name) for name in (*MESSAGES, COMMAND_TYPE)}
    outward = {name: _as_cloud_event(name) for name in _TO_SUBSCRIBERS}
    return inward | outward | {f"{name}{_ON_BUS}": _as_on_bus(name) for name in EVENTS}


def _inward(name: str) -> Schema:
    sample = {"specversion": "1.0", "id": f"{name}-1", "source": "hall-devices", "type": name, "data": _sample(name)}
    narrowed = {"type": "object", "properties": {"type": {"const": name}, "data": _file(name)}}
    payload = {"allOf": [_file("envelope"), narrowed]}
    return _message(name, "application/cloudevents+json", payload, sample) | {"headers": _proof_of("ofSender")}


def _as_cloud_event(name: str) -> Schema:
    sample = cloud_event(name, EVENTS[name].source(), _sample(f"{name}.v1"))
    narrowed = {"type": "object", "properties": {"type": {"const": f"{name}.v1"}, "data": _file(f"{name}.v1")}}
    payload = {"allOf": [_file("cloud-event"), narrowed]}
    return _message(name, "application/cloudevents+json", payload, sample) | {"headers": _proof_of("ofStack")}


def _as_on_bus(name: str) -> Schema:
    source = EVENTS[name].source()
    said = {"source": {"const": source}, "detail-type": {"const": name}, "detail": _file(f"{name}.v1")}
    sample = {"source": source, "detail-type": name, "detail": _sample(f"{name}.v1")}
    return _message(f"{name}{_ON_BUS}", "application/json", {"type": "object", "required": list(said), "properties": said}, sample)


def _message(name: str, content_type: str, payload: Schema, sample: Schema) -> Schema:
    said = {"schemaFormat": _JSON_SCHEMA, "schema": payload}
    return {"name": name, "contentType": content_type, "payload": said, "examples": [{"name": "sample", "payload": sample}]}


def _sample(name: str) -> Schema:
    held: Schema = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    return held


def _proofs() -> Schema:
    """Headers over HTTPS, message attributes on SQS."""
    said = {
        "party": "登记的发送方 The registered party",
        "webhook-id": "消息编号，重发不变 The id of the message, the same whenever it is sent again",
        "webhook-timestamp": "签名时间（1970 年以来的秒数） Seconds since 1970",
        "webhook-signature": "Standard Webhooks v1; 轮换期间两个，以空格分隔 during a rotation two, by a space",
    }
    described = {name: _TEXT | {"description": said[name]} for name in PROOF}
    of_stack = {name: held for name, held in described.items() if name != "party"}
    return {
        "ofSender": {"type": "object", "required": list(PROOF), "properties": described},
        "ofStack": {"type": "object", "properties": of_stack, "description": "推送与自有队列有签名 Of webhooks and reply queues"},
    }


def _proof_of(whose: str) -> Schema:
    return {"$ref": f"#/components/schemas/{whose}"}


def _file(name: str) -> Schema:
    return {"$ref": f"./{name}.json"}
