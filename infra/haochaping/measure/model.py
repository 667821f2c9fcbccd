"""A small model of AWS behind the real clients: tables that know conditions and sparse indexes, queues, and a count of calls and units.

It hooks into botocore before anything is sent, so that what is measured is our code with its real client, and what is counted is what
would go over the wire. Units are our own arithmetic (item sizes by DynamoDB's rules, rounded up to 1 KB and 4 KB), since emulators
misreport them. Only what our handlers use is modelled; anything else raises.
"""

from __future__ import annotations

import base64
import io
import json
import math
import os
import re
import time
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.awsrequest import AWSResponse, HeadersDict

from cloud.table import marshal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from botocore.awsrequest import AWSPreparedRequest

Wire = dict[str, Any]
Key = tuple[str, str]

_LAST = "\U0010ffff"  # behind every text
_PARTS = 100  # of a transaction
_PAGE, _LONGEST = 1024 * 1024, 10**9


class Unmodelled(Exception):
    """A call, or an expression, that the model does not know."""


class Refusal(Exception):
    """An error answer, by its DynamoDB type."""

    def __init__(self, kind: str, **fields: Any) -> None:
        super().__init__(kind)
        self.answer = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": kind, **fields}


class Index(NamedTuple):
    """A sparse index as the template has it: what it is ordered by within what, and what it holds beside the keys (None: everything)."""

    of: str
    by: str
    further: tuple[str, ...] | None = ()


_DUE = Index("due_shard", "due_at")
_WHOLE = {"due": _DUE._replace(further=None)}
INDEXES: dict[str, dict[str, Index]] = {
    "waiting_table": {"due": _DUE},
    "cases_table": {
        "due": _DUE._replace(further=("steps",)),
        "unit": Index("unit", "unit_at", ("summary",)),
        "watch": Index("watch", "watch_at", ("summary",)),
    },
    "deliveries_table": _WHOLE,
    "reports_table": _WHOLE,
}


class Sparse:
    """The items that have the keys of an index, in its order."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._order: defaultdict[str, list[tuple[str, Key]]] = defaultdict(list)

    def projected(self, item: Wire | None) -> Wire:
        """What the index holds of an item; nothing of one that lacks its keys."""
        of, by, further = self.index
        if not (item and of in item and by in item):
            return {}
        return item if further is None else {name: item[name] for name in (of, by, "pk", "sk", *further) if name in item}

    def units(self, before: Wire, after: Wire) -> int:
        """What it takes to follow: nothing where nothing of it changed, a write at the old place and at the new one where it moved."""
        if before == after:
            return 0
        sizes = [math.ceil(size_of(held) / 1024) for held in (before, after) if held]
        return sum(sizes) if before and after and self._place(before) != self._place(after) else max(sizes)

    def move(self, before: Wire, after: Wire) -> None:
        """Takes an item from its old place to its new one."""
        if before:
            of, place = self._place(before)
            held = self._order[of]
            del held[bisect_left(held, place)]
        if after:
            of, place = self._place(after)
            insort(self._order[of], place)

    def between(self, of: str, first: str, last: str) -> Iterator[Key]:
        """The keys of its items from one place to another."""
        held = self._order.get(of, [])
        ends = bisect_left(held, (first, ("", ""))), bisect_right(held, (last, (_LAST, _LAST)))
        return (key for _, key in held[slice(*ends)])

    def _place(self, held: Wire) -> tuple[str, tuple[str, Key]]:
        return held[self.index.of]["S"], (held[self.index.by]["S"], _key(held))


class Table(dict[Key, Wire]):
    """Items by (pk, sk), with the sort keys of each partition in order: a query costs what it finds, not what the table holds."""

    def __init__(self, indexes: Mapping[str, Index]) -> None:
        super().__init__()
        self._order: dict[str, list[str]] = {}
        self.indexes = {name: Sparse(index) for name, index in indexes.items()}

    def __setitem__(self, key: Key, item: Wire) -> None:
        self._follow(self.get(key), item)
        held = self._order.setdefault(key[0], [])
        at = bisect_left(held, key[1])
        if held[at : at + 1] != [key[1]]:
            held.insert(at, key[1])
        super().__setitem__(key, item)

    def __delitem__(self, key: Key) -> None:
        self._follow(self[key], None)
        super().__delitem__(key)

    def _follow(self, before: Wire | None, after: Wire | None) -> None:
        for index in self.indexes.values():
            index.move(index.projected(before), index.projected(after))

    def partition(self, pk: str, first: str = "", last: str = _LAST) -> list[Wire]:
        """The items of a partition from one sort key to another, in order."""
        held = self._order.get(pk, [])
        keys = [(pk, sk) for sk in held[bisect_left(held, first) : bisect_right(held, last)]]
        return [self[key] for key in keys if key in self]  # what was taken out is still in the order

    def listed(self, name: str, of: str, first: str, last: str) -> list[Wire]:
        """What an index holds of the items from one place to another, in order."""
        index = self.indexes[name]
        return [index.projected(self[key]) for key in index.between(of, first, last)]

    def units(self, before: Wire | None, after: Wire | None) -> int:
        """What a change of an item costs in the indexes, each for itself."""
        return sum(index.units(index.projected(before), index.projected(after)) for index in self.indexes.values())


class Tables(dict[str, Table]):
    """Tables by name; one that nobody has written to is empty."""

    def __missing__(self, name: str) -> Table:
        self[name] = {}
        return self[name]

    def __setitem__(self, name: str, items: dict[Key, Wire]) -> None:
        table = Table(INDEXES.get(name, {}))
        for key, item in items.items():
            table[key] = item
        super().__setitem__(name, table)


class Write(NamedTuple):
    """A write, whether or not its condition held: to which item, and the units it took."""

    table: str
    key: Key
    units: int


class Model:
    """Tables by name, each with its items by (pk, sk), and everything that was counted."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.inserted: list[tuple[str, Wire]] = []
        self.queues: defaultdict[str, list[str]] = defaultdict(list)
        self.calls: Counter[str] = Counter()
        self.sent: list[tuple[str, bytes]] = []
        self.writes: Counter[str] = Counter()
        self.write_units = 0
        self.index_units = 0  # of the write units those of the indexes
        self.read_units = 0.0
        self.seconds = 0.0
        # Called with the operation before and after it takes effect; raising there is a crash or a lost answer.
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None
        # Called with every write.
        self.wrote: Callable[[Write], None] = lambda _: None

    def stream(self, table: str) -> list[Wire]:
        """The table's inserts as its stream hands them to a function."""
        arn = f"arn:aws-cn:dynamodb:cn-north-1:123456789012:table/{table}/stream/1"
        items = [item for name, item in self.inserted if name == table]
        return [
            {
                "eventName": "INSERT",
                "eventSourceARN": arn,
                "dynamodb": {
                    "Keys": {name: item[name] for name in ("pk", "sk")},
                    "NewImage": item,
                    "SequenceNumber": str(10**20 + n),
                    "ApproximateCreationDateTime": int(time.time()),
                },
            }
            for n, item in enumerate(items)
        ]

    def attach(self, *clients: Any) -> None:
        """Puts the model behind these clients."""
        for client in clients:
            client.meta.events.register("before-send", self._answer)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        started = time.process_time()
        target = request.headers.get("X-Amz-Target", b"")
        name = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2] or str(request.method)
        body = _body(request)
        self.sent.append((name, body))
        self.calls[name] += 1
        self.before(name)
        status, answer = 200, {}
        try:
            answer = self._operation(name, body.decode("utf-8", "replace"))
        except Refusal as refused:
            status, answer = 400, refused.answer
        self.after(name)
        self.seconds += time.process_time() - started
        return _response(str(request.url), status, answer)

    def _operation(self, name: str, body: str) -> Wire:
        operation = getattr(self, f"_{name.lower()}", None)
        if operation is None:
            raise Unmodelled(name)
        answer: Wire = operation(json.loads(body) if body.startswith("{") else {})
        return answer

    # ------------------------------------------------------------------ DynamoDB

    def _putitem(self, request: Wire) -> Wire:
        item = request["Item"]
        old = self._table(request).get(_key(item))
        self._write(request, old, item)
        self._check(request, old)
        self._store(request, old, item)
        return {}

    def _updateitem(self, request: Wire) -> Wire:
        old = self._table(request).get(_key(request["Key"]))
        new = _updated(old or dict(request["Key"]), request)
        self._write(request, old, new)
        self._check(request, old)
        self._store(request, old, new)
        return {"Attributes": new} if request.get("ReturnValues") == "ALL_NEW" else {}

    def _deleteitem(self, request: Wire) -> Wire:
        old = self._table(request).get(_key(request["Key"]))
        self._write(request, old, old or {})
        self._check(request, old)
        self._store(request, old, None)
        return {}

    def _transactwriteitems(self, request: Wire) -> Wire:
        parts = [part for each in request["TransactItems"] for part in each.values()]
        keys = [_key(part.get("Item") or part["Key"]) for part in parts]
        if len(parts) > _PARTS or len({(part["TableName"], key) for part, key in zip(parts, keys, strict=True)}) < len(parts):
            raise Refusal("ValidationException")
        olds = [self._table(part).get(key) for part, key in zip(parts, keys, strict=True)]
        news = [
            _updated(old or dict(part["Key"]), part) if "UpdateExpression" in part else part.get("Item")
            for part, old in zip(parts, olds, strict=True)
        ]
        for part, old, new in zip(parts, olds, news, strict=True):
            self._write(part, old, new or {}, times=2)
        holds = [
            not part.get("ConditionExpression") or _Condition(part["ConditionExpression"], part, old or {}).holds()
            for part, old in zip(parts, olds, strict=True)
        ]
        if not all(holds):
            reasons = [
                {"Code": "None"} if held else {"Code": "ConditionalCheckFailed", **({"Item": old} if old else {})}
                for held, old in zip(holds, olds, strict=True)
            ]
            raise Refusal("TransactionCanceledException", CancellationReasons=reasons)
        for part, old, new in zip(parts, olds, news, strict=True):
            if new is not None:
                self._store(part, old, new)
        return {}

    def _batchwriteitem(self, request: Wire) -> Wire:
        for table, wanted in request["RequestItems"].items():
            for each in wanted:
                if "PutRequest" in each:
                    self._putitem({"TableName": table, "Item": each["PutRequest"]["Item"]})
                else:
                    self._deleteitem({"TableName": table, "Key": each["DeleteRequest"]["Key"]})
        return {"UnprocessedItems": {}}

    def _getitem(self, request: Wire) -> Wire:
        item = self._table(request).get(_key(request["Key"]))
        self._read([item] if item else [], request)
        return {"Item": item} if item else {}

    def _batchgetitem(self, request: Wire) -> Wire:
        found: dict[str, list[Wire]] = {}
        for name, wanted in request["RequestItems"].items():
            table = self.tables[name]
            found[name] = [table[key] for key in map(_key, wanted["Keys"]) if key in table]
            for key in map(_key, wanted["Keys"]):
                self._read([table[key]] if key in table else [], wanted)
        return {"Responses": found, "UnprocessedKeys": {}}

    def _query(self, request: Wire) -> Wire:
        table, name, asked = self._table(request), request.get("IndexName"), _range_of(request)
        if name is None:
            return self._page(table.partition(*asked), request)
        if request.get("ConsistentRead"):
            raise Unmodelled("a consistent read of an index")
        return self._page(table.listed(name, *asked), request, table.indexes[name].index)

    def _scan(self, request: Wire) -> Wire:
        return self._page(list(self._table(request).values()), request)

    def _page(self, found: list[Wire], request: Wire, index: Index | None = None) -> Wire:
        """As many of the items as an answer holds, after those of the answers before, and where to go on if it is full."""
        keys = ("pk", "sk", *(index[:2] if index else ()))
        if start := request.get("ExclusiveStartKey"):
            by = index.by if index else "sk"
            found = [item for item in found if _place(item, by) > _place(start, by)]
        items: list[Wire] = []
        size, limit = 0, request.get("Limit", _LONGEST)
        while len(items) < min(len(found), limit) and size < _PAGE:
            items.append(found[len(items)])
            size += size_of(items[-1])
        self._read(items, request)
        is_full = len(items) < len(found) or len(items) == limit
        last = {"LastEvaluatedKey": {name: items[-1][name] for name in keys}} if is_full and items else {}
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)} | last

    def _table(self, request: Wire) -> Table:
        return self.tables[request["TableName"]]

    def _check(self, request: Wire, old: Wire | None) -> None:
        condition = request.get("ConditionExpression")
        if condition and not _Condition(condition, request, old or {}).holds():
            returned = {"Item": old} if old and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" else {}
            raise Refusal("ConditionalCheckFailedException", **returned)

    def _write(self, request: Wire, old: Wire | None, new: Wire, times: int = 1) -> None:
        # A write whose condition fails costs the same; one in a transaction twice as much.
        units = times * max(math.ceil(size / 1024) for size in (size_of(old or {}), size_of(new), 1))
        self.writes[request["TableName"]] += 1
        self.write_units += units
        self.wrote(Write(request["TableName"], _key(new or old or request["Key"]), units))

    def _store(self, request: Wire, old: Wire | None, new: Wire | None) -> None:
        """What a write leaves behind: in the table, in its indexes, which follow it one by one, and in its stream."""
        table = self._table(request)
        units = table.units(old, new)
        self.index_units += units
        self.write_units += units
        if new is not None:
            table[_key(new)] = new
        elif old is not None:
            del table[_key(old)]
        if old is None and "Item" in request:
            self.inserted.append((request["TableName"], request["Item"]))

    def _read(self, items: list[Wire], request: Wire) -> None:
        units = max(math.ceil(sum(map(size_of, items)) / 4096), 1)
        self.read_units += units if request.get("ConsistentRead") else units / 2

    # ------------------------------------------------------------------ queues, which keep what they are sent

    def _sendmessage(self, request: Wire) -> Wire:
        self.queues[request["QueueUrl"]].append(request["MessageBody"])
        return {"MessageId": "1"}

    def _sendmessagebatch(self, request: Wire) -> Wire:
        self.queues[request["QueueUrl"]] += [entry["MessageBody"] for entry in request["Entries"]]
        return {"Successful": [{"Id": entry["Id"], "MessageId": "1"} for entry in request["Entries"]]}

    # ------------------------------------------------------------------ the others: taken, nothing more

    def _put(self, _: Wire) -> Wire:
        return {}

    def _putevents(self, request: Wire) -> Wire:
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}

    def _generatedatakey(self, request: Wire) -> Wire:
        key = base64.b64encode(os.urandom(request["NumberOfBytes"])).decode()
        # As long as what KMS answers.
        return {"KeyId": request["KeyId"], "Plaintext": key, "CiphertextBlob": base64.b64encode(bytes(184)).decode()}

    def _getsecretvalue(self, request: Wire) -> Wire:
        owner = request["SecretId"]
        secret = json.dumps({"current": "whsec_c2VjcmV0", "previous": None}) if "/" in owner else "model-secret"
        return {"Name": owner, "SecretString": secret}


def _body(request: AWSPreparedRequest) -> bytes:
    held: Any = request.body or b""
    if hasattr(held, "read"):
        held.seek(0)
        held = held.read()
    return held.encode() if isinstance(held, str) else bytes(held)


def on_wire(item: Mapping[str, Any]) -> Wire:
    """Plain values as they go over the wire: binaries are base64 text. Numbers and texts do without boto3's serializer, which is slow."""
    return {name: _wired(value) for name, value in item.items()}


def _wired(value: Any) -> Wire:
    if type(value) is int:
        return {"N": str(value)}
    if type(value) is bytes:
        return {"B": base64.b64encode(value).decode()}
    wired: Wire = {"S": value} if type(value) is str else marshal({"": value})[""]
    return wired


def size_of(item: Wire) -> int:
    """The size of an item in bytes, by DynamoDB's rules: names and values in UTF-8, three bytes and one per member for a list or map."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Wire) -> int:
    ((kind, held),) = value.items()
    if kind == "S":
        return len(held.encode())
    if kind == "N":
        return math.ceil(len(held.lstrip("-").replace(".", "")) / 2) + 1
    if kind == "B":
        padding: int = held[-2:].count("=")
        return len(held) // 4 * 3 - padding
    if kind == "L":
        return 3 + sum(1 + _value_size(part) for part in held)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_size(part) for name, part in held.items())
    return 1


def _key(item: Wire) -> Key:
    return item["pk"]["S"] if "pk" in item else item["id"]["S"], item.get("sk", {}).get("S", "")


def _place(item: Wire, by: str) -> tuple[str, Key]:
    return item[by]["S"], _key(item)


def _range_of(request: Wire) -> tuple[str, str, str]:
    """What a key condition asks for: the partition, and from where to where."""
    of, _, rest = request["KeyConditionExpression"].partition(" AND ")
    values = {name: value["S"] for name, value in request["ExpressionAttributeValues"].items()}
    partition, ends = values[of.rpartition(" ")[2]], [values[name] for name in re.findall(r":\w+", rest)]
    if not rest:
        return partition, "", _LAST
    if rest.startswith("begins_with("):
        return partition, ends[0], ends[0] + _LAST
    if " BETWEEN " in rest:
        return partition, ends[0], ends[1]
    if " <= " in rest:
        return partition, "", ends[0]
    raise Unmodelled(f"key condition: {rest}")


def _updated(old: Wire, request: Wire) -> Wire:
    """The item after `SET name = value, ...`, `ADD name number, ...` and `REMOVE name, ...`."""
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    new = dict(old)
    for clause, assignments in re.findall(r"(SET|ADD|REMOVE)\s+(.*?)(?=\s+(?:SET|ADD|REMOVE)\s|$)", request["UpdateExpression"]):
        for assignment in assignments.split(","):
            if clause == "REMOVE":
                new.pop(names.get(assignment.strip(), assignment.strip()), None)
                continue
            name, value = re.split(r"\s*=\s*|\s+", assignment.strip(), maxsplit=1)
            name = names.get(name, name)
            if clause == "SET":
                new[name] = values[value]
            else:
                new[name] = {"N": str(int(old.get(name, {"N": "0"})["N"]) + int(values[value]["N"]))}
    return new


class _Condition:
    """A condition: comparisons and `attribute_(not_)exists`, joined by AND, OR and parentheses."""

    _TOKENS = re.compile(r"\(|\)|AND|OR|<>|<=|>=|<|>|=|,|attribute_not_exists|attribute_exists|[#:]?\w+")

    def __init__(self, text: str, request: Wire, item: Wire) -> None:
        self.tokens = self._TOKENS.findall(text)
        self.names, self.values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
        self.item = item

    def holds(self) -> bool:
        held = self._any()
        if self.tokens:
            raise Unmodelled(f"condition: {self.tokens}")
        return held

    def _any(self) -> bool:
        held = self._all()
        while self.tokens[:1] == ["OR"]:
            self.tokens.pop(0)
            held = self._all() or held
        return held

    def _all(self) -> bool:
        held = self._one()
        while self.tokens[:1] == ["AND"]:
            self.tokens.pop(0)
            held = self._one() and held
        return held

    def _one(self) -> bool:
        word = self.tokens.pop(0)
        if word == "(":
            held = self._any()
            self.tokens.pop(0)
            return held
        if word.startswith("attribute_"):
            _, name, _ = (self.tokens.pop(0) for _ in range(3))
            return bool((self.names.get(name, name) in self.item) == (word == "attribute_exists"))
        left, operator, right = self._operand(word), self.tokens.pop(0), self._operand(self.tokens.pop(0))
        if left is None or right is None:
            return False
        holds = {"=": left == right, "<>": left != right, "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}
        return bool(holds[operator])

    def _operand(self, word: str) -> Any:
        value = self.values.get(word) if word.startswith(":") else self.item.get(self.names.get(word, word))
        if value is None:
            return None
        ((kind, held),) = value.items()
        if kind == "N":
            return float(held)
        return base64.b64decode(held) if kind == "B" else held


class _Raw(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.getvalue()


def _response(url: str, status: int, answer: Wire) -> AWSResponse:
    # What S3 answers to a put has no body; JSON there would be taken for a broken answer.
    body = json.dumps(answer).encode() if answer else b""
    headers = HeadersDict({"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))})
    return AWSResponse(url, status, headers, _Raw(body))  # type: ignore[arg-type]  # the stub wants http.client's class
