"""How rules read: their names and values in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.codes import Code
from contract.model import Model
from policy.rules import OpeningHours, QuietHours, Rung, TimeLimit

NAMES = {
    "first_contact": "首次联系 first contact",
    "verify": "核实 verification",
    "rectify_simple": "立行立改 put right, simple",
    "rectify_complex": "限期整改 put right, complex",
    "rectify_from": "整改起算 put right, counted from",
    "reply": "回复 reply",
    "post_rectify_callback": "整改回访 call-back after rectifying",
    "supervise": "督办决定 decision of the supervisor",
    "clock_start_rule": "起算规则 start rule",
    "extension": "延期 extension",
    "appeal": "申诉复核 appeal and review",
    "contest_window": "评价人异议期 rater may contest within",
    "callback_tries": "联系次数 tries to reach a rater",
    "max_reopenings": "重办次数 reopenings",
    "min_evidence": "佐证件数 pieces of evidence",
    "escalation": "催办督办 escalation",
    "interview_after": "约谈：月超期工单数 talk: late cases in a month",
    "good_levels": "好评等级 good levels",
    "min_n": "最少样本 minimum n",
    "max_text_length": "文字评价长度 length of a text",
    "clock_skew_days": "评价时间误差（日） skew of claimed times, days",
    "parked_window": "等待服务数据 rating waits for its service event",
    "parked_policy": "无服务数据 if the service event does not come",
    "unrated_policy": "未评 unrated",
    "invite_after": "邀请时间 invite after",
    "invite_valid": "邀请有效期 invitation is good for",
    "invite_channel": "邀请渠道 invite by",
    "default_level": "默认等级 default level",
    "default_after": "默认时间 default after",
    "follow_up_ratings": "追评次数 follow-up ratings",
    "callback_sample_per_mille": "抽样回访（千分比） call-back sample, per mille",
    "valid_provenances": "计入来源 provenances that count",
    "points": "等级分值 points per level",
    "opening_hours": "办公时间 office hours",
    "publish_after_days": "公布（日后） published after days",
    "signals": "异常信号 signals",
    "confidence": "置信水平 confidence",
    "quiet_hours": "免打扰时段 quiet hours",
    "message_language": "告知语言 language of messages",
    "feed_days": "事件流留存（日） feed keeps, days",
}
_VALUES = {
    "FROM_FACT": "自事实起 FROM_FACT",
    "FROM_OFFICE_HOURS": "自办公时间起 FROM_OFFICE_HOURS",
    "RECEIVED": "自收到评价 RECEIVED",
    "VERIFIED": "自核实 VERIFIED",
    "NONE": "不处理 NONE",
    "INVITE": "邀请 INVITE",
    "DEFAULT": "默认 DEFAULT",
    "REFUSE": "退回 REFUSE",
    "ACCEPT_UNLINKED": "作未关联评价接收 ACCEPT_UNLINKED",
}


def said(value: Any) -> str:
    """A value of a rule, or a part of one."""
    match value:
        case None:
            return "—"
        case bool():
            return "是 yes" if value else "否 no"
        case TimeLimit():
            return _length(value)
        case Rung():
            when = f"时限 {value.share:.0%} of the limit" if value.share else f"到期后 after it {said(value.after)}"
            return f"{said(value.level)}: {when}"
        case OpeningHours():
            return f"{value.opens}:00–{value.closes}:00"
        case QuietHours():
            return f"{value.begins}:00–{value.ends}:00"
        case Model():
            return "; ".join(f"{name} {said(part)}" for name, part in value if part is not None)
        case Code():
            return f"{value.zh} {value}"
        case Mapping():
            return ", ".join(f"{said(name)} {said(part)}" for name, part in value.items())
        case frozenset():
            return ", ".join(said(part) for part in sorted(value, key=_place))
        case tuple() | list():
            return ", ".join(map(said, value)) or "—"
        case _:
            return _VALUES.get(str(value), str(value))


def _place(value: Code) -> int:
    """Where a value stands in its code list."""
    return list(type(value).__members__).index(value.name)


def _length(limit: TimeLimit) -> str:
    start = f", {said(limit.start)}" if limit.start else ""
    return f"{limit.value} {said(limit.unit)}{start}"
