"""The template names things that exist, and nothing asynchronous can lose a message."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest

from cloud.settings import Settings
from contract.events import CONFIDENTIAL, EVENTS, TO_ONE
from haochaping.stack import variable_of
from template_file import ROOT, resources, template

FUNCTIONS = resources("AWS::Serverless::Function")
QUEUES = resources("AWS::SQS::Queue")
TABLES = resources("AWS::DynamoDB::Table")
RULES = resources("AWS::Events::Rule")
PSEUDO = {"AWS::NoValue", "AWS::StackName", "AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::URLSuffix"}
OWN_QUEUE_IS_THE_END = {"Undelivered", "SetAside"}


def references(node) -> set[str]:
    if isinstance(node, dict):
        found = set()
        for name, value in node.items():
            if name == "Ref":
                found.add(value)
            elif name == "Fn::GetAtt":
                found.add(value.split(".")[0] if isinstance(value, str) else value[0])
            elif name == "Fn::Sub":
                found |= {part.split(".")[0] for part in re.findall(r"\$\{([^}]+)\}", value)}
            elif name == "Fn::If":
                found |= {value[0]} | references(value[1:])
            else:
                found |= references(value)
        return found
    return set(chain.from_iterable(map(references, node))) if isinstance(node, list) else set()


def events_of(function: str) -> dict[str, dict]:
    return FUNCTIONS[function]["Properties"].get("Events", {})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_handler_exists(name):
    module, _, function = FUNCTIONS[name]["Properties"]["Handler"].rpartition(".")
    assert callable(getattr(import_module(module), function))


def test_every_reference_names_something():
    whole = template()
    known = whole["Resources"].keys() | whole["Parameters"].keys() | whole["Conditions"].keys() | PSEUDO
    assert references({key: whole[key] for key in ("Globals", "Resources", "Outputs", "Conditions")}) <= known


def test_every_routed_event_exists_and_its_source_is_the_one_that_the_code_names():
    for rule in RULES.values():
        pattern = rule["Properties"]["EventPattern"]
        for name in (name for name in pattern.get("detail-type", []) if isinstance(name, str)):
            assert EVENTS[name].source() in pattern["source"]
    everything = RULES["ResultEvents"]["Properties"]["EventPattern"]
    assert all(event.source().startswith(everything["source"][0]["prefix"]) for event in EVENTS.values())


def test_a_token_and_what_goes_past_the_unit_have_queues_of_their_own_and_go_neither_into_the_feed_nor_to_subscribers():
    carrying_a_token = {name for name, event in EVENTS.items() if "token" in event.model_fields}
    past_the_unit = [event.__name__ for event in CONFIDENTIAL]
    apart = {event.__name__ for event in TO_ONE}
    (left_out,) = RULES["ResultEvents"]["Properties"]["EventPattern"]["detail-type"]
    # An invitation comes to dispatch, which asks for the message and tells nobody else.
    assert set(left_out["anything-but"]) == apart - {"InvitationIssued"}
    assert carrying_a_token | set(past_the_unit) <= apart
    assert RULES["Confidential"]["Properties"]["EventPattern"]["detail-type"] == past_the_unit
    assert RULES["MessagesRequested"]["Properties"]["EventPattern"]["detail-type"] == ["MessageRequested"]


@pytest.mark.parametrize("name", [queue for queue in QUEUES if not queue.endswith("DeadLetters") and queue not in OWN_QUEUE_IS_THE_END])
def test_a_queue_has_a_dead_letter_queue(name):
    target = QUEUES[name]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
    assert target.split(".")[0] in QUEUES


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_asynchronous_edge_of_a_function_has_a_dead_letter_queue(name):
    for event in events_of(name).values():
        properties = event["Properties"]
        if event["Type"] == "DynamoDB":
            assert properties["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
        if event["Type"] == "Schedule":
            assert FUNCTIONS[name]["Properties"]["DeadLetterQueue"]["Type"] == "SQS"
            assert properties["DeadLetterConfig"]["Arn"]
        if event["Type"] == "SQS":
            assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_every_rule_target_has_a_dead_letter_queue_and_may_send_to_its_queue():
    policies = resources("AWS::SQS::QueuePolicy").values()
    from_bus = [policy["Properties"] for policy in policies if "events.amazonaws.com" in str(policy["Properties"]["PolicyDocument"])]
    allowed = references([properties["Queues"] for properties in from_bus])
    for rule in RULES.values():
        for target in rule["Properties"]["Targets"]:
            assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": "Undelivered.Arn"}
            assert references(target["Arn"]) <= allowed


def test_every_dead_letter_queue_and_every_stream_has_an_alarm():
    watched = {
        reference
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        for reference in references(alarm["Properties"].get("Dimensions", []))
    }
    dead = {name for name in QUEUES if name.endswith("DeadLetters")} | OWN_QUEUE_IS_THE_END
    streams = {name for name in FUNCTIONS for event in events_of(name).values() if event["Type"] == "DynamoDB"}
    assert dead | streams == watched


def test_streams_that_are_counted_by_lanes_name_their_shard():
    # Lambda passes the shard only with a tumbling window; more than one invocation per shard at a time would break its order.
    for name in ("ScoringCount", "IntakeRelay"):
        mapping = events_of(name)["Ledger"]["Properties"]
        assert (mapping["StartingPosition"], mapping["ParallelizationFactor"]) == ("TRIM_HORIZON", 1)
        assert mapping["TumblingWindowInSeconds"] > 0
        assert not {"MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError"} & mapping.keys()


def test_the_ledgers_stream_has_exactly_its_two_readers():
    readers = {
        name
        for name in FUNCTIONS
        for event in events_of(name).values()
        if "LedgerTable" in references(event["Properties"].get("Stream", {}))
    }
    assert readers == {"ScoringCount", "IntakeRelay"}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_encrypted_recoverable_and_outlives_its_stack(name):
    properties = TABLES[name]["Properties"]
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert TABLES[name]["DeletionPolicy"] == TABLES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_keeps_its_messages_for_fourteen_days(name):
    assert QUEUES[name]["Properties"]["SqsManagedSseEnabled"] is True
    assert QUEUES[name]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_settings_variables_and_outputs_have_the_same_names():
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    fields = {name.upper() for name in Settings.model_fields}
    # The runtime sets the endpoint; the number of threads is the code's own default; one function alone knows whom it asks.
    of_one = FUNCTIONS["NotifyReport"]["Properties"]["Environment"]["Variables"].keys()
    assert variables.keys() == fields - {"AWS_ENDPOINT_URL", "FLUSH_THREADS"} - of_one
    outputs = {variable_of(name): output["Value"] for name, output in template()["Outputs"].items()}
    assert {name: outputs[name] for name in variables} == variables


def test_the_requirements_are_those_of_the_lock():
    command = [str(Path(sys.executable).with_name("uv")), "export", "--frozen", "--no-dev", "--no-emit-project", "--quiet"]
    exported = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    committed = (ROOT / "services" / "requirements.txt").read_text("utf-8")

    def pins(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("#")]

    assert pins(committed) == pins(exported), "run `make requirements` and commit"


@pytest.mark.slow
def test_the_transformed_template_is_clean(tmp_path):
    """What SAM makes of the template is linted too: it finds what passes in the short form."""
    from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
    from samtranslator.translator.transform import transform

    class Policies(ManagedPolicyLoader):
        def __init__(self) -> None:
            super().__init__(None)

        def load(self) -> dict[str, str]:
            return {}

    source = json.loads(json.dumps(template()))
    source["Metadata"] = {}
    for function in resources("AWS::Serverless::Function"):
        source["Resources"][function]["Properties"]["CodeUri"] = {"Bucket": "bucket", "Key": "key"}
    source["Globals"]["Function"].pop("CodeUri")
    made = transform(source, {}, Policies())
    # The API calls the functions by itself: a partner who may call a route needs no right to invoke what is behind it.
    assert "credentials" not in json.dumps(made["Resources"]["Api"])
    transformed = tmp_path / "transformed.json"
    transformed.write_text(json.dumps(made))
    # W1028: SAM repeats the condition of a function inside the path that has it already.
    options = ["--ignore-checks", "W1028", "--regions", "cn-north-1", "--template", str(transformed)]
    command = [str(Path(sys.executable).with_name("cfn-lint")), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0
