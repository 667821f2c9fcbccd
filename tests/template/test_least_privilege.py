"""Each function may do what it does and nothing more; the Ledger is insert-only for every role."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from template_file import resources

FUNCTIONS = resources("AWS::Serverless::Function")


def statements(function: str, effect: str = "Allow") -> list[dict]:
    found = []
    for policy in FUNCTIONS[function]["Properties"].get("Policies", []):
        held = policy["Statement"]
        found += held if isinstance(held, list) else [held]
    return [statement for statement in found if statement["Effect"] == effect]


def actions(statement: dict) -> list[str]:
    return statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]


def allowed_on(resource: str) -> dict[str, set[str]]:
    """Function -> actions that it may do on a resource."""
    return {
        function: {
            action
            for statement in statements(function)
            if re.search(rf"\b{resource}\b", str(statement["Resource"]))
            for action in actions(statement)
        }
        for function in FUNCTIONS
    }


def test_no_role_may_change_or_remove_an_entry_of_the_ledger():
    granted = set().union(*allowed_on("LedgerTable").values())
    reads = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Scan"}
    assert granted == reads | {"dynamodb:PutItem", "dynamodb:ConditionCheckItem"}


def test_only_what_reveals_may_decrypt_an_identity_and_the_key_itself_says_so():
    decrypting = {function for function, granted in allowed_on("VaultKey").items() if "kms:Decrypt" in granted}
    assert decrypting == {"IntakeReveal", "IntakeRevealUpward"}
    denied = [
        statement
        for statement in resources("AWS::KMS::Key")["VaultKey"]["Properties"]["KeyPolicy"]["Statement"]
        if statement["Effect"] == "Deny"
    ]
    assert "kms:Decrypt" in denied[0]["Action"]
    assert all("-IntakeReveal*" in arn["Fn::Sub"] for arn in denied[0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"])


def test_only_the_operator_resubmits():
    assert not any("sqs:SendMessage" in granted for granted in allowed_on("Resubmit").values())
    (statement,) = resources("AWS::SQS::QueuePolicy")["OperatorMaySend"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "sqs:SendMessage")
    assert "OperatorRoleArn" in str(statement["Condition"])


def test_each_table_has_one_writer():
    writes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    for table in resources("AWS::DynamoDB::Table"):
        services = {function[:6] for function, granted in allowed_on(table).items() if granted & writes}
        assert len(services) <= 1, table


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_names_its_resources_and_no_action_is_a_wildcard_over_a_service(name):
    for statement in statements(name):
        assert statement["Resource"] != "*"
        assert all(action in {"sqs:SendMessage*"} or "*" not in action for action in actions(statement))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reads_no_other_queue_or_stream_than_its_own(name):
    """What SAM attaches to a function with a queue or stream names no resource, so everything but its own is denied."""
    sources = {"SQS": ("Queue", "sqs:ReceiveMessage"), "DynamoDB": ("Stream", "dynamodb:GetRecords")}
    events = FUNCTIONS[name]["Properties"].get("Events", {}).values()
    for kind, (source, action) in sources.items():
        read = [event["Properties"][source] for event in events if event["Type"] == kind]
        if read:
            (own,) = (denied["NotResource"] for denied in statements(name, "Deny") if action in actions(denied))
            assert (own if isinstance(own, list) else [own]) == read


def test_only_what_checks_a_partys_proof_reads_its_secret_and_only_notify_those_of_subscribers():
    readers = {
        function: str(
            [statement["Resource"] for statement in statements(function) if "secretsmanager:GetSecretValue" in actions(statement)]
        )
        for function in FUNCTIONS
    }
    assert {function for function, held in readers.items() if "/party/" in held} == {
        "IntakeAccept",
        "IntakeResubmit",
        "IntakeSweep",
        "IntakeGateway",
        "IntakeSignedGateway",
        "RectifyCommand",
        "RectifyGateway",
        "RectifySignedGateway",
    }
    assert {function for function, held in readers.items() if "/subscription/" in held} == {"NotifyDeliver", "NotifyGateway"}
    assert {function for function, held in readers.items() if "/upstream/" in held} == {"NotifyReport"}


def test_only_what_reports_to_the_level_above_asks_for_what_it_demands_of_persons():
    assert {function for function, granted in allowed_on("IntakeRevealUpward").items() if granted} == {"NotifyReport"}


SCHEDULED = [
    name
    for name, function in FUNCTIONS.items()
    if any(event["Type"] == "Schedule" for event in function["Properties"].get("Events", {}).values())
]


@pytest.mark.parametrize("name", SCHEDULED)
def test_what_a_scheduled_run_could_not_do_may_be_put_where_it_alarms(name):
    """Both by the rule that could not call the function, and by the function whose run failed."""
    allow, deny = resources("AWS::SQS::QueuePolicy")["BusMaySend"]["Properties"]["PolicyDocument"]["Statement"]
    rules = [arn["Fn::Sub"].rpartition("${AWS::StackName}-")[2] for arn in allow["Condition"]["ArnLike"]["aws:SourceArn"]]
    roles = [
        arn["Fn::Sub"].rpartition("${AWS::StackName}-")[2]
        for arn in deny["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
        if "Fn::Sub" in arn
    ]
    assert any(fnmatchcase(name, pattern) for pattern in rules)
    assert any(fnmatchcase(name, pattern) for pattern in roles)
