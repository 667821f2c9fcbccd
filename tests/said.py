"""What channel platforms say, as the tests need it: one service at a window in Hangzhou and its rating."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from contract.messages import GeneralRating, Rating, Said, ServiceEvent, SupervisoryRating
from contract.zone import SHANGHAI
from haochaping.sending import Letter
from haochaping.wire import encode

ORGANISATION = "11330106MB0000004R"
APPLICANT = {"certificate_type": "111", "certificate_number": "canary-330106199001011234"}
AT = (datetime.now(SHANGHAI) - timedelta(hours=2)).replace(microsecond=0)


def event(**changes: Any) -> ServiceEvent:
    return ServiceEvent.model_validate(
        {
            "project_no": "33202611240001",
            "service_number": 1,
            "status": "FINISHED",
            "item_code": f"{ORGANISATION}433013100100001",
            "organisation": ORGANISATION,
            "region_code": "330106000000",
            "window": "A01",
            "staff_no": "0007",
            "service_channel": "OFFLINE",
            "handling_type": "INSTANT",
            "applicant_type": "NATURAL_PERSON",
            "service_time": AT,
            "accepted_at": AT,
            "finished_at": AT,
            "applicant": APPLICANT,
        }
        | changes
    )


def rating(**changes: Any) -> Rating:
    return Rating.model_validate(
        {
            "project_no": "33202611240001",
            "service_number": 1,
            "round": 1,
            "kind": "VISIT",
            "level": "VERY_SATISFIED",
            "tags": ["510"],
            "provenance": "SELF_DEVICE",
            "rating_channel": "HALL_TABLET",
            "occurred_at": AT + timedelta(minutes=1),
            "rater": APPLICANT,
        }
        | changes
    )


def bad_rating(**changes: Any) -> Rating:
    return rating(**{"level": "DISSATISFIED", "tags": ["213"], "comment": "等了两个小时"} | changes)


def general(**changes: Any) -> GeneralRating:
    return GeneralRating.model_validate(
        {
            "reference": "box-0001",
            "object": {"type": "WINDOW", "organisation": ORGANISATION, "region_code": "330106000000", "id": "A01"},
            "level": "DISSATISFIED",
            "tags": ["213"],
            "comment": "窗口人手不足",
            "provenance": "PAPER_ENTERED",
            "entered_by": "clerk-7",
            "rating_channel": "PAPER",
            "occurred_at": AT,
        }
        | changes
    )


def supervisory(**changes: Any) -> SupervisoryRating:
    survey = {"id": "callback-2026-11-23-330000000000", "method": "CALLBACK_SAMPLE", "conducted_by": "12345"}
    answer = {"provenance": "HOTLINE_CALLBACK", "entered_by": None, "rating_channel": "PHONE"}
    return SupervisoryRating.model_validate(general().model_dump() | {"reference": "call-0001", "survey": survey} | answer | changes)


def letter(said: Said, webhook_id: str = "", party: str = "hall-devices", profile: str = "canonical") -> Letter:
    """The message as the party sends it; without an id each call is another message only if it says something else."""
    name = webhook_id or "-".join([type(said).__name__, *map(str, _own_name(said))])
    return Letter(party, name, json.dumps(encode(said, profile, name, party), ensure_ascii=False))


def _own_name(said: Said) -> tuple[Any, ...]:
    return (said.project_no, said.service_number) if isinstance(said, (Rating, ServiceEvent)) else (said.reference,)


def raw(body: str, webhook_id: str = "raw-1", party: str = "hall-devices") -> Letter:
    return Letter(party, webhook_id, body)


def changed(said: Said, webhook_id: str = "changed-1", **data: Any) -> Letter:
    """A canonical message with fields of its data replaced, whatever the contract says about them; None leaves a field out."""
    wire = encode(said, "canonical", webhook_id, "hall-devices")
    fields = {name: value for name, value in (wire["data"] | data).items() if value is not None}
    return raw(json.dumps(wire | {"data": fields}, ensure_ascii=False), webhook_id)
