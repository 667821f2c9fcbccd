"""What leads to a person stays in intake: sealed, or as a keyed name."""

from __future__ import annotations

import json

from bed import CONTEXT
from haochaping.wire import to_wire
from intake import door
from intake.app import announce
from intake.profile import load
from said import bad_rating, changed, event, letter, raw

PERSON = "330106199001011234"
TEXT = "张三在窗口等了两个小时，电话 13800000000"
CASE_FILE = "33-case-file-of-the-applicant"
STAFF = "staff-0007"

IN_INTAKE_ONLY = {"LedgerTable", "WaitingTable", "QuarantineTable", "RegistryTable"}


def everything_said(bed) -> None:
    """Good, parked and malformed messages in three wire formats, all carrying the same canaries; then all that follows from them."""
    said = {"project_no": CASE_FILE, "comment": TEXT, "rater": {"certificate_type": "111", "certificate_number": PERSON}}
    rating = bad_rating(**said)
    national = to_wire(load("national"), rating)
    bed.accept(
        letter(event(project_no=CASE_FILE, staff_no=STAFF)),
        letter(rating),
        letter(bad_rating(**said | {"service_number": 2}), "parked"),
        changed(rating, "level", level="?", **{PERSON: TEXT}),
        changed(rating, "person", rater=PERSON),
        letter(bad_rating(**said | {"comment": TEXT + "。"}), "contradiction"),
        raw(json.dumps(national | {"pf": PERSON}), "national", party="national-portal"),
        raw(json.dumps(national | {"assessTime": TEXT}), "time", party="national-portal"),
        raw(json.dumps(national | {"certkeyGOV": PERSON, "serviceNumber": "3"}), "zhejiang", party="provincial-app"),
        raw(TEXT, "text", party="nobody"),
    )
    announce({"Records": bed.stream("QuarantineTable")}, CONTEXT)
    bed.flow()


def test_nothing_outside_intake_leads_to_a_person(bed, capsys):
    everything_said(bed)
    tables = {name: json.dumps(bed.items(name), ensure_ascii=False, default=str) for name in bed.tables() if name not in IN_INTAKE_ONLY}
    queues = {name: json.dumps(bed.messages(name), ensure_ascii=False) for name in bed.queues}
    output = capsys.readouterr()
    seen = tables | queues | {"segments": bed.segments(), "logs": output.out + output.err}
    assert bed.items("CasesTable")
    assert bed.items("FeedTable")
    for place, held in seen.items():
        for canary in (PERSON, TEXT, "13800000000", CASE_FILE, STAFF):
            assert canary not in held, (place, canary)


def test_within_intake_a_person_is_a_keyed_name_and_originals_are_sealed(bed):
    everything_said(bed)
    for table in ("LedgerTable", "WaitingTable", "QuarantineTable"):
        assert PERSON not in json.dumps(bed.items(table), ensure_ascii=False, default=str)
    for table in ("WaitingTable", "QuarantineTable"):
        assert any(PERSON in door.keys().open(item["original"]) for item in bed.items(table))
