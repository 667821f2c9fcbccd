"""AWS clients, each made on first use: a client costs some 70 ms, and most functions need one or two."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# The pool is as wide as scoring's threads; standard retries cover throttling, and a queue or stream covers the rest.
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, max_pool_connections=16, connect_timeout=2, read_timeout=10)
# A function may take its time, and is not asked again because of it: whose identity it reads is recorded each time.
_INVOKING = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=2, read_timeout=150)


@cache
def dynamodb() -> DynamoDBClient:
    """The DynamoDB client."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def sqs() -> SQSClient:
    """The SQS client."""
    return boto3.client("sqs", config=_CONFIG)


@cache
def events() -> EventBridgeClient:
    """The EventBridge client."""
    return boto3.client("events", config=_CONFIG)


@cache
def s3() -> S3Client:
    """The S3 client."""
    # Outside China an address for the taking would still be signed in the old way.
    return boto3.client("s3", config=_CONFIG.merge(Config(signature_version="s3v4")))


@cache
def secretsmanager() -> SecretsManagerClient:
    """The Secrets Manager client."""
    return boto3.client("secretsmanager", config=_CONFIG)


@cache
def kms() -> KMSClient:
    """The KMS client."""
    return boto3.client("kms", config=_CONFIG)


@cache
def lambda_() -> LambdaClient:
    """The Lambda client: for the command line, and for what one function alone may ask of another."""
    return boto3.client("lambda", config=_INVOKING)
