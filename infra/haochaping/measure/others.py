"""Other ways of storing an entry and counting it, for comparison: each stores the same entry and adds the same to the same items."""

from __future__ import annotations

import warnings
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from cloud import clients
from cloud.table import marshal
from scoring.tally import shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.ledger import Counted
    from scoring.nodes import ScoreKey

    Take = Callable[[dict[str, Any], Counted], None]


def _put_and_update(item: dict[str, Any], entry: Counted) -> None:
    clients.dynamodb().put_item(TableName="ledger_table", Item=marshal(item))
    for update in _updates(entry):
        clients.dynamodb().update_item(**update)


def _transact(item: dict[str, Any], entry: Counted) -> None:
    put = {"TableName": "ledger_table", "Item": marshal(item), "ConditionExpression": "attribute_not_exists(pk)"}
    parts: list[Any] = [{"Put": put}, *({"Update": update} for update in _updates(entry))]
    clients.dynamodb().transact_write_items(TransactItems=parts)


def _idempotent() -> Take:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function

    def take(data: dict[str, Any]) -> dict[str, Any]:
        _put_and_update(data["item"], data["entry"])
        return {}

    warnings.filterwarnings("ignore", "Couldn't determine the remaining time left")
    layer = DynamoDBPersistenceLayer(table_name="idempotency_table", boto3_client=clients.dynamodb())
    config = IdempotencyConfig(event_key_jmespath="id")
    wrapped: Callable[..., Any] = idempotent_function(take, data_keyword_argument="data", persistence_store=layer, config=config)

    def once(item: dict[str, Any], entry: Counted) -> None:
        wrapped(data={"id": f"{item['pk']}/{item['sk']}", "item": item, "entry": entry})

    return once


def _updates(entry: Counted) -> list[Any]:
    """One update per item that the entry touches."""
    touched: defaultdict[ScoreKey, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for share in shares(entry):
        touched[share.key][share.counter] += share.amount
    return [
        {
            "TableName": "scores_table",
            "Key": marshal(key._asdict()),
            "UpdateExpression": "ADD " + ", ".join(f"#{n} :{n}" for n in range(len(amounts))),
            "ExpressionAttributeNames": {f"#{n}": counter for n, counter in enumerate(amounts)},
            "ExpressionAttributeValues": marshal({f":{n}": amount for n, amount in enumerate(amounts.values())}),
        }
        for key, amounts in touched.items()
    ]


# The first counts a redelivered entry twice, the others do not. Each is made anew for the client of the moment.
WAYS: dict[str, Callable[[], Take]] = {
    "一写一更新 naive: put, update per node": lambda: _put_and_update,
    "一写一更新＋Powertools Idempotency": _idempotent,
    "每条一事务 transaction per rating": lambda: _transact,
}
