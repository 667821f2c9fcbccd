"""Calls a level above: in batches, with an outcome for each record.

Where it answers for a whole call only, a call that was not accepted is halved until it is known which records are at fault. An error there
is an outage unless the other half of the same records is taken, or another record was shortly before: then it is of a record.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import urllib3

from cloud import clock
from notify.delivery import Forbidden
from notify.upward import answers, envelopes
from notify.upward.answers import ERROR, Down, Fault, Said, Verdict
from notify.webhook import HostNotFound, in_time, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from notify.upward.envelopes import Call, Sealed
    from notify.upward.profile import Section
    from notify.upward.targets import Target

SECONDS = 20.0
"""For all of a call, its answer included."""

_LONGEST_ANSWER = 2_000_000
_LEAST_TOGETHER = 2
_SPARE = timedelta(seconds=60)

Outcome = tuple["Sealed", Said]


class OutOfTime(Exception):
    """The run ends; what has no receipt is sent by the next one."""


class Sender:
    """Calls one level above while it is time, within one run. `is_up` says whether it has answered; after `failures` in a row fewer
    records go together. While `is_sure` is set an error there counts as one of the records, even if it meets all of them.
    """

    def __init__(self, target: Target, is_time: Callable[[], bool] = lambda: True, failures: int = 0) -> None:
        self._target, self._is_time = target, is_time
        most = min(target.profile.batch.records, target.upstream.batch or target.profile.batch.records)
        # So that of several records which it cannot bear one gets by itself at last; alone it could not be told from an outage.
        self._most = max(min(most, _LEAST_TOGETHER), most >> min(failures, most.bit_length()))
        self._token, self._token_until = "", clock.now()
        self.is_up = self.is_sure = False

    def send(self, section: Section, records: Sequence[Sealed]) -> Iterator[Outcome]:
        """Each record with what was said to it, as it becomes known. Raises Down, OutOfTime: of the others nothing is known then."""
        for batch in envelopes.batches(self._target.profile, records, self._most):
            said = self._call(section, batch)
            yield from self._after_error(section, batch, said) if _is_error(said) else self._outcomes(section, batch, said)

    def _outcomes(self, section: Section, batch: Sequence[Sealed], said: list[Said] | Said) -> Iterator[Outcome]:
        if isinstance(said, list):
            yield from self._each(batch, said)
        elif said.verdict is Verdict.ACCEPTED or len(batch) == 1:
            yield from ((record, said) for record in batch)
        else:
            yield from self._apart(section, batch)

    def _each(self, batch: Sequence[Sealed], said: list[Said]) -> Iterator[Outcome]:
        """The outcomes of records that have an answer each. What is at fault with us holds up none of those that were dealt with."""
        fault = ""
        for record, one in zip(batch, said, strict=True):
            if one.verdict is not Verdict.FAULT:
                yield record, one
            elif self.is_sure:
                yield record, _as_error(one.code)
            else:
                fault = one.code
        if fault:
            raise Down(fault)

    def _apart(self, section: Section, batch: Sequence[Sealed]) -> Iterator[Outcome]:
        """The outcomes of a call that is to be halved: first those of the half that is taken, so that every run gets somewhere."""
        left = []
        for half in _halves(batch):
            said = self._call(section, half)
            if isinstance(said, Said) and said.verdict is not Verdict.ACCEPTED:
                left.append((half, said))
            else:
                yield from self._outcomes(section, half, said)
        for half, said in left:
            yield from self._isolated(section, half, said)

    def _after_error(self, section: Section, batch: Sequence[Sealed], said: list[Said] | Said) -> Iterator[Outcome]:
        """What came of a call that failed there: an outage, unless a part of it is taken."""
        if len(batch) == 1:
            if not (self.is_up or self.is_sure):
                raise Down(_code(said))
            yield batch[0], Said(Verdict.FAILED, _code(said))
            return
        parts = [(half, self._call(section, half)) for half in _halves(batch)]
        if not self.is_sure and all(_is_error(answer) for _, answer in parts):
            raise Down(_code(said))
        for half, answer in parts:
            yield from self._isolated(section, half, answer)

    def _isolated(self, section: Section, batch: Sequence[Sealed], said: list[Said] | Said) -> Iterator[Outcome]:
        """The outcomes of a part of a call of which another part was answered: an error is of a record."""
        if not _is_error(said):
            yield from self._outcomes(section, batch, said)
        elif len(batch) == 1:
            yield batch[0], Said(Verdict.FAILED, _code(said))
        else:
            yield from self._apart(section, batch)

    def _call(self, section: Section, batch: Sequence[Sealed]) -> list[Said] | Said:
        if not self._is_time():
            raise OutOfTime
        target = self._target
        token = self._with_token()
        try:
            call = envelopes.call(target.profile, batch, target.secret, clock.now(), token)
        except (ValueError, ModuleNotFoundError):
            raise Down("cipher") from None
        status, body = _post(target.upstream.url + section.path, call)
        try:
            said = answers.read(target.profile.answers, status, body, len(batch))
        except Fault as fault:
            if not self.is_sure:
                raise
            return _as_error(str(fault))
        self.is_up = self.is_up or not _is_error(said)
        return said

    def _with_token(self) -> str:
        path, now = self._target.profile.envelope.token_path, clock.now()
        if path and now >= self._token_until:
            status, body = _post(self._target.upstream.url + path, envelopes.token_call(self._target.secret, now))
            self._token, seconds = answers.token_in(status, body)
            self._token_until = now + timedelta(seconds=seconds) - _SPARE
        return self._token


def _post(url: str, call: Call) -> tuple[int, bytes]:
    """Status and body of the answer. Raises Down if there is none."""
    try:
        return in_time(lambda: _answer(url, call), SECONDS + 0.5)
    except Forbidden:
        raise Down("forbidden_address") from None
    except HostNotFound:
        raise Down("host_not_found") from None
    except (urllib3.exceptions.TimeoutError, TimeoutError):
        raise Down("timed_out") from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise Down("no_connection") from None


def _answer(url: str, call: Call) -> tuple[int, bytes]:
    answer = request(url, call.body, call.headers, SECONDS)
    try:
        return answer.status, answer.read(_LONGEST_ANSWER)
    finally:
        answer.close()


def _halves(batch: Sequence[Sealed]) -> tuple[Sequence[Sealed], Sequence[Sealed]]:
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]


def _as_error(code: str) -> Said:
    return Said(Verdict.FAILED, f"{ERROR}:{code}")


def _is_error(said: list[Said] | Said) -> bool:
    return isinstance(said, Said) and said.verdict is Verdict.FAILED


def _code(said: list[Said] | Said) -> str:
    return said.code if isinstance(said, Said) else ""
