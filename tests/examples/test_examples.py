"""The examples for consumers, run as they are: against the real door, real deliveries and a real seal, on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from asking import dispatched, register, request, told
from bed import CONTEXT, be_local
from haochaping.demo.loopback import Handler, Loopback
from notify import subscriptions
from notify.api.gateway import gateway
from notify.app import deliver
from notify.delivery import proof_of
from notify.sealed import days, files, sealing
from said import event, letter, rating
from template_file import ROOT
from told import progressed

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLES = ROOT / "examples"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


# ---------------------------------------------------------------- an API of this machine


def is_signed(url: str, headers: dict[str, str]) -> bool:
    """Whether AWS would take the signature: computed anew from what has arrived."""
    said = dict(part.split("=", 1) for part in headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").replace(" ", "").split(","))
    asked = AWSRequest("GET", url, headers={name: headers[name] for name in said["SignedHeaders"].split(";")})
    asked.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]), "execute-api", "cn-north-1")
    return auth.signature(auth.string_to_sign(asked, auth.canonical_request(asked)), asked) == said["Signature"]


class Door(Handler):
    """API Gateway, as far as the examples need it; and the bucket of segments."""

    bed: Any

    def do_GET(self):  # noqa: N802 - as http.server names it
        parts = urlsplit(self.path)
        if parts.path.startswith("/sealed/"):
            return self._answer(200, self.bed.s3.get_object(Bucket="segments", Key=parts.path[1:])["Body"].read(), {})
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not is_signed(f"http://{headers['host']}{self.path}", headers):
            return self._answer(403, b'{"message": "not signed"}', {})
        path = parts.path.removeprefix("/v1")
        answered = gateway(request("GET", path, headers["party"], headers=headers, **dict(parse_qsl(parts.query))), CONTEXT)
        told = {name: values[0] for name, values in answered["multiValueHeaders"].items()}
        return self._answer(answered["statusCode"], answered["body"].encode(), told)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"content-length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def api(bed):
    """The address of the door."""
    register(bed)
    with Loopback(type("OfBed", (Door,), {"bed": bed})) as server:
        yield server.address


def example(name: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> ModuleType:
    """The example as a module, read anew under this environment."""
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------- the feed


def run_python(folder: Any, api: str, party: str) -> list[str]:
    """The ids that the consumer in Python prints."""
    return [
        json.loads(line)["id"] for line in _run([sys.executable, EXAMPLES / "feed_consumer.py", "--once"], folder, api, party).splitlines()
    ]


def run_shell(folder: Any, api: str, party: str) -> list[str]:
    """The ids that the consumer in shell adds to its file."""
    assert shutil.which("curl"), "the example for shells needs curl: install it"
    kept = folder / "events.ndjson"
    before = len(kept.read_text().splitlines()) if kept.exists() else 0
    _run(["sh", EXAMPLES / "feed_consumer.sh"], folder, api, party)
    return [json.loads(line)["id"] for line in kept.read_text().splitlines()[before:]]


def _run(command: list[Any], folder: Any, api: str, party: str) -> str:
    environment = os.environ | {"API": f"{api}/v1", "PARTY": party, "AWS_DEFAULT_REGION": "cn-north-1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("run", [run_python, run_shell])
def test_a_feed_consumer_catches_up_keeps_its_place_and_goes_on_there(api, tmp_path, run):
    dispatched(*(progressed(n, rating=f"r_{n}") for n in range(5)))
    assert sorted(run(tmp_path, api, "data-centre")) == [f"ev_{n}" for n in range(5)]
    assert run(tmp_path, api, "data-centre") == []
    dispatched(progressed(7))
    assert run(tmp_path, api, "data-centre") == ["ev_7"]


@pytest.mark.parametrize("run", [run_python, run_shell])
def test_a_feed_consumer_that_is_refused_says_so_and_stays_where_it_is(api, tmp_path, run):
    with pytest.raises(AssertionError, match=r"401|422"):
        run(tmp_path, api, "nobody")
    assert not (tmp_path / "cursor.txt").exists()


def test_a_feed_consumer_that_dies_over_an_event_is_told_it_again(api, tmp_path, monkeypatch):
    dispatched(progressed(1))
    consumer = example("feed_consumer", monkeypatch, API=f"{api}/v1", PARTY="data-centre", CURSOR_FILE=str(tmp_path / "cursor.txt"))
    with monkeypatch.context() as dying:
        dying.setattr(consumer, "handle", lambda event: sys.exit(event["id"]))
        with pytest.raises(SystemExit, match="ev_1"):
            consumer.catch_up()
    handled: list[dict] = []
    monkeypatch.setattr(consumer, "handle", handled.append)
    consumer.catch_up()
    assert [event["id"] for event in handled] == ["ev_1"]


# ---------------------------------------------------------------- webhooks


def test_our_proofs_are_those_of_the_reference():
    """The test vector of the Standard Webhooks specification."""
    now = datetime.fromtimestamp(1614265330, UTC)
    assert proof_of("msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', [SECRET], now) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


class Consumer:
    """The webhook example while it runs; `handled` are the events that it handled."""

    def __init__(self, module: ModuleType, url: str) -> None:
        self.url, self.handled = url, list[dict]()
        module.handle = self.handled.append

    def post(self, body: str, headers: dict[str, str]) -> int:
        return urllib3.request("POST", self.url, body=body.encode(), headers=headers).status


@pytest.fixture
def webhooks(monkeypatch):
    """Runs the example with these secrets."""
    with ExitStack() as running:

        def run(secrets: str) -> Consumer:
            module = example("webhook_consumer", monkeypatch, SECRETS=secrets)
            return Consumer(module, running.enter_context(Loopback(module.Consumer)).address)

        yield run


BODY = '{"specversion":"1.0","id":"ev_1","type":"CaseOpened.v1","data":{}}'


def test_a_webhook_consumer_takes_what_is_ours_once(webhooks):
    consumer = webhooks(SECRET)
    proof = proof_of("ev_1", BODY, [SECRET], datetime.now(UTC))
    assert [consumer.post(BODY, proof) for _ in range(2)] == [204, 204]
    assert [event["id"] for event in consumer.handled] == ["ev_1"]


def test_a_webhook_consumer_refuses_what_is_tampered_with_late_or_anothers(webhooks):
    consumer = webhooks(SECRET)
    now = datetime.now(UTC)
    proof = proof_of("ev_1", BODY, [SECRET], now)
    refused = [
        consumer.post(BODY.replace("CaseOpened", "CaseClosed"), proof),
        consumer.post(BODY, proof | {"webhook-id": "ev_2"}),
        consumer.post(BODY, proof_of("ev_1", BODY, [SECRET], now - timedelta(minutes=6))),
        consumer.post(BODY, proof_of("ev_1", BODY, ["whsec_b3RoZXI="], now)),
        consumer.post(BODY, {}),
    ]
    assert (refused, consumer.handled) == ([401] * 5, [])


def test_a_webhook_consumer_takes_our_deliveries_before_during_and_after_a_rotation(bed, monkeypatch, webhooks):
    register(bed)
    be_local(monkeypatch)
    asked = {"id": "portal", "target": "https://portal.example.cn/"}
    old = told("POST", "/subscriptions", body=asked)["secret"]
    consumer = webhooks(old)
    told("PUT", "/subscriptions/portal", body={"target": f"{consumer.url}/events"})
    subscriptions.forget()
    dispatched(progressed(1))
    deliver({"Records": bed.messages("DeliveryQueue")}, CONTEXT)
    new = told("POST", "/subscriptions/portal/rotate")["secret"]
    assert told("POST", "/subscriptions/portal/test")["status"] == 204
    with_both = webhooks(f"{new} {old}")
    told("PUT", "/subscriptions/portal", body={"target": f"{with_both.url}/events"})
    assert told("POST", "/subscriptions/portal/test")["status"] == 204
    told("POST", "/subscriptions/portal/rotate", body={"finish": True})
    assert told("POST", "/subscriptions/portal/test")["status"] == 204
    assert [event["type"] for event in consumer.handled + with_both.handled] == ["CaseProgressed.v1", *["SubscriptionTested.v1"] * 3]


# ---------------------------------------------------------------- a queue of one's own


@pytest.fixture
def reply_queue(bed):
    register(bed)
    url = bed.sqs.create_queue(QueueName="test-reply-portal")["QueueUrl"]
    yield url
    bed.sqs.delete_queue(QueueUrl=url)


def test_a_queue_consumer_takes_what_is_ours_once_and_leaves_the_rest(bed, reply_queue, monkeypatch):
    target = "arn:aws-cn:sqs:cn-north-1:123456789012:test-reply-portal"
    secret = told("POST", "/subscriptions", body={"id": "portal", "kind": "QUEUE", "target": target})["secret"]
    subscriptions.forget()
    dispatched(progressed(1), progressed(2))
    messages = bed.messages("DeliveryQueue")
    deliver({"Records": [*messages, messages[0]]}, CONTEXT)
    bed.sqs.send_message(QueueUrl=reply_queue, MessageBody=BODY)
    consumer = example("queue_consumer", monkeypatch, SECRETS=secret)
    handled: list[dict] = []
    monkeypatch.setattr(consumer, "handle", handled.append)
    assert consumer.take(bed.sqs, reply_queue) == 4
    assert sorted(event["id"] for event in handled) == ["ev_1", "ev_2"]
    left = bed.sqs.get_queue_attributes(QueueUrl=reply_queue, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert left["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"


def as_received(body: str, signed_at: datetime, sent_at: datetime, secret: str = SECRET) -> dict[str, Any]:
    proof = proof_of("ev_1", body, [secret], signed_at)
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in proof.items()}
    return {"Body": body, "Attributes": {"SentTimestamp": str(int(sent_at.timestamp() * 1000))}, "MessageAttributes": attributes}


def test_a_queue_consumer_that_was_away_takes_what_waited_and_refuses_what_is_forged(monkeypatch):
    consumer = example("queue_consumer", monkeypatch, SECRETS=f"whsec_b3RoZXI= {SECRET}")
    week_ago = datetime.now(UTC) - timedelta(days=7)
    good = as_received(BODY, week_ago, week_ago)
    assert consumer.verified(good)["id"] == "ev_1"
    assert consumer.verified(good | {"Body": BODY.replace("CaseOpened", "CaseClosed")}) is None
    assert consumer.verified(as_received(BODY, week_ago, datetime.now(UTC))) is None
    assert consumer.verified(as_received(BODY, week_ago, week_ago, "whsec_c29tZWJvZHk=")) is None
    assert consumer.verified({"Body": BODY, "Attributes": {"SentTimestamp": "1"}}) is None


# ---------------------------------------------------------------- the Ledger


@pytest.fixture
def sealed(api, bed, later, monkeypatch):
    """The verification of a closed day with three segments; and the day."""
    for number in range(3):
        project = f"33-{number}"
        bed.accept(letter(event(project_no=project)), letter(rating(project_no=project)))
        bed.flow()
        sealing.seal()
    later(days=2)
    sealing.seal()
    monkeypatch.setattr(files, "url_of", lambda segment: f"{api}/{segment.key}")
    return example("verify_ledger_day", monkeypatch, API=f"{api}/v1", PARTY="data-centre"), days.days()[0]


def test_a_sealed_day_is_proven_by_whoever_asks(sealed):
    verifying, day = sealed
    assert verifying.verify(day.ledger_day.isoformat(), day.sha256)["ratings"] == 3


def test_a_day_that_is_not_the_one_that_was_kept_is_found(sealed):
    verifying, day = sealed
    with pytest.raises(SystemExit, match="不符 the day that you kept"):
        verifying.verify(day.ledger_day.isoformat(), "0" * 64)


@pytest.mark.parametrize("what", ["altered", "dropped", "added"])
def test_a_file_that_was_touched_is_found(sealed, bed, what):
    verifying, day = sealed
    segment = days.segments_of(day.ledger_day)[1]
    lines = list(files.lines_of(segment))
    touched = {
        "altered": [lines[0], lines[1].replace(b"VERY_SATISFIED", b"DISSATISFIED")],
        "dropped": lines[:1],
        "added": [*lines, lines[1]],
    }
    written = files.write(day.ledger_day, segment.of_day, touched[what])
    body = bed.s3.get_object(Bucket="segments", Key=written.key)["Body"].read()
    bed.s3.put_object(Bucket="segments", Key=segment.key, Body=body)
    with pytest.raises(SystemExit, match="不符 segment 2"):
        verifying.verify(day.ledger_day.isoformat())


def test_an_example_is_described():
    readme = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"`{path.name}`" in readme for path in EXAMPLES.iterdir() if path.suffix in {".py", ".sh"})
