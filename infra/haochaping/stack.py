"""Which stack a command works on: the same code against the local stack and against AWS.

HAOCHAPING_STACK names a stack of the AWS account (AWS_ENDPOINT_URL, profile and region as for any AWS tool). Without it the commands
use the local stack of `haochaping local up`.
"""

from __future__ import annotations

import os
import re

import boto3

from cloud import clients, registry
from cloud import secrets as cloud_secrets
from cloud.settings import Settings, settings
from haochaping import local
from intake import vault

_NO_STACK = (
    "没有运行中的本地栈；运行 `haochaping local up`，或设置 HAOCHAPING_STACK\n"
    "No local stack is running: run `haochaping local up`, or set HAOCHAPING_STACK"
)


class NoStack(Exception):
    """There is no stack to work on."""


def connect() -> Settings:
    """Reads the outputs of the stack and hands them to the services' own code. Raises NoStack."""
    if name := os.environ.get("HAOCHAPING_STACK"):
        return _connect(name)
    running = local.running()
    if running is None:
        raise NoStack(_NO_STACK)
    return connect_to(running)


def connect_to(running: local.LocalStack) -> Settings:
    """The same for this very local stack, whatever the environment says: what starts a stack must never work on another one."""
    os.environ.update(running.environment())
    return _connect(running.stack)


def _connect(name: str) -> Settings:
    os.environ.update({variable_of(key): value for key, value in _outputs(name).items()})
    forget()
    return settings()


def output(key: str) -> str:
    """An output of the connected stack."""
    return os.environ[variable_of(key)]


def forget() -> None:
    """Drops everything that was read from an earlier stack."""
    settings.cache_clear()
    for client in (clients.dynamodb, clients.sqs, clients.events, clients.s3, clients.secretsmanager, clients.kms, clients.lambda_):
        client.cache_clear()
    registry.forget()
    cloud_secrets.forget()
    vault.forget()


def variable_of(output: str) -> str:
    """The environment variable of a stack output: LedgerTable is LEDGER_TABLE."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", output).upper()


def _outputs(name: str) -> dict[str, str]:
    client = boto3.client("cloudformation")
    try:
        described = client.describe_stacks(StackName=name)["Stacks"]
    except client.exceptions.ClientError as error:
        raise NoStack(f"{name}: {error.response['Error']['Message']}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in described[0].get("Outputs", [])}
