"""An accepted rating as other services see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contract.ledger import RatingFacts
from contract.zone import SHANGHAI


def rating_facts(**changes: Any) -> RatingFacts:
    at = datetime(2026, 11, 24, 10, tzinfo=SHANGHAI)
    return RatingFacts.model_validate(
        {
            "rating_id": "r_1",
            "kind": "VISIT",
            "round": 1,
            "level": "DISSATISFIED",
            "tags": ["213"],
            "dict_version": "national-2020-05",
            "provenance": "SELF_DEVICE",
            "identity_mode": "ANONYMOUS",
            "rating_channel": "HALL_TABLET",
            "received_hour": at,
            "day": at.date(),
            "day_of": "occurred_at",
            "policy_version": "330000000000@2020-01-01",
            "region_code": "330106000000",
            "organisation": "11330106MB0000004R",
            "task_code": "11330106MB0000004R4330131001000",
            "staff_ref": "v1:staff",
            "service_channel": "OFFLINE",
            "handling_type": "INSTANT",
            "applicant_type": "NATURAL_PERSON",
        }
        | changes
    )
