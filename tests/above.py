"""The level above, as the tests need it: a stand-in on loopback, registered, with what we hold of Lambda played by the handler."""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bed import CONTEXT, be_local
from cloud import registry, secrets
from haochaping.demo.upstream import UpstreamServer
from notify import app
from notify.upward import receipts
from said import bad_rating, event, letter, rating

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

ZHANG = {"certificate_type": "111", "certificate_number": "330106199001011234", "name": "张三", "phone": "13800000000"}
PROVINCE = "330000000000"


class Lambda:
    """Lambda Invoke, as far as it goes to intake's handler."""

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []
        self.fails = False

    def invoke(self, **call: Any) -> dict[str, Any]:
        from intake.upward import reveal

        self.questions.append(json.loads(call["Payload"]))
        if self.fails:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorType": "ClientError"}')}
        return {"Payload": io.BytesIO(json.dumps(reveal(self.questions[-1], CONTEXT), ensure_ascii=False).encode())}


class Above:
    """A province that reports: to `server`, from the beginning of its Ledger."""

    def __init__(self, bed: Any, invoked: Lambda) -> None:
        self.bed, self.invoked = bed, invoked
        self.server: UpstreamServer

    def register(
        self, id: str = "nation", *, url: str = "", profile: str = "", secret: dict[str, str] | None = None, **further: Any
    ) -> None:
        """Registers a level above, with its secret."""
        value = {"profile": profile or self.server.style, "url": url or self.server.url, "regions": [PROVINCE], "since": "2026-01-01"}
        value |= {"enabled": True, **further}
        registry.add(registry.Record(kind="upstream", id=id, valid_from="2020-01-01", value=value))
        held = json.dumps(self.server.secret if secret is None else secret)
        self.bed.secrets.create_secret(Name=secrets.signing_secret_name(f"upstream/{id}"), SecretString=held)
        registry.forget()
        secrets.forget()

    @contextmanager
    def listening(self, style: str = "national", *, answers_each: bool = False, **registered: Any) -> Iterator[UpstreamServer]:
        """A stand-in of that style, registered."""
        with UpstreamServer(style, answers_each=answers_each) as self.server:
            self.register(**registered)
            yield self.server

    def seal(self) -> None:
        """Lets everything that was accepted run its way, and seals it."""
        self.bed.flow()
        app.seal({}, CONTEXT)

    def report(self) -> Any:
        """One run; what came of it for the one level above."""
        return next(iter(app.report({}, CONTEXT).values()))

    def receipts(self, day: date | None = None, id: str = "nation") -> dict[str, str]:
        """The kind and outcome of each receipt: `R ACCEPTED` and how many."""
        rows = [row for row in self.bed.items("ReportsTable") if row["pk"].startswith(f"R#{id}#{day or ''}")]
        return dict(Counter(f"{row['sk'][0]} {row['outcome']}{':' + row['code'] if row['code'] else ''}" for row in rows))

    def progress(self, id: str = "nation") -> receipts.Progress:
        """How far it is."""
        return receipts.progress(id)


def reporting(bed: Any, monkeypatch: Any) -> Above:
    """A province that reports, on a local stack: it may call its own machine."""
    be_local(monkeypatch)
    invoked = Lambda()
    monkeypatch.setattr("notify.upward.revealing.lambda_", lambda: invoked)
    return Above(bed, invoked)


def one_service(bed: Any, **changes: Any) -> None:
    """A service with a bad rating of its applicant."""
    rated = letter(bad_rating(**{"rater": ZHANG} | changes))
    project = {"project_no": changes["project_no"]} if "project_no" in changes else {}
    assert bed.accept(letter(event(applicant=ZHANG, **project)), rated) == []


def services(bed: Any, count: int, *, bad: bool = True, first: int = 0) -> None:
    """So many services with a rating each; if any is bad, every tenth."""
    letters = []
    for n in range(count):
        number = f"33-{first + n}"
        worse = {"level": "DISSATISFIED", "tags": ["213"], "comment": "等了两个小时"} if bad and n % 10 == 9 else {}
        letters += [letter(event(project_no=number, applicant=ZHANG)), letter(rating(project_no=number, rater=ZHANG, **worse))]
    for start in range(0, len(letters), 10):
        assert bed.accept(*letters[start : start + 10]) == []
