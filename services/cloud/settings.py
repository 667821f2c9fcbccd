"""What the stack tells a function about itself; the only reader of the environment."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from contract.identifiers import province_of

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class NotOnLoopback(Exception):
    """A setting that is meant for a local stack was given to a real one."""


class Settings(BaseModel):
    """The environment, parsed. Field `ledger_table` is variable LEDGER_TABLE and stack output LedgerTable."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stack_name: str
    province_code: str
    registry_table: str
    ledger_table: str
    waiting_table: str
    quarantine_table: str
    vault_table: str
    vault_key_arn: str
    scores_table: str
    cases_table: str
    feed_table: str
    subscriptions_table: str
    deliveries_table: str
    reports_table: str
    inbox_url: str
    command_inbox_url: str
    rectify_inbox_url: str
    delivery_queue_url: str
    set_aside_url: str
    event_bus: str
    segments_bucket: str
    results_bucket: str
    reveal_upward_function: str = ""
    private_webhooks: str = ""
    code_version: str = "unknown"
    stack_secret: str
    single_lane: bool = False
    clock_offset_seconds: int = 0
    loopback_webhooks: bool = False
    flush_threads: int = Field(default=8, ge=1)
    aws_endpoint_url: str = ""

    @property
    def province(self) -> str:
        """The region code of the stack's province, 12 digits."""
        return province_of(self.province_code)

    @property
    def reachable_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The private networks in which the operator lets webhooks and upstreams be called."""
        return tuple(ip_network(text.strip(), strict=False) for text in self.private_webhooks.split(",") if text.strip())

    @property
    def on_loopback(self) -> bool:
        """True if AWS is played by an emulator on this machine."""
        return urlsplit(self.aws_endpoint_url).hostname in LOOPBACK

    @property
    def clock_offset(self) -> timedelta:
        """How far the one clock is moved."""
        return timedelta(seconds=self.clock_offset_seconds)

    def refuse_local_settings_elsewhere(self) -> None:
        """Raises NotOnLoopback if a setting of the local stack is on while the endpoint is real."""
        local = [name for name in ("single_lane", "clock_offset_seconds", "loopback_webhooks") if getattr(self, name)]
        if local and not self.on_loopback:
            raise NotOnLoopback(f"{', '.join(local)} may be set only while AWS_ENDPOINT_URL is a loopback address")


@cache
def settings() -> Settings:
    """The settings of this process, read on first use. Raises ValidationError naming what is missing."""
    read = Settings.model_validate({name.lower(): value for name, value in os.environ.items()})
    read.refuse_local_settings_elsewhere()
    return read
