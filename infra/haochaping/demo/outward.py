"""What the morning is for others: a subscriber that verifies what it gets, the sealed Ledger, and the level above that is told."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from standardwebhooks.webhooks import Webhook

from cloud import registry, secrets
from haochaping import audit
from haochaping.demo.played import Checked
from notify import subscriptions
from notify.sealed import days, sealing
from notify.subscription import Asked
from notify.upward import reporting

if TYPE_CHECKING:
    from haochaping.demo.receiver import Receiver
    from haochaping.demo.upstream import UpstreamServer
    from haochaping.provinces import Province

SUBSCRIBER, ABOVE = "demo-receiver", "demo-nation"


def register(province: Province, receiver: Receiver, above: UpstreamServer) -> None:
    """A subscriber of the whole province, and a level above in the style of Zhejiang."""
    start, regions = province.province.valid_from, [province.province.region]
    party = {"role": "CONSUMER", "name": "演示接收方", "name_en": "Receiver of the demo", "profile": "canonical", "regions": regions}
    registry.add(registry.Record(kind="party", id=SUBSCRIBER, valid_from=start, value=party))
    secrets.ensure_signing_secret(f"subscription/{SUBSCRIBER}")
    receiver.verifier = Webhook(secrets.signing_secrets(f"subscription/{SUBSCRIBER}")[0])
    subscriptions.add(Asked(id=SUBSCRIBER, target=receiver.url), SUBSCRIBER)
    upstream = {"profile": "zhejiang", "url": above.url, "regions": regions, "since": start.isoformat(), "enabled": True}
    registry.add(registry.Record(kind="upstream", id=ABOVE, valid_from=start, value=upstream))
    secrets.put_upstream(ABOVE, above.secret)


def checks(ratings: int, above: UpstreamServer) -> list[Checked]:
    """Seals what has been counted, holds the Ledger against it, and reports it: every rating once, and nothing else."""
    sealing.seal()
    sealed = sum(segment.ratings for segment in days.segments_after(0))
    differing = sum(1 for _ in audit.checked((date.min, date.max), {}, ledger=True, report={}))
    told = reporting.report(only=ABOVE)[ABOVE]
    return [
        Checked("封存的评价", "ratings sealed", ratings, sealed),
        Checked("台账与封存的差异", "differences between Ledger and seals", 0, differing),
        # What its format has no word for has a receipt too.
        Checked("上报有回执的评价", "ratings with a receipt of the level above", sealed, told["ACCEPTED"] + told.get("INCOMPLETE", 0)),
        Checked("上级实收", "ratings that the level above counted", told["ACCEPTED"], above.accepted.total()),
    ]
