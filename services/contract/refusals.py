"""Why a message is refused: a stable code, the field, a Chinese and an English sentence, and what would be accepted.

Codes are part of the contract (`docs/contract.md`): they are added, never renamed. No refusal repeats what was sent, since that
may be personal data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from contract.model import Model

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


class Refusal(Model):
    """One reason, as it is answered, stored and announced."""

    code: str
    field: str
    zh: str
    en: str
    accepts: str = ""


class Refused(Exception):
    """The message cannot be taken; no retry will mend it."""

    def __init__(self, *reasons: Refusal) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = reasons


class Sentence(NamedTuple):
    """What a code says in both languages, and what would be accepted."""

    zh: str
    en: str
    accepts: str = ""


CATALOGUE: dict[str, Sentence] = {
    # At the door: size, form, sender.
    "too_large": Sentence("消息过大", "The message is too large.", "at most 65,536 bytes"),
    "not_json": Sentence("消息不是有效的 JSON 对象", "The message is not a JSON object.", "one JSON object in UTF-8"),
    "unknown_party": Sentence("发送方未登记", "The sending party is not registered.", "a registered party in attribute `party`"),
    "bad_signature": Sentence(
        "签名无效",
        "The signature is missing or does not match.",
        "webhook-signature v1 by the party's current or previous secret",
    ),
    "stale_signature": Sentence(
        "签名时间与发送时间相差过大", "The signature's time is too far from the time of sending.", "at most 5 minutes apart"
    ),
    "wrong_sender": Sentence(
        "发送身份与登记不符", "It was sent by somebody else than the party's registered principal.", "a principal registered for the party"
    ),
    "too_many_messages": Sentence("一次提交的消息过多", "The batch has too many messages, or none.", "1 to 100 messages"),
    "throttled": Sentence(
        "请求过于频繁，请稍后重试", "Too many requests; try again later.", "the same request after the time in Retry-After"
    ),
    "unknown_profile": Sentence(
        "发送方登记的报文格式不存在", "The party is registered with a wire format that does not exist.", "a profile of this system"
    ),
    "cannot_decrypt": Sentence(
        "密文无法解密", "The encrypted part cannot be opened.", "the cipher of the profile, with the key agreed with the operator"
    ),
    "unknown_type": Sentence(
        "消息类型未知", "The type of the message is unknown.", "a type of the contract; in a profile, its marker field"
    ),
    "not_accepted_here": Sentence("该类消息不由此队列接收", "This queue does not take messages of this type."),
    # Fields and codes.
    "missing_field": Sentence("缺少必填字段", "A mandatory field is missing."),
    "unknown_field": Sentence("字段未定义", "The field is not part of the message."),
    "malformed_field": Sentence("字段格式不正确", "The field is malformed."),
    "bad_time": Sentence("时间格式不正确", "The time is malformed or lacks its offset.", "the profile's format, or RFC 3339 with offset"),
    "unknown_level": Sentence("满意度等级无效", "The level of satisfaction does not exist."),
    "unknown_channel": Sentence("评价渠道未知", "The rating channel is unknown."),
    "unknown_code": Sentence("代码未在码表中声明", "The code is not declared in its list."),
    "bad_credit_code": Sentence("统一社会信用代码无效", "The unified social credit code is invalid.", "18 characters, GB 32100-2015"),
    "bad_item_code": Sentence(
        "事项编码无效", "The item code is invalid.", "credit code, level of exercise 1-7, 12 characters, optionally 2 more"
    ),
    "bad_region_code": Sentence("行政区划代码无效", "The region code is invalid.", "6 or 12 digits"),
    "bad_project_no": Sentence("办件编号无效", "The case-file number is invalid.", "1 to 50 characters without blanks, '#' and '|'"),
    "bad_service_number": Sentence("服务次数无效", "The service number is invalid.", "1 to 99; it is never assumed"),
    "bad_round": Sentence("评价次数无效", "The round is invalid.", "1 (first rating) or 2 (follow-up)"),
    # Rules.
    "reason_required": Sentence(
        "差评必须勾选详情或填写文字评价", "A bad rating needs a tag or a text.", "at least one tag, or a text that is not blank"
    ),
    "unknown_tag": Sentence("评价详情代码不存在", "The tag is not in the national dictionary."),
    "retired_tag": Sentence("评价详情代码已停用", "The tag is retired and cannot be used by a new rating."),
    "tag_of_other_level": Sentence("评价详情与满意度等级不一致", "The tag belongs to another level."),
    "text_too_long": Sentence("文字评价过长", "The text is too long.", "the length set by the policy in force"),
    "unknown_region": Sentence("行政区划未登记", "The region is not registered."),
    "out_of_scope": Sentence("超出发送方的登记范围", "The message is outside the role or the regions for which the party is registered."),
    "kind_not_accepted": Sentence(
        "该评价形式不绑定办件服务",
        "This kind of rating is bound to no service event.",
        "VISIT or MATTER; GENERAL and SUPERVISION as their own messages",
    ),
    "default_not_allowed": Sentence(
        "不记录无人作出的默认评价", "A default rating, which nobody gave, is not recorded.", "ratings that somebody gave"
    ),
    "follow_up_before_reply": Sentence(
        "尚未回复，不能追评", "A follow-up is taken only after the reply.", "round 1, or round 2 after the reply"
    ),
    "follow_up_not_allowed": Sentence("当地规定不接受追评", "The policy in force takes no follow-up.", "round 1"),
    "event_not_found": Sentence(
        "没有对应的服务数据",
        "The service event did not come in time.",
        "a rating whose service event is reported within the time that the policy sets",
    ),
    "already_rated": Sentence("本次服务已存在评价，请勿重复评价！", "This service has a rating with other content already."),
    # Invitations and corrections.
    "bad_token": Sentence("链接无效", "The link is not valid.", "the link as it was received"),
    "token_expired": Sentence("链接已过期", "The link has expired."),
    "token_not_for_staff": Sentence(
        "工作人员身份或设备不能使用评价链接", "A link cannot be used by a staff identity or a device.", "the applicant's own browser"
    ),
    "nobody_known": Sentence(
        "没有可查询的身份信息", "No identity can be shown: the rating is anonymous, or the person was erased.", "a rating with an identity"
    ),
    "correction_not_allowed": Sentence(
        "更正不得改动满意度、评价详情和文字评价",
        "A correction may change codes and identifiers, never level, tags or text.",
        "the same level, tags and text; a message that had proved its origin",
    ),
    "event_contradicted": Sentence("与已登记的办件服务不一致", "The service event was reported before with other facts."),
    # Commands.
    "unknown_command": Sentence("命令不存在", "There is no such command."),
    "unknown_case": Sentence("工单不存在", "There is no such case.", "the case_id of a case of this province"),
    "command_differs": Sentence("命令编号已用于其他命令", "The command_id was used for another command.", "a command_id of its own"),
    "case_changed": Sentence(
        "工单刚被他人更改，请重试", "Somebody else changed the case in between.", "the same command again, under the same command_id"
    ),
    "role_of_other_party": Sentence("该类发送方不能以此角色办理", "A party of this kind does not act in this role."),
    "role_not_granted": Sentence("该人员未被授予此角色", "The person has not been granted this role.", "a role that the operator granted"),
    "role_may_not": Sentence("该角色无权执行此命令", "This role may not do that."),
    "not_your_case": Sentence("工单不属于该单位或辖区", "The case is not one of this unit or scope."),
    "organisation_unknown": Sentence(
        "未登记该人员所属机构，无法确认其独立性",
        "It is not registered where the person belongs, so independence cannot be told.",
        "a grant that names the organisation",
    ),
    "of_the_rated_unit": Sentence(
        "被评单位不得自行决定或回访",
        "Nobody of the rated unit decides about its case or calls its rater back.",
        "a person of another organisation",
    ),
    "own_decision": Sentence(
        "不得审批本人的申请或复核本人的决定", "Nobody decides on his or her own request or decision.", "another person"
    ),
    "wrong_receipt": Sentence("回执与该工单的评价不符", "The receipt is not that of the rating.", "the receipt of the rating"),
    "wrong_state": Sentence("工单当前状态不允许此命令", "The case is not in a state in which this can be done."),
    "planned_too_early": Sentence("整改期限不能早于今天", "The planned day lies in the past."),
    "planned_too_late": Sentence("整改期限超过规定时限", "The planned day lies after the deadline."),
    "not_explained_again": Sentence("重新整改的工单不能仅作解释", "What was reopened is put right, not explained once more."),
    "evidence_missing": Sentence("缺少佐证材料", "Evidence is missing.", "as many references as the policy asks for"),
    "change_missing": Sentence(
        "原因为指南、流程或人员的，须说明所作改进",
        "Where a guide, a process or staff were the cause, the change made is to be said.",
        "the change made",
    ),
    "action_missing": Sentence("尚未记录整改措施，不能回复", "No action has been recorded, so there is nothing to reply yet."),
    "legal_basis_missing": Sentence("解释须注明法律依据", "An explanation names its legal basis.", "the provision"),
    "subtask_open": Sentence("协办尚未办结，不能回复", "A co-handling unit has not finished its part."),
    "no_subtask": Sentence("没有该协办任务或已办结", "There is no such open part."),
    "too_many_subtasks": Sentence("协办任务过多", "There are too many parts."),
    "same_unit": Sentence("该单位已是承办单位", "This unit has the case already.", "another unit"),
    "stands_above": Sentence("监督该单位的机构不参与协办", "Who supervises the unit takes no part in its case.", "a co-handling unit"),
    "unknown_organisation": Sentence("机构未登记", "The organisation is not registered.", "a registered organisation"),
    "transfer_pending": Sentence("转办尚待对方答复", "A transfer waits for its answer."),
    "no_transfer": Sentence("没有待该单位答复的转办", "No transfer waits for an answer of this unit."),
    "extension_not_allowed": Sentence("当地规则不允许延期", "The policy in force allows no extension."),
    "extension_of_simple": Sentence("仅限期整改可申请延期", "Only what is put right by a date can be extended."),
    "extension_pending": Sentence("延期申请尚待审批", "An extension waits for its decision."),
    "extension_used_up": Sentence("延期次数已用完", "No further extension is allowed."),
    "extension_too_long": Sentence("申请的延期过长", "The extension is longer than the policy allows."),
    "extension_too_late": Sentence("期限已过，不能再申请延期", "The deadline has passed.", "a request before the deadline"),
    "no_deadline": Sentence("没有进行中的整改期限", "No deadline of rectifying runs."),
    "no_extension_asked": Sentence("没有待审批的延期申请", "No extension waits for a decision."),
    "anonymous_rater": Sentence("匿名评价以公开回复代替回访", "An anonymous rater has a public reply in place of the call-back."),
    "supervised_before": Sentence("督办已决定过重新整改", "The supervisor had it put right once already."),
    "problem_linked": Sentence("已关联该问题", "The case is linked to this problem."),
    "problem_not_linked": Sentence("未关联该问题", "The case is not linked to this problem.", "LINK_PROBLEM first"),
    "appeal_used_up": Sentence("申诉次数已用完", "No further appeal is allowed."),
    "appeal_too_late": Sentence("申诉期限已过", "The time to appeal has passed."),
    "contest_used_up": Sentence("结果已复核过一次", "The result was contested once already."),
    "contest_too_late": Sentence("提出异议的期限已过", "The time to contest has passed."),
    "bad_cursor": Sentence("翻页标记无效", "The cursor is none of this list.", "the cursor of the page before, or none"),
    # Questions.
    "unknown_node": Sentence("节点不存在", "There is no such node.", "KIND#ID, as the contract lists them"),
    "bad_period": Sentence("周期无效", "The period is invalid.", "2026-11-24, 2026-11, 2026-Q4 or 2026"),
    "unknown_indicator": Sentence("指标不存在", "There is no such indicator.", "a name of the contract's list of indicators"),
    "not_published": Sentence("该周期结果尚未公布", "Nothing is published for this period.", "a period whose results are published"),
    "unknown_subscription": Sentence("没有该订阅", "There is no such subscription of yours.", "the id of a subscription of the party"),
    "subscription_exists": Sentence(
        "该订阅编号已被使用", "A subscription of this id exists already.", "another id, or PUT to change the one of the party"
    ),
    "bad_target": Sentence(
        "推送地址不可用",
        "Nothing may be sent to this address.",
        "an https URL of a public host; or the ARN of a queue or event bus in this region whose name begins with `<stack>-reply-`",
    ),
    "unknown_ledger_day": Sentence("该日尚未封存", "This day of the Ledger is not closed.", "a day that is closed, or a segment of it"),
    "sum_over_too_much": Sentence("查询范围过大", "The question covers too much at once.", "a smaller region, or a shorter period"),
}

_MOST_REASONS = 20
# The name of a field that nobody knows may itself be what somebody wrote; what does not look like a name is not repeated.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")

_BY_FIELD = {
    "level": "unknown_level",
    "rating_channel": "unknown_channel",
    "service_number": "bad_service_number",
    "round": "bad_round",
}


def refusal(code: str, field: str = "", accepts: str = "") -> Refusal:
    """The refusal of this code; `accepts` narrows down what the catalogue says."""
    sentence = CATALOGUE[code]
    return Refusal(code=code, field=field, zh=sentence.zh, en=sentence.en, accepts=accepts or sentence.accepts)


def refuse(code: str, field: str = "", accepts: str = "") -> Refused:
    """The exception for a single reason."""
    return Refused(refusal(code, field, accepts))


def from_validation(error: ValidationError) -> Refused:
    """Every reason for which a model refused its input."""
    return Refused(*(_from_detail(detail) for detail in error.errors(include_url=False, include_input=False)[:_MOST_REASONS]))


def _from_detail(detail: ErrorDetails) -> Refusal:
    context = detail.get("ctx", {})
    # A rule over several fields names the one that would mend it.
    place = (*detail["loc"], context["field"]) if "field" in context else detail["loc"]
    field = ".".join(str(part) for part in place if isinstance(part, int) or _NAME.fullmatch(part))
    expected = str(context.get("expected", ""))
    return refusal(_code(detail["type"], str(detail["loc"][-1]) if detail["loc"] else ""), field, expected)


def _code(error_type: str, field: str) -> str:
    if error_type in CATALOGUE:
        return error_type
    if error_type == "missing":
        return "missing_field"
    if error_type == "extra_forbidden":
        return "unknown_field"
    if error_type.startswith(("datetime", "timezone", "date")):
        return "bad_time"
    return _BY_FIELD.get(field, "unknown_code" if error_type in {"enum", "literal_error"} else "malformed_field")
