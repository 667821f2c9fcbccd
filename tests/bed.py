"""The test bed: a province in moto, built from the template, with the real handlers between its queues, tables and streams."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import boto3
from moto.backends import get_backend

from haochaping import provinces
from haochaping.stack import variable_of
from scoring.period import Period
from template_file import resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from haochaping.sending import Letter

PROVINCE = "zhejiang"
_TODAY = datetime.now(UTC).date()
ALWAYS = Period("always", _TODAY - timedelta(days=20), _TODAY + timedelta(days=20))
ACCOUNT, REGION = "123456789012", "cn-north-1"
CONTEXT = SimpleNamespace(
    get_remaining_time_in_millis=lambda: 300_000,
    function_name="test",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws-cn:lambda:cn-north-1:123456789012:function:test",
    aws_request_id="1",
)


@cache
def _clients() -> tuple[Any, ...]:
    """Made once: a client costs 70 ms, and moto answers it in every test anew."""
    return tuple(boto3.client(name) for name in ("sqs", "dynamodb", "events", "s3", "dynamodbstreams", "secretsmanager", "kms"))


class Contents:
    """What moto holds of a bed, to be put back."""

    def __init__(self, registry: dict[str, dict[str, Any]], secrets: dict[str, Any]) -> None:
        self.registry, self.secrets = registry, secrets

    @classmethod
    def now(cls) -> Self:
        items = _backend("dynamodb").tables["RegistryTable"].items
        return cls({key: dict(of_key) for key, of_key in items.items()}, deepcopy(dict(_backend("secretsmanager").secrets)))

    def put_back(self) -> None:
        for table in _backend("dynamodb").tables.values():
            table.items.clear()
            if table.stream_shard:
                table.stream_shard.items.clear()
        for key, of_key in self.registry.items():
            _backend("dynamodb").tables["RegistryTable"].items[key].update(of_key)
        for queue in _backend("sqs").queues.values():
            queue._messages.clear()
            queue._pending_messages.clear()
        for bucket in _backend("s3", "aws-cn").buckets.values():
            bucket.keys.clear()
        secrets = _backend("secretsmanager").secrets
        secrets.clear()
        secrets.update(deepcopy(self.secrets))


def _backend(service: str, region: str = REGION) -> Any:
    return get_backend(service)[ACCOUNT][region]


NEW_SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcGFydHk="


def forget() -> None:
    """Drops what the services remember of an earlier province; their clients stay."""
    from cloud import registry, secrets
    from cloud.settings import settings
    from intake import vault
    from notify import subscriptions

    settings.cache_clear()
    for module in (registry, secrets, subscriptions, vault):
        module.forget()


def be_local(monkeypatch: Any) -> None:
    """Makes of the province a local stack, whose calls may go to this machine."""
    from cloud.settings import settings

    monkeypatch.setenv("LOOPBACK_WEBHOOKS", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    settings.cache_clear()
    settings()
    monkeypatch.delenv("AWS_ENDPOINT_URL")


def be_without_a_stack(monkeypatch: Any, home: Any) -> None:
    """Takes away everything by which a command would find a stack."""
    from cloud.settings import settings

    for name in [name for name in os.environ if name.endswith(("_TABLE", "_URL", "_BUCKET")) or name.startswith("HAOCHAPING")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HAOCHAPING_HOME", str(home))
    settings.cache_clear()


class Bed:
    """Tables, queues, bus, rules, bucket and secrets of one stack; functions that hand messages and stream records to the handlers."""

    def __init__(self) -> None:
        self.sqs, self.dynamodb, self.events, self.s3, self.streams, self.secrets, self.kms = _clients()
        self.read: dict[str, int] = {}
        self.queues = {name: self._queue(name) for name in resources("AWS::SQS::Queue")}
        for name, table in resources("AWS::DynamoDB::Table").items():
            self._table(name, table["Properties"])
        self.events.create_event_bus(Name="test")
        for name, rule in resources("AWS::Events::Rule").items():
            self._rule(name, rule["Properties"])
        for bucket in ("segments", "results"):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "cn-north-1"})
        self.secrets.create_secret(Name="stack-secret", SecretString="test-secret")
        self.vault_key = self.kms.create_key()["KeyMetadata"]["Arn"]
        self._connect()
        self.province = provinces.read(PROVINCE)
        self._load(self.province)
        self._fresh = Contents.now()

    def _connect(self) -> None:
        os.environ.update(self._environment())
        forget()

    def start_afresh(self) -> None:
        """Empties everything and registers the province anew: making all of it again would take each test a tenth of a second."""
        self._fresh.put_back()
        self.read.clear()
        self._connect()

    def _load(self, province: provinces.Province) -> None:
        """What `haochaping province load` does, in a few calls instead of one for each record."""
        from cloud import registry
        from cloud.table import marshal

        records = list(province.records())
        listings = [row for record in records for row in registry.listings_of(record)]
        puts = [{"PutRequest": {"Item": marshal(item)}} for item in (*listings, *map(registry.item_of, records))]
        for start in range(0, len(puts), 25):
            self.dynamodb.batch_write_item(RequestItems={"RegistryTable": puts[start : start + 25]})
        for party in province.parties:
            provinces.ensure_signing_secret(f"party/{party.id}")

    def _queue(self, name: str) -> str:
        return self.sqs.create_queue(QueueName=name)["QueueUrl"]

    def _table(self, name: str, properties: dict[str, Any]) -> None:
        known = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "StreamSpecification")
        wanted = {key: properties[key] for key in known if key in properties}
        if "StreamSpecification" in wanted:
            wanted["StreamSpecification"] = {"StreamEnabled": True, **wanted["StreamSpecification"]}
        self.dynamodb.create_table(TableName=name, **wanted)

    def _rule(self, name: str, properties: dict[str, Any]) -> None:
        self.events.put_rule(Name=name, EventBusName="test", EventPattern=json.dumps(properties["EventPattern"]))
        targets = [
            {"Id": target["Id"], "Arn": self._arn(self.queues[target["Arn"]["Fn::GetAtt"].split(".")[0]])}
            for target in properties["Targets"]
        ]
        self.events.put_targets(Rule=name, EventBusName="test", Targets=targets)

    def _arn(self, url: str) -> str:
        return self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def _environment(self) -> dict[str, str]:
        tables = {variable_of(name): name for name in resources("AWS::DynamoDB::Table")}
        return tables | {
            "STACK_NAME": "test",
            "PROVINCE_CODE": "33",
            "VAULT_KEY_ARN": self.vault_key,
            "INBOX_URL": self.queues["Inbox"],
            "COMMAND_INBOX_URL": self.queues["CommandInbox"],
            "RECTIFY_INBOX_URL": self.queues["RectifyInbox"],
            "DELIVERY_QUEUE_URL": self.queues["DeliveryQueue"],
            "SET_ASIDE_URL": self.queues["SetAside"],
            "EVENT_BUS": "test",
            "SEGMENTS_BUCKET": "segments",
            "RESULTS_BUCKET": "results",
            "STACK_SECRET": "stack-secret",
            "FLUSH_THREADS": "1",  # moto is not thread-safe
        }

    # ------------------------------------------------------------------ messages in

    def accept(self, *letters: Letter, **transport: Any) -> list[str]:
        """Hands the messages to intake as one batch; the ids of those that go back to the queue."""
        from intake.app import accept

        answer = accept({"Records": [sqs_record(letter, **transport) for letter in letters]}, CONTEXT)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def province_knows(self, region: str | None) -> None:
        """Registers a further region, if one is given."""
        from cloud import registry

        if region:
            record = registry.Record(kind="region", id=region, valid_from="2020-01-01", value={"zh": "外省", "en": "elsewhere"})
            registry.add(record)
            registry.forget()

    def order(self, command: str, case_id: str, role: str, party: str, *, who: str = "p-1", command_id: str = "", **said: Any) -> Any:
        """Sends a command through the CommandInbox as a party does, lets it be carried out, and answers what it led to."""
        from haochaping.casework import envelope

        name = command_id or f"cmd-{next(_numbers)}"
        actor = {"person_ref": who, "role": role}
        data = {"command_id": name, "case_id": case_id, "command": command, "actor": actor, "at": _now().isoformat()}
        return self.send_order(envelope(data | said, party, name))

    def send_order(self, letter: Letter) -> Any:
        """Carries out a command as the CommandInbox hands it over, and answers what it led to."""
        from haochaping.casework import _answer
        from rectify.app import command

        record = sqs_record(letter, sent_at=_now(), signed_at=_now())
        assert command({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}
        return _answer(letter)

    def party(self, id: str, regions: list[str], role: str = "CHANNEL", **further: Any) -> None:
        """Registers a further party with this scope."""
        from cloud import registry

        value = {"role": role, "name": id, "name_en": id, "profile": "canonical", "regions": regions} | further
        registry.add(registry.Record(kind="party", id=id, valid_from="2020-01-01", value=value))
        provinces.ensure_signing_secret(f"party/{id}")

    def subscribe(
        self, id: str, target: str, *, regions: tuple[str, ...] = ("330000000000",), role: str = "CONSUMER", **asked: Any
    ) -> None:
        """Registers a party with this scope and its subscription, of the same name, with a secret."""
        from cloud import registry
        from notify import subscriptions
        from notify.subscription import Asked

        self.party(id, list(regions), role)
        registry.forget()
        provinces.ensure_signing_secret(f"subscription/{id}")
        subscriptions.add(Asked(id=id, target=target, **asked), id)
        subscriptions.forget()

    def policy(self, region: str = "330000000000", **rules: Any) -> None:
        """Puts further rules of a region into force."""
        from cloud import registry

        held = [record.value for record in registry.records("policy", region)]
        value = (held[-1] if held else {}) | rules
        registry.add(registry.Record(kind="policy", id=region, valid_from=f"2026-01-{len(held) + 1:02}", value=value))
        registry.forget()

    def decide(self, *events: Any) -> list[str]:
        """Puts what rectify decided on the bus and lets intake note it; the ids of what goes back to the queue."""
        from cloud import bus
        from intake.app import annotate

        bus.publish(events)
        answer = annotate({"Records": self.messages("LedgerInbox")}, CONTEXT)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def sweep(self) -> dict[str, int]:
        """Comes back to everything in Waiting whose time is over."""
        from intake.app import sweep

        return sweep({}, CONTEXT)

    def rotate(self, owner: str, *, forget: bool = True) -> None:
        """Gives a party a new secret; the old one stays as the previous one. The services may not have heard of it."""
        from cloud import secrets

        name = secrets.signing_secret_name(owner)
        held = json.loads(self.secrets.get_secret_value(SecretId=name)["SecretString"])
        fresh = {"current": NEW_SECRET, "previous": held["current"]}
        self.secrets.put_secret_value(SecretId=name, SecretString=json.dumps(fresh))
        if forget:
            secrets.forget()

    @contextmanager
    def failing(self, operation: str, when: Callable[[Any], bool] = lambda _: True) -> Iterator[None]:
        """Lets DynamoDB fail at an operation, as it does when the network is down."""
        from cloud.clients import dynamodb

        def fail(request: Any, **_: Any) -> None:
            if when(request):
                raise ConnectionResetError(operation)

        with self.hooked(dynamodb(), f"before-send.dynamodb.{operation}", fail):
            yield

    @contextmanager
    def sent_at(self, moment: datetime) -> Iterator[None]:
        """Lets SQS say that its messages were first sent at that moment."""
        from cloud.clients import sqs

        def stamp(parsed: dict[str, Any], **_: Any) -> None:
            for message in parsed.get("Messages", []):
                message["Attributes"]["SentTimestamp"] = str(int(moment.timestamp() * 1000))

        with self.hooked(sqs(), "after-call.sqs.ReceiveMessage", stamp):
            yield

    @contextmanager
    def hooked(self, client: Any, event: str, hook: Callable[..., Any]) -> Iterator[None]:
        """Puts a hook into one of the services' clients for a while."""
        client.meta.events.register_first(event, hook)
        try:
            yield
        finally:
            client.meta.events.unregister(event, hook)

    # ------------------------------------------------------------------ streams and queues between the services

    def stream(self, table: str) -> list[dict[str, Any]]:
        """What the table's stream holds since it was last read here."""
        arn = self.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        shards = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        records = []
        for shard in shards:
            iterator = self.streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
            records += self.streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        seen = self.read.get(table, 0)
        self.read[table] = len(records)
        return [lambda_record(record, table) for record in records[seen:]]

    def messages(self, queue: str, *, attributes: bool = False) -> list[dict[str, Any]]:
        """Takes every message out of a queue, as a function gets them."""
        url, taken = self.queues[queue], []
        wanted = {"QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        while got := self.sqs.receive_message(**wanted).get("Messages"):
            for message in got:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                held = message.get("MessageAttributes", {}) if attributes else {}
                taken.append(
                    {
                        "messageId": message["MessageId"],
                        "body": message["Body"],
                        "attributes": message["Attributes"],
                        "messageAttributes": {name: {"stringValue": value["StringValue"]} for name, value in held.items()},
                        "eventSource": "aws:sqs",
                    }
                )
        return taken

    def flow(self) -> None:
        """Lets everything that was written run its way: streams to the bus and the counts, queues to cases, feed and deliveries."""
        from intake import app as intake
        from notify import app as notify
        from rectify import app as rectify
        from scoring import app as scoring

        ledger = self.stream("LedgerTable")
        if ledger:
            intake.relay({"Records": ledger, "shardId": "shardId-1"}, CONTEXT)
        if entries := [record for record in ledger if is_counted(record)]:
            scoring.count({"Records": entries, "shardId": "shardId-1"}, CONTEXT)
        if refused := self.stream("QuarantineTable"):
            intake.announce({"Records": refused}, CONTEXT)
        if commands := self.messages("RectifyInbox"):
            assert rectify.handle({"Records": commands}, CONTEXT) == {"batchItemFailures": []}
        if ordered := self.messages("CommandInbox", attributes=True):
            assert rectify.command({"Records": ordered}, CONTEXT) == {"batchItemFailures": []}
        cases = self.stream("CasesTable")
        if history := [record for record in cases if key_begins(record, "H#")]:
            scoring.count({"Records": history, "shardId": "shardId-1"}, CONTEXT)
        if told := [record for record in cases if key_begins(record, "H#", "C#")]:
            rectify.relay({"Records": told, "shardId": "shardId-1"}, CONTEXT)
        if events := self.messages("NotifyInbox"):
            assert notify.dispatch({"Records": events}, CONTEXT) == {"batchItemFailures": []}
        if decisions := self.messages("LedgerInbox"):
            assert intake.annotate({"Records": decisions}, CONTEXT) == {"batchItemFailures": []}

    def history(self) -> list[dict[str, Any]]:
        """The new history entries in the stream of Cases, as the mapping's filter lets them through."""
        return [record for record in self.stream("CasesTable") if key_begins(record, "H#")]

    # ------------------------------------------------------------------ what is stored

    def items(self, table: str, prefix: str = "") -> list[dict[str, Any]]:
        """Every item of a table whose sort key begins like this."""
        from cloud.table import unmarshal

        found = [unmarshal(item) for page in self.dynamodb.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
        return [item for item in found if str(item.get("sk", "")).startswith(prefix)]

    def tables(self) -> list[str]:
        """The name of every table."""
        return list(resources("AWS::DynamoDB::Table"))

    def told(self, type: str = "") -> list[dict[str, Any]]:
        """The events in the feed, the oldest first; of one type, what they say."""
        from notify import feed

        found = sorted((event for event in feed.everything()), key=lambda event: event["time"])
        return [event["data"] for event in found if event["type"] == f"{type}.v1"] if type else found

    def segments(self) -> str:
        """Everything in the raw segments."""
        keys = [found["Key"] for found in self.s3.list_objects_v2(Bucket="segments").get("Contents", [])]
        return "".join(gzip.decompress(self.s3.get_object(Bucket="segments", Key=key)["Body"].read()).decode() for key in keys)

    def count(self, node: str, counter: str = "") -> int:
        """How many ratings a node has counted, whenever they were given; or what one of its counters holds."""
        from scoring import scores
        from scoring.nodes import Node

        held = scores.counts(Node.of(node), ALWAYS)
        return held[counter] if counter else scores.ratings_in(held)

    def codes(self) -> list[str]:
        """The refusal codes in Quarantine."""
        return sorted(reason["code"] for item in self.items("QuarantineTable") for reason in item.get("reasons", []))


def key_begins(record: dict[str, Any], *prefixes: str) -> bool:
    """Whether the filter of a mapping lets a record through."""
    return str(record["dynamodb"]["Keys"]["sk"]["S"]).startswith(prefixes)


def is_counted(record: dict[str, Any]) -> bool:
    """The filter of scoring's mapping of the Ledger, as the template has it."""
    mapped = resources("AWS::Serverless::Function")["ScoringCount"]["Properties"]["Events"]["Ledger"]["Properties"]
    wanted = json.loads(mapped["FilterCriteria"]["Filters"][0]["Pattern"])["dynamodb"]["Keys"]["sk"]["S"]
    return any(record["dynamodb"]["Keys"]["sk"]["S"].startswith(held["prefix"]) for held in wanted)


def ledger_records(bed: Bed) -> list[dict[str, Any]]:
    """What scoring is handed of the Ledger's stream since it was last read."""
    return [record for record in bed.stream("LedgerTable") if is_counted(record)]


_numbers = itertools.count(1)


def _now() -> datetime:
    from cloud import clock

    return clock.now()


def sqs_record(
    letter: Letter,
    *,
    sent_at: datetime | None = None,
    signed_at: datetime | None = None,
    signed_with: str = "current",
    proof_of: Letter | None = None,
    receive_count: int = 1,
    sender: str = "AROA",
    **attributes: str | None,
) -> dict[str, Any]:
    """A message as the Inbox hands it over; an attribute given as None is left out. It may be signed for another letter, or long ago."""
    from haochaping.sending import proof

    sent = sent_at or datetime.now(UTC)
    signed = proof(proof_of or letter, at=signed_at or datetime.now(UTC), which=signed_with)
    given = {name.replace("_", "-"): value for name, value in attributes.items()}
    values = {name: held["StringValue"] for name, held in signed.items()} | given
    return {
        "messageId": f"sqs-{next(_numbers)}",
        "receiptHandle": "handle",
        "body": letter.body,
        "attributes": {
            "SentTimestamp": str(int(sent.timestamp() * 1000)),
            "SenderId": sender,
            "ApproximateReceiveCount": str(receive_count),
        },
        "messageAttributes": {name: {"dataType": "String", "stringValue": value} for name, value in values.items() if value is not None},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws-cn:sqs:cn-north-1:123456789012:Inbox",
        "awsRegion": "cn-north-1",
    }


def lambda_record(record: dict[str, Any], table: str) -> dict[str, Any]:
    """A record of a stream as a function gets it."""
    change = dict(record["dynamodb"])
    created = change["ApproximateCreationDateTime"]
    change["ApproximateCreationDateTime"] = int(created.timestamp()) if isinstance(created, datetime) else int(created)
    image = change.get("NewImage", {})
    change["NewImage"] = {name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value for name, value in image.items()}
    arn = f"arn:aws-cn:dynamodb:cn-north-1:123456789012:table/{table}/stream/2026-01-01T00:00:00.000"
    return {"eventID": record["eventID"], "eventName": record["eventName"], "eventSourceARN": arn, "dynamodb": change}


def ago(**much: float) -> datetime:
    """A moment in the past, in UTC."""
    return datetime.now(UTC) - timedelta(**much)
