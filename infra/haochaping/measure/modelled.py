"""A stack in the model of AWS: what the handlers see in the benchmark and in the tests of crashes and orders."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloud import clients, registry
from cloud.settings import Settings
from haochaping import provinces, stack
from haochaping.measure.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

_VAULT_KEY = "arn:aws-cn:kms:cn-north-1:123456789012:key/model"


def pretend_an_account() -> None:
    """Puts into the environment what a client asks for before it sends anything; nothing is ever sent."""
    os.environ.update({"AWS_ACCESS_KEY_ID": "model", "AWS_SECRET_ACCESS_KEY": "model", "AWS_DEFAULT_REGION": "cn-north-1"})
    os.environ["POWERTOOLS_LOG_LEVEL"] = "WARNING"
    os.environ.pop("AWS_ENDPOINT_URL", None)


@contextmanager
def modelled() -> Iterator[Model]:
    """A fresh model behind fresh clients, with the registries of Zhejiang loaded; tables and queues are named like their settings."""
    names = {name.upper(): name for name, field in Settings.model_fields.items() if field.is_required()}
    os.environ.update(names | {"PROVINCE_CODE": "33", "FLUSH_THREADS": "1", "VAULT_KEY_ARN": _VAULT_KEY})
    stack.forget()
    model = Model()
    model.attach(clients.dynamodb(), clients.sqs(), clients.s3(), clients.events(), clients.secretsmanager(), clients.kms())
    for record in provinces.read("zhejiang").records():
        registry.add(record)
    try:
        yield model
    finally:
        stack.forget()
