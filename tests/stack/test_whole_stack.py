"""The whole stack: the template, built and deployed by SAM onto the emulator, with the roles that SAM generates enforced."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from standardwebhooks.webhooks import Webhook

from bed import ALWAYS
from casework import RULES as CASE_RULES
from cloud import bus, clock, registry, secrets
from cloud.clients import sqs
from cloud.settings import settings
from contract.events import BadRatingAccepted, CaseReplied
from contract.zone import SHANGHAI
from facts import rating_facts
from haochaping import casework, local, provinces, sending, stack, views
from haochaping.demo.receiver import Receiver
from haochaping.demo.upstream import UpstreamServer
from intake import door, receipts
from intake.places import key_of
from notify import deliveries, feed, subscriptions
from notify.sealed import days as sealed
from notify.subscription import Asked
from policy.rules import in_force
from rectify import cases
from rectify.naming import receipt_hash
from said import ORGANISATION, bad_rating, changed, event, letter, rating, raw
from scoring import recount, scores
from scoring.nodes import Node

pytestmark = pytest.mark.stack

_WITHIN = 60.0


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def above():
    """The level above, in the style of Zhejiang, with an answer for each record."""
    with UpstreamServer("zhejiang", answers_each=True) as running:
        yield running


@pytest.fixture(scope="module")
def running(receiver, above):
    before = dict(os.environ)
    os.environ["HAOCHAPING_HOME"] = str(local.home() / "test")  # a local stack that is running goes on
    up = local.up("zhejiang", lambda _: None)
    try:
        stack.connect_to(up)
        provinces.load(provinces.read("zhejiang"))
        provinces.ensure_signing_secret("subscription/portal")
        receiver.verifier = Webhook(secrets.signing_secrets("subscription/portal")[0])
        register_consumer("portal")
        subscriptions.add(Asked(id="portal", target=receiver.url), "portal")
        subscribe_reply_queue("desk")
        report_to(above)
        yield up
    finally:
        local.down()
        os.environ.clear()
        os.environ.update(before)
        stack.forget()


def register_consumer(id: str) -> None:
    value = {"role": "CONSUMER", "name": id, "name_en": id, "profile": "canonical", "regions": ["330000000000"]}
    registry.add(registry.Record(kind="party", id=id, valid_from="2020-01-01", value=value))


def subscribe_reply_queue(id: str) -> None:
    url = sqs().create_queue(QueueName=f"{settings().stack_name}-reply-{id}")["QueueUrl"]
    arn = sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    register_consumer(id)
    provinces.ensure_signing_secret(f"subscription/{id}")
    subscriptions.add(Asked(id=id, kind="QUEUE", target=arn, types=("CaseOpened",), in_order=True), id)


def report_to(above: UpstreamServer) -> None:
    value = {"profile": "zhejiang", "url": above.url, "regions": ["330000000000"], "since": "2026-01-01", "enabled": True}
    registry.add(registry.Record(kind="upstream", id="nation", valid_from="2020-01-01", value=value))
    name = secrets.signing_secret_name("upstream/nation")
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(above.secret))


@pytest.fixture(scope="module")
def results(running):
    """One morning in small: ratings in three wire formats, a copy, a conflict, one ahead of its event, one orphan, and garbage."""
    bad = {"project_no": "33-bad"}
    ahead = {"project_no": "33-ahead"}
    online = {"project_no": "33-online", "service_channel": "ONLINE"}
    app = rating(project_no="33-online", rating_channel="MOBILE", provenance="SELF_ONLINE", kind="MATTER")
    letters = {
        "event": letter(event()),
        "rating": letter(rating()),
        "copy": letter(rating(occurred_at=rating().occurred_at + timedelta(minutes=1)), "copy"),
        "bad event": letter(event(**bad)),
        "bad": letter(bad_rating(**bad)),
        "ahead": letter(rating(**ahead)),
        "ahead event": letter(event(**ahead)),
        "online event": letter(event(**online), party="national-portal", profile="national"),
        "online": letter(app, party="provincial-app", profile="zhejiang"),
        "orphan": letter(rating(project_no="33-orphan")),
        "garbage": raw("{ 这不是 JSON"),
        "large": raw('"' + "x" * (256 * 1024 - 2) + '"', "large"),
        "unknown level": changed(rating(project_no="33-x"), "level", level="6"),
    }
    sending.send(letters.values())
    settled = dict(zip(letters, sending.settle(list(letters.values()), _WITHIN), strict=True))
    contradiction = letter(bad_rating(), "contradiction")
    sending.send([contradiction])
    return settled | {"contradiction": sending.settle([contradiction], _WITHIN)[0]}


def wait_until(true) -> bool:
    deadline = time.monotonic() + _WITHIN
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.2)
    return False


def counted(node: str) -> int:
    return scores.ratings_in(scores.counts(Node.of(node), ALWAYS))


def haochaping(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as an operator does, in an environment that knows of no stack."""
    command = [str(Path(sys.executable).with_name("haochaping")), *arguments]
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "HAOCHAPING_HOME") if name in os.environ}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def answer_of(*arguments: str):
    done = haochaping(*arguments, "--json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_the_emulator_enforces_roles(running):
    stranger = boto3.client("dynamodb", aws_access_key_id="AKIASTRANGER", aws_secret_access_key="wrong")
    with pytest.raises(stranger.exceptions.ClientError) as refused:
        stranger.scan(TableName=settings().ledger_table)
    assert refused.value.response["Error"]["Code"] in {"UnrecognizedClientException", "AccessDeniedException"}


def test_nobody_can_forge_a_message_of_our_own(running):
    """Not even somebody of this account who may do anything with queues."""
    iam = boto3.client("iam")
    iam.create_user(UserName="curious")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="curious", PolicyName="queues", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName="curious")["AccessKey"]
    curious = boto3.client("sqs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    with pytest.raises(ClientError, match="AccessDenied"):
        curious.send_message(QueueUrl=settings().rectify_inbox_url, MessageBody="{}")
    assert curious.get_queue_attributes(QueueUrl=settings().rectify_inbox_url)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_every_message_is_accounted_for(results):
    outcomes = {name: result.outcome.value if result.outcome else None for name, result in results.items()}
    refused = dict.fromkeys(("garbage", "large", "unknown level", "contradiction"), "refused")
    # A queue keeps no order: which of two that say the same comes first is nobody's to know.
    assert {outcomes.pop("rating"), outcomes.pop("copy")} == {"accepted", "duplicate"}
    expected = dict.fromkeys(outcomes, "accepted") | {"orphan": "parked"} | refused
    assert outcomes == expected
    assert results["copy"].receipt == results["rating"].receipt
    codes = {name: results[name].codes for name in refused}
    assert codes == {
        "garbage": ("not_json",),
        "large": ("too_large",),
        "unknown level": ("unknown_level",),
        "contradiction": ("already_rated",),
    }


def test_every_rating_is_counted_once(results):
    assert wait_until(lambda: counted("province#330000000000") >= 4)
    assert counted("province#330000000000") == 4
    assert counted("channel#MOBILE") == 1
    organisation = scores.counts(Node.of(f"organisation#{ORGANISATION}"), ALWAYS)
    assert organisation["VISIT.1.SELF_DEVICE.DISSATISFIED"] == 1
    assert (organisation["finished"], organisation["tag.213"]) == (4, 1)
    assert wait_until(lambda: scores.counts(Node.of("province#330000000000"), ALWAYS)["case.OPENED"] == 1)


def test_the_bad_rating_has_its_case_and_every_event_reaches_feed_and_subscriber(results, receiver):
    assert wait_until(lambda: len(views.open_cases()) == 1)
    expected = {"BadRatingAccepted.v1", "CaseOpened.v1", "MessagesRefused.v1"}
    assert wait_until(lambda: {event["type"] for event in list(receiver.events.values())} >= expected)
    in_feed = [entry["id"] for entry in feed.everything()]
    assert len(in_feed) == len(set(in_feed))
    assert wait_until(lambda: receiver.events.keys() >= set(in_feed))
    assert receiver.refused == 0


def test_a_reply_queue_gets_its_events_with_a_proof_that_the_public_library_verifies(results):
    url = sqs().get_queue_url(QueueName=f"{settings().stack_name}-reply-desk")["QueueUrl"]
    verifier = Webhook(secrets.signing_secrets("subscription/desk")[0])
    taken: list[dict] = []

    def told() -> bool:
        for message in sqs().receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", []):
            proof = {name: held["StringValue"] for name, held in message["MessageAttributes"].items()}
            taken.append(verifier.verify(message["Body"], proof))
        return bool(taken)

    assert wait_until(told)
    assert taken[0]["type"] == "CaseOpened.v1"
    delivered = deliveries.find("desk", taken[0]["id"])
    assert delivered.state == "DELIVERED"


def test_a_deadline_that_has_passed_is_told_once(results, receiver):
    long_ago = clock.now() - timedelta(days=40)
    old = rating_facts(rating_id="r_old", received_hour=long_ago, day=long_ago.date())
    bus.publish([BadRatingAccepted(event_id="ev_old", happened_at=long_ago, rating=old)])
    assert wait_until(lambda: len(views.open_cases()) == 2)
    functions = boto3.client("lambda")
    (sweep,) = [name for name in function_names(functions) if "RectifyDeadlines" in name]
    for _ in range(2):
        answer = functions.invoke(FunctionName=sweep, Payload=b"{}")
        assert "FunctionError" not in answer

    def overdue() -> list[str]:
        return sorted(event["data"]["clock"] for event in list(receiver.events.values()) if event["type"] == "CaseOverdue.v1")

    assert wait_until(lambda: len(overdue()) >= 2)
    assert overdue() == ["first_contact", "rectify"]


def function_names(functions) -> list[str]:
    return [function["FunctionName"] for page in functions.get_paginator("list_functions").paginate() for function in page["Functions"]]


def test_every_ledger_record_is_in_a_raw_segment(results):
    import gzip

    client = boto3.client("s3")

    def segments() -> dict[tuple[str, str], str]:
        listed = client.list_objects_v2(Bucket=settings().segments_bucket, Prefix="raw/").get("Contents", [])
        bodies = [client.get_object(Bucket=settings().segments_bucket, Key=found["Key"])["Body"].read() for found in listed]
        lines = [json.loads(line) for body in bodies for line in gzip.decompress(body).decode().splitlines()]
        return {(line["lane"], line["sequence"]): line["entry"] for line in lines}

    def told(*kinds: str) -> list[str]:
        return sorted(kind for kind in segments().values() if kind in kinds)

    assert wait_until(lambda: told("E", "R") == ["E"] * 4 + ["R"] * 4)
    assert wait_until(lambda: told("H") == ["H"] * len(history_items()))


def history_items() -> list[dict]:
    """The steps of every case."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=settings().cases_table)
    return [item for page in pages for item in page["Items"] if item["sk"]["S"].startswith("H#")]


def test_the_https_door_takes_a_signed_message_and_refuses_an_unsigned_one(running, results):
    url = f"{running.api_url(stack.output('ApiId'))}/signed/messages"
    message = letter(event(project_no="33-https"))
    proof = {name: held["StringValue"] for name, held in sending.proof(message, clock.wall()).items()}
    status, body = post(url, message.body, proof)
    assert status == 202
    assert body["receipt"]
    assert sending.settle([message], _WITHIN)[0].outcome == "accepted"
    status, body = post(url, message.body, proof | {"webhook-signature": "v1,AAAA"})
    assert (status, body["refusals"][0]["code"]) == (401, "bad_signature")


def test_the_iam_routes_answer_who_is_allowed_and_nobody_else(running, results):
    receipts = f"{running.api_url(stack.output('ApiId'))}/receipts"
    assert urllib3.request("GET", f"{receipts}/{results['rating'].receipt}", timeout=30).status == 403
    nobody = door.keys().receipt(key_of(rating(project_no="33-nobody"), "hall-devices"))
    expected = {results["rating"].receipt: (200, "accepted"), results["orphan"].receipt: (200, "parked"), nobody: (404, "unknown")}
    for receipt, answered in expected.items():
        answer = get(f"{receipts}/{receipt}")
        assert (answer.status, answer.json()["outcome"]) == answered


def test_the_figures_are_behind_their_routes(running, results):
    api = running.api_url(stack.output("ApiId"))
    assert get(f"{api}/openapi/scores.json").json()["openapi"].startswith("3.1")
    published = get(f"{api}/results")
    assert (published.status, published.json()["results"]) == (200, [])
    # No principal is registered for the party, and a GET carries no signature.
    refused = get(f"{api}/scores/province/330000000000?period=2026", party="hall-devices")
    assert (refused.status, refused.json()["refusals"][0]["code"]) == (403, "wrong_sender")


def get(url: str, **headers: str) -> urllib3.BaseHTTPResponse:
    signed = AWSRequest("GET", url, headers=headers)
    SigV4Auth(Credentials("test", "test"), "execute-api", local.REGION).add_auth(signed)
    return urllib3.request("GET", signed.url, headers=dict(signed.headers.items()), timeout=30)


def post(url: str, body: str, headers: dict[str, str]) -> tuple[int, dict]:
    answer = urllib3.request("POST", url, body=body.encode(), headers={"content-type": "application/json", **headers}, timeout=30)
    return answer.status, answer.json()


def test_the_commands_answer_from_the_stack(running, results, tmp_path):
    assert answer_of("local", "status")["endpoint"] == running.endpoint
    assert answer_of("receipt", results["rating"].receipt)["outcome"] == "accepted"
    day = f"{clock.now():%Y-%m}"
    score = answer_of("scores", "channel#HALL_TABLET", "--month", day)
    assert (score["total"], score["indicators"]["bad_rate"]) == (3, {"numerator": 1, "denominator": 3, "rate": None})
    (case, *_) = answer_of("cases", "--org", ORGANISATION)
    assert set(case["clocks"]) == {"first_contact", "rectify"}
    listed = answer_of("quarantine", "list")
    assert {"not_json", "too_large", "unknown_level", "already_rated"} <= {
        reason["code"] for entry in listed for reason in entry["reasons"]
    }
    file = tmp_path / "messages.ndjson"
    file.write_text(f"{letter(event()).body}\nnonsense\n", "utf-8")
    sent = [json.loads(line) for line in haochaping("send", str(file), "--party", "hall-devices", "--json").stdout.splitlines()]
    assert [entry["outcome"] for entry in sent] == ["duplicate", "refused"]


def test_an_identity_is_read_by_the_one_function_that_may_and_by_nobody_else(running, results):
    url = f"{running.api_url(stack.output('ApiId'))}/signed/messages"
    applicant = {
        "certificate_type": "111",
        "certificate_number": "canary-330106199001011234",
        "name": "canary-张三",
        "phone": "13800000000",
    }
    message = letter(event(project_no="33-known", applicant=applicant))
    proof = {name: held["StringValue"] for name, held in sending.proof(message, clock.wall()).items()}
    receipt = post(url, message.body, proof)[1]["receipt"]
    assert sending.settle([message], _WITHIN)[0].outcome == "accepted"
    asked = ("identity", "reveal", receipt, "--purpose", "CONTACT", "--by", "desk-3")
    assert answer_of(*asked) == {"name": "canary-张三", "phone": "13800000000"}
    assert [look["by"] for look in answer_of("identity", "readers", receipt)] == ["desk-3"]
    assert haochaping("identity", "erase", receipt, "--by", "desk-3", "--reason", "本人申请", "--yes").returncode == 0
    gone = haochaping(*asked)
    assert (gone.returncode, "nobody_known" in gone.stderr) == (1, True)


def test_the_operator_corrects_a_refused_message(running, results, tmp_path):
    refused = letter(event(project_no="33-refused", region_code="339999000000"))
    sending.send([refused])
    assert sending.settle([refused], _WITHIN)[0].codes == ("unknown_region",)
    day = clock.now().astimezone(SHANGHAI).date().isoformat()
    file = tmp_path / "corrected.json"
    file.write_text(refused.body.replace("339999000000", "330106000000"), "utf-8")
    sent = ("quarantine", "resubmit", refused.message_id, "--day", day, "--by", "op-1", "--reason", "区划", "--file", str(file))
    assert haochaping(*sent).returncode == 0
    assert wait_until(lambda: receipts.standing(door.keys().receipt(key_of(event(project_no="33-refused"), "hall-devices")), door.keys()))


def test_what_rectify_decides_is_put_beside_the_rating(running, results):
    bad = bad_rating(project_no="33-bad")
    key = key_of(bad, "hall-devices")
    bus.publish([CaseReplied(event_id="ev_replied", happened_at=clock.now(), case_id="c_1", rating_id=door.keys().rating_id(key))])
    receipt = door.keys().receipt(key)
    assert wait_until(lambda: receipts.standing(receipt, door.keys()).answered_day)


def test_an_invitation_reaches_its_queue_and_its_link_is_good_for_one_rating(running, results):
    """From a policy to a rating, by the deployed functions alone; what waits for days is put where its time is over."""
    base = running.api_url(stack.output("ApiId"))
    rules = in_force(registry.rules("330106000000"), "330106000000", clock.now().date())
    value = {"unrated_policy": "INVITE", "invite_after": {"value": 0, "unit": "HOUR"}, "invite_valid": {"value": 7, "unit": "DAY"}}
    held = {
        "rectify_simple": rules.rectify_simple.plain(),
        "first_contact": rules.first_contact.plain(),
        "quiet_hours": {"begins": 0, "ends": 0},
    }
    registry.add(registry.Record(kind="policy", id="330102000000", valid_from="2026-01-01", value=held | value))
    shangcheng = {"region_code": "330102000000", "project_no": "33-invited"}
    message = letter(event(**shangcheng))
    sending.send([message])
    assert sending.settle([message], _WITHIN)[0].outcome == "accepted"
    functions = boto3.client("lambda")
    (sweep,) = [name for name in function_names(functions) if "IntakeSweep" in name]
    assert "FunctionError" not in functions.invoke(FunctionName=sweep, Payload=b"{}")
    taken: list[dict] = []

    def invited() -> bool:
        taken.extend(sqs().receive_message(QueueUrl=stack.output("MessageRequestsUrl")).get("Messages", []))
        return bool(taken)

    assert wait_until(invited)
    token = json.loads(taken[0]["Body"])["detail"]["token"]
    page = urllib3.request("GET", f"{base}/rate/{token}", timeout=30)
    assert (page.status, page.json()["rated"]) == (200, False)
    status, body = post(f"{base}/rate/{token}", json.dumps({"level": "SATISFIED"}), {})
    assert (status, body["outcome"]) == (200, "accepted")
    assert post(f"{base}/rate/{token}", json.dumps({"level": "BASICALLY_SATISFIED"}), {})[0] == 409
    assert "InvitationIssued.v1" not in {event["type"] for event in feed.everything()}


def test_the_segments_are_the_ledger_and_the_scheduled_jobs_run(running, results):
    tomorrow = (clock.now() + timedelta(days=2)).date().isoformat()
    compared = wait_until(lambda: haochaping("reconcile", "--until", tomorrow).returncode == 0)
    assert compared
    functions = boto3.client("lambda")
    for job in ("IntakeReconcile", "IntakeSample", "ScoringRecount", "ScoringPublish", "RectifyReconcile"):
        (name,) = [found for found in function_names(functions) if job in found]
        payload = b'{"days_back": 1}' if job == "RectifyReconcile" else b"{}"
        assert "FunctionError" not in functions.invoke(FunctionName=name, Payload=payload), job


def test_ratings_lie_sealed_and_the_level_above_is_told_each_once(running, results, above):
    """From the accepted rating to the receipt of the level above, by the deployed functions alone."""

    def ratings_sealed() -> int:
        assert "FunctionError" not in invoked("NotifySeal")
        return sum(segment.ratings for segment in sealed.segments_after(0))

    rated = counted("province#330000000000")
    assert wait_until(lambda: ratings_sealed() >= rated)
    assert wait_until(lambda: invoked("NotifyReport")["nation"]["state"] == "up" and above.accepted.total() >= rated)
    assert above.accepted.total() == ratings_sealed()
    assert above.accepted["DISSATISFIED"] >= 1
    verified = answer_of("audit", "verify", "--ledger", "--receipt", results["rating"].receipt)
    assert (verified["findings"], verified["proof"]["holds"]) == ([], True)


def invoked(logical: str) -> dict:
    """What a function of the stack answers to its schedule."""
    functions = boto3.client("lambda")
    (name,) = [found for found in function_names(functions) if f"-{logical}-" in f"{found}-"]
    return json.loads(functions.invoke(FunctionName=name, Payload=b"{}")["Payload"].read())


def test_a_recount_of_the_day_agrees_with_what_the_deployed_function_counted(running, results):
    """Nothing here is 26 hours old, so the judgement is made as if it were; all that was sent has been told and counted."""
    day = clock.now().astimezone(SHANGHAI).date()
    assert wait_until(lambda: recount.recount(day, "stack", correct=False, now=clock.wall() + timedelta(days=2)).differences == 0)
    assert haochaping("recount", "--day", day.isoformat()).returncode == 0


def test_a_bad_rating_runs_late_is_escalated_and_put_right_until_the_rater_says_so(running, results):
    """By the deployed functions alone, on the moved clock; every fact reaches the feed once, with the deadlines that run after it."""
    case_id = opened_in_haishu()
    order(case_id, "ASSIGN", UNIT, person="p-2")
    order(case_id, "CONTACT", UNIT)
    planned = (cases.find(case_id).clocks["rectify"].due_at - timedelta(days=1)).astimezone(SHANGHAI).date().isoformat()
    order(case_id, "VERIFY", UNIT, finding="COMPLEX", text="需会商", planned_day=planned)
    order(case_id, "ASK_EXTENSION", UNIT, text="需会商")
    order(case_id, "DECIDE_EXTENSION", SUPERVISOR, granted=True, text="同意")
    first = cases.find(case_id).clocks["rectify"]
    assert first.first_due_at < first.due_at
    assert haochaping("local", "advance", "40d").returncode == 0
    stack.connect_to(running)
    assert wait_until(lambda: {"BecameOverdue", "Escalated"} <= set(facts_of(case_id)))
    put_right(case_id)
    order(case_id, "CALL_BACK", DESK, verdict="DISSATISFIED")
    order(case_id, "SET_TRACK", UNIT, track="SIMPLE", text="再次整改")
    order(case_id, "FILE_APPEAL", UNIT, reason="MISTAKE", text="误点", evidence=["video-1"])
    order(case_id, "DECIDE_APPEAL", SUPERVISOR | {"role": "REVIEWER", "person_ref": "reviewer-1"}, granted=False, text="不属误评")
    put_right(case_id)
    order(case_id, "CALL_BACK", DESK, verdict="CONFIRMED")
    case = cases.find(case_id)
    assert (case.state, case.closure, case.confirmed, case.running) == ("CLOSED", "RECTIFIED", True, {})

    def told() -> list[dict]:
        found = list(feed.everything())
        return [event["data"] for event in found if event["data"].get("case_id") == case_id and not event["type"].startswith("Command")]

    history = facts_of(case_id)
    assert wait_until(lambda: len(told()) >= len(history))
    assert len({event["event_id"] for event in told()}) == len(told()) == len(history)
    assert all("due" in event or "due_at" in event for event in told())
    levels = [event["level"] for event in told() if event.get("level") and event.get("clock") == "rectify"]
    assert sorted(levels) == sorted(set(levels)) == ["LEVEL_ABOVE", "PERSON", "SUPERVISOR", "UNIT_HEAD"]


def test_the_days_that_are_over_are_closed_chained_and_reconciled_with_the_level_above(running, results, above):
    """The clock stands forty days on: every scheduled function has run since."""
    assert wait_until(lambda: invoked("NotifySeal") is not None and len(sealed.days()) >= 38)
    days = sealed.days()
    assert [day.previous for day in days[1:]] == [day.sha256 for day in days[:-1]]
    kept = f"{days[0].ledger_day}={days[0].sha256}"
    verified = answer_of("audit", "verify", "--ledger", "--expect", kept)
    assert (verified["findings"], verified["days"]) == ([], len(days))
    invoked("NotifyReport")
    invoked("NotifyReconcile")

    def reconciled() -> dict:
        told = [event["data"] for event in feed.everything() if event["type"] == "UpwardReportReconciled.v1"]
        return {event["ledger_day"]: event for event in told if event["ledger_day"] == days[0].ledger_day.isoformat()}

    assert wait_until(reconciled)
    (of_the_day,) = reconciled().values()
    assert of_the_day["difference"] == 0
    assert sum(level["accepted"] for level in of_the_day["levels"].values()) == days[0].ratings
    assert "LedgerDayClosed.v1" in {event["type"] for event in feed.everything()}


UNIT = {"party": "haishu-hall", "role": "COORDINATOR", "person_ref": "p-1"}
SUPERVISOR = {"party": "zhejiang-supervision", "role": "SUPERVISOR", "person_ref": "s-1"}
DESK = {"party": "hotline-12345", "role": "CALLBACK_DESK", "person_ref": "agent-3"}


def opened_in_haishu() -> str:
    """The case of a bad rating of a unit whose region allows an extension and has the rater called back."""
    region, unit = "330203000000", "11330203MB0000007W"
    value = {"role": "UNIT", "name": "海曙", "name_en": "Haishu", "profile": "canonical", "regions": [region], "organisations": [unit]}
    registry.add(registry.Record(kind="policy", id=region, valid_from="2026-01-01", value=CASE_RULES))
    registry.add(registry.Record(kind="party", id="haishu-hall", valid_from="2020-01-01", value=value))
    registry.add(registry.Record(kind="grant", id="haishu-hall#*", valid_from="2020-01-01", value={"roles": ["COORDINATOR", "RECTIFIER"]}))
    provinces.ensure_signing_secret("party/haishu-hall")
    there = {"project_no": "33-haishu", "region_code": region, "organisation": unit, "item_code": f"{unit}433013100100001"}
    bad = letter(bad_rating(project_no="33-haishu"))
    sending.send([letter(event(**there)), bad])
    receipt = sending.settle([bad], _WITHIN)[0].receipt
    assert wait_until(lambda: cases.of_receipt(receipt_hash(receipt)))
    return cases.of_receipt(receipt_hash(receipt))


def put_right(case_id: str) -> None:
    done = {"action_kind": "REDONE", "cause": "OTHER", "text": "已重新办理", "evidence": ["file-1"]}
    order(case_id, "ACT", UNIT | {"role": "RECTIFIER"}, **done)
    order(case_id, "REPLY", UNIT, text="已为您重新办理")


def order(case_id: str, command: str, by: dict[str, str], **said) -> None:
    """Sends a command through its queue and waits until it is carried out."""
    name = f"{command.lower()}-{len(facts_of(case_id))}"
    actor = {"person_ref": by["person_ref"], "role": by["role"]}
    data = {"command_id": name, "case_id": case_id, "command": command, "actor": actor, "at": clock.now().isoformat()}
    (answer,) = casework.carry_out([casework.envelope(data | said, by["party"], f"{case_id}-{name}")], _WITHIN)
    assert answer.facts, (command, answer.codes)


def facts_of(case_id: str) -> list[str]:
    return [fact.fact for fact in cases.history(case_id)]


def test_nothing_was_set_aside_and_no_role_was_too_narrow(running, results):
    answer = sqs().get_queue_attributes(QueueUrl=settings().set_aside_url, AttributeNames=["ApproximateNumberOfMessages"])
    assert answer["Attributes"]["ApproximateNumberOfMessages"] == "0"
    log = Path(running.log).read_text("utf-8", "replace")
    assert "AccessDenied" not in log
    assert '"level":"ERROR"' not in log
    assert "canary" not in log


def test_a_second_stack_is_not_started_over_a_running_one(running):
    second = haochaping("local", "up")
    assert second.returncode == 1
    assert "haochaping local down" in second.stderr
    assert local.running() == running


def test_down_leaves_no_process_behind(running):
    """The last test of this file: it ends the stack."""
    assert local.down()
    assert local.running() is None
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
    assert haochaping("local", "status").returncode == 1
    assert "haochaping local up" in haochaping("scores", "channel#PC", "--month", "2026-11").stderr
