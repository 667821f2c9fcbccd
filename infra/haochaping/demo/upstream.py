"""A level above on loopback: takes reports in one of three formats, with the refusals that the real ones are known for, and counts.

What a field must be stands here once more, apart from the profiles, so that a profile which says something wrong is refused.
"""

from __future__ import annotations

import html
import json
import secrets
from collections import Counter
from datetime import datetime, timedelta
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

from cloud import clock
from contract.cipher import Suite, decrypt
from contract.codes import Level
from contract.refusals import Refused
from contract.zone import SHANGHAI
from haochaping.demo.loopback import Handler, Loopback

if TYPE_CHECKING:
    from collections.abc import Sequence

Record = dict[str, str]

DUPLICATE, NO_EVENT = "评价数据不可重复", "办件服务不存在"

_EVENT = (
    *("areaCode", "taskCode", "taskName", "projectNo", "proStatus", "mobile", "userName", "userProp", "orgcode", "orgName"),
    *("userPageType", "serviceName", "serviceTime", "serviceNumber", "projectType"),
)
_MANDATORY = {
    "/service": (*_EVENT, "certkeyGOV"),
    "/evaluate": ("projectNo", "serviceNumber", "satisfaction", "pf", "assessTime", "assessNumber"),
    "/report": ("areaCode", "deptCode", "taskCode", "projectNo", "pf", "satisfaction", "assessTime", "assessNumber"),
    "/services/evaluation": ("itemCode", "regionCode", "projectNo", "evaluateType", "pf", "alternate", "assessTime"),
}
_CODES = {
    "satisfaction": "12345",
    "alternate": "12345",
    "pf": "1234567",
    "assessNumber": "12",
    "evaluateType": "12",
    "proStatus": "123",
    "projectType": "129",
    "promiseTime": "12",
}
_WIDTH = {"areaCode": 12, "regionCode": 6}
_TIMES = ("serviceTime", "assessTime", "acceptDate", "resultDate")
_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_SKEW = timedelta(minutes=10)
_NOT_BEFORE = datetime(2019, 12, 3, tzinfo=SHANGHAI)


class Fault(Exception):
    """The call or the record is refused; the text is what is answered."""


class UpstreamServer(Loopback):
    """A level above. `style` is its format; with `answers_each` every record has an answer of its own, else a call is taken whole or not.

    `is_down` drops every call, `fails` answers 500; `cannot_bear` are case-file numbers on which it answers 500. `accepted` counts per
    level, `services` the service events, `results` what became of bad ratings, `refusals` the texts that were told, `calls` how many
    records each call carried. `result_answers` are told of results, one for each, before any is taken.
    """

    def __init__(self, style: str = "national", *, answers_each: bool = False) -> None:
        self.style, self.answers_each = style, answers_each
        self.is_down = self.fails = False
        self.cannot_bear: set[str] = set()
        self.accepted: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.services = 0
        self.calls: list[int] = []
        self.results: list[Record] = []
        self.result_answers: list[str] = []
        self.records: dict[tuple[str, ...], Record] = {}
        self._private, public = _key_pair()
        self.secret = _secret_of(style, public)
        self._tokens: set[str] = set()
        self._lock = Lock()
        super().__init__(_handler(self))
        self.url = self.address

    # ------------------------------------------------------------------ what it does with a call

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a call."""
        with self._lock:
            if self.fails:
                return 500, b"error"
            if path == "/token":
                return self._token(json.loads(body))
            try:
                records = self._opened(headers, body)
            except (Fault, Refused, KeyError, ValueError, TypeError) as fault:
                text = str(fault) if isinstance(fault, Fault) else "签名错误"
                self.refusals[text] += 1
                return self._told(text, [])
            self.calls.append(len(records))
            if any(record.get("projectNo") in self.cannot_bear for record in records):
                return 500, b"error"
            return self._taken(path, records)

    def _taken(self, path: str, records: Sequence[Record]) -> tuple[int, bytes]:
        before = dict(self.records)
        texts = [self._take(path, record) for record in records]
        wrong = [text for text in texts if text]
        self.refusals.update(wrong)
        if wrong and not self.answers_each:
            self.records = before
            return self._told(wrong[0], [])
        self._count(path, [record for record, text in zip(records, texts, strict=True) if not text])
        return self._told("" if not wrong else wrong[0], texts)

    def _count(self, path: str, taken: list[Record]) -> None:
        if path == "/service":
            self.services += len(taken)
        elif path == "/case":
            self.results += taken
        else:
            digits = [record.get("satisfaction") or record["alternate"] for record in taken]
            self.accepted.update(next(level.value for level in Level if str(level.rank) == digit) for digit in digits)

    def _take(self, path: str, record: Record) -> str:
        """Keeps the record; what is wrong with it, if anything."""
        if path == "/case":
            return self.result_answers.pop(0) if self.result_answers else ""
        try:
            _check(path, record)
            service = (record["projectNo"], record.get("serviceNumber", ""))
            if path == "/evaluate" and not any(key[:3] == ("event", *service) for key in self.records):
                raise Fault(NO_EVENT)
            name = ("event", *service, record["proStatus"]) if path == "/service" else ("rating", *service, _round(record))
            if name in self.records:
                raise Fault(DUPLICATE)
            self.records[name] = record
        except Fault as fault:
            return str(fault)
        return ""

    def _opened(self, headers: dict[str, str], body: bytes) -> list[Record]:
        """The records of a call that proves who sends it. Raises Fault."""
        if self.style == "fujian":
            return self._of_soap(body)
        said = json.loads(body)
        if self.style == "zhejiang":
            if headers.get("x-app-key") != self.secret["header:x-app-key"]:
                raise Fault("未授权")
            return list(said["data"])
        common = said["txnBodyCom"]
        sent = datetime.strptime(common["time"], "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
        if abs(clock.now() - sent) > _SKEW:
            raise Fault("时间戳超出范围")
        proof = common["time"] + common["appMark"] + self.secret["app_word"]
        if headers.get("c-tenancy-id") != self.secret["tenancy"] or self._sm2(common["sign"]) != proof:
            raise Fault("签名错误")
        return [json.loads(self._sm2(text))[0] for text in common["params"]["evaluate"]]

    def _of_soap(self, body: bytes) -> list[Record]:
        asked = Xml.fromstring(body).find(f"{_SOAP}Body/getEvaluationSupplement")  # noqa: S314 - our own calls, on loopback
        if asked is None or asked.findtext("accessToken") not in self._tokens:
            raise Fault("令牌无效")
        suite = Suite(suite="SM4-CBC", text="base64")
        cases = Xml.fromstring(decrypt([suite], self.secret["sm4_key"], asked.findtext("xml") or ""))  # noqa: S314 - as above
        return [{field.tag: field.text or "" for field in case} for case in cases.findall("Case")]

    def _sm2(self, text: str) -> str:
        return decrypt([Suite(suite="SM2", text="hex", order="C1C3C2")], self._private, text)

    def _token(self, asked: dict[str, Any]) -> tuple[int, bytes]:
        if asked.get("app_key") != self.secret["app_key"] or not asked.get("sign"):
            return 200, json.dumps({"code": "401"}).encode()
        token = secrets.token_hex(8)
        self._tokens.add(token)
        return 200, json.dumps({"access_token": token, "expires_in": 7200, "refresh_token": "", "re_expires_in": 0}).encode()

    def _told(self, text: str, each: Sequence[str]) -> tuple[int, bytes]:
        if self.style == "national":
            body = {"success": not text, "message": text or "success"}
            return 200, json.dumps({"C-Response-Desc": text or "success", "C-Response-Body": body}, ensure_ascii=False).encode()
        if self.style == "zhejiang":
            results = [{"success": not one, "message": one} for one in each]
            said = {"success": not text, "message": text, "results": results if self.answers_each else None}
            return 200, json.dumps(said, ensure_ascii=False).encode()
        inner = html.escape(json.dumps({"code": "500" if text else "200", "message": text}, ensure_ascii=False))
        answer = f'<s:Envelope xmlns:s="{_SOAP[1:-1]}"><s:Body><return>{inner}</return></s:Body></s:Envelope>'
        return 200, answer.encode()


def _handler(server: UpstreamServer) -> type[Handler]:
    class Answering(Handler):
        def post(self) -> None:
            body = self.body()
            if server.is_down:
                return  # the connection ends without an answer
            status, text = server.answer(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return Answering


def _check(path: str, record: Record) -> None:
    """Raises Fault for a record that lacks something, says an unknown code, or a time that cannot be."""
    for name in _MANDATORY[path]:
        if not record.get(name):
            raise Fault(f"{name}不能为空")
    for name, digits in _CODES.items():
        if name in record and record[name] not in tuple(digits):
            raise Fault(f"{name}取值不正确")
    for name, width in _WIDTH.items():
        if name in record and len(record[name]) != width:
            raise Fault(f"{name}取值不正确")
    for name in (name for name in _TIMES if name in record):
        if not _NOT_BEFORE <= _time(record[name]) <= clock.now() + _SKEW:
            raise Fault(f"{name}时间超出范围")
    if len(record.get("writingEvaluation", "")) > 500:
        raise Fault("writingEvaluation取值不正确")


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        raise Fault("时间格式不正确") from None


def _round(record: Record) -> str:
    return record.get("assessNumber") or record.get("evaluateType") or ""


def _secret_of(style: str, public: str) -> dict[str, str]:
    """What somebody who reports must have, as the profile of that style names it."""
    if style == "national":
        return {"app_mark": "hcp", "app_word": secrets.token_hex(8), "public_key": "04" + public, "tenancy": "330000000000"}
    if style == "fujian":
        return {"app_key": "hcp", "app_code": secrets.token_hex(8), "sm4_key": secrets.token_hex(16)}
    return {"header:x-app-key": secrets.token_hex(8)}


def _key_pair() -> tuple[str, str]:
    """A private and a public key of SM2, hexadecimal."""
    library = import_module("gmssl.sm2")
    private = 1 + secrets.randbelow(int(library.default_ecc_table["n"], 16) - 2)
    return f"{private:064x}", library.CryptSM2("", "")._kg(private, library.default_ecc_table["g"])
