"""The part of `haochaping upstream` that deals with what a level above is: its profile, checked, and its secret, put."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from cloud import clock
from cloud import secrets as held_secrets
from contract.zone import day_of
from haochaping import stack
from haochaping.terminal import AsJson, connect, console, errors, fail, print_json
from notify.upward import profile as profiles
from notify.upward import targets
from notify.upward.targets import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloud.registry import Upstream
    from notify.upward.profile import UpstreamProfile

Id = Annotated[str, typer.Argument(help="上级编号，见 list The id of a level above, as listed.")]


def check(
    what: Annotated[str, typer.Argument(help="上级编号、格式编号，或 TOML 文件 A level above, a profile, or a file that declares one.")],
    as_json: AsJson = False,
) -> None:
    """检查格式 What a profile leaves open, and what must still be confirmed; of a registered level also its secret. Exits 1 on a fault."""
    upstream = None if Path(what).is_file() else _known(what)
    try:
        profile = _declared(what) if upstream is None else targets.profile_of(upstream)
        faults = [] if upstream is None else list(_faults(upstream, profile))
    except (ValidationError, TOMLDecodeError, FileNotFoundError, Misconfigured) as error:
        raise _refused(error, as_json) from None
    said = {"profile": profile.id, "version": profile.version, "records": list(profile.sections), "unconfirmed": list(profile.unconfirmed)}
    if as_json:
        print_json(said | {"faults": faults})
    else:
        console.print(f"{profile.id} v{profile.version}: {', '.join(profile.sections)}", highlight=False)
        console.print(f"待确认 to be confirmed: {', '.join(profile.unconfirmed) or '-'}", highlight=False, soft_wrap=True)
        for fault in faults:
            errors.print(fault, style="red", markup=False, soft_wrap=True)
    if faults:
        raise typer.Exit(1)


def _known(id: str) -> Upstream | None:
    """The level above of this id in the connected stack; without a stack, or without such a level, None."""
    try:
        stack.connect()
    except stack.NoStack:
        return None
    return targets.find(id, day_of(clock.now()))


def _declared(what: str) -> UpstreamProfile:
    return profiles.parse(Path(what).read_text("utf-8")) if Path(what).is_file() else profiles.load(what)


def _refused(error: Exception, as_json: bool) -> typer.Exit:
    faults = list(map(_line, error.errors())) if isinstance(error, ValidationError) else [str(error)]
    if as_json:
        print_json({"faults": faults})
        return typer.Exit(1)
    return fail("\n".join(faults))


def _line(one: Any) -> str:
    place = ".".join(map(str, one["loc"]))
    return f"{place}: {one['msg']}" if place else str(one["msg"]).removeprefix("Value error, ")


def _faults(upstream: Upstream, profile: UpstreamProfile) -> Iterator[str]:
    held = held_secrets.upstream(upstream.id)
    for name in (name for name in profile.envelope.secrets if not held.get(name)):
        yield f"密钥缺 the secret lacks {name}: `haochaping upstream secret {upstream.id} FILE`"
    if upstream.cases and profile.case is None:
        yield "该格式没有整改结果 the profile has no format for rectification results: `haochaping upstream export` keeps them for later"


def secret(id: Id, file: Annotated[str, typer.Argument(help="JSON 文件，- 为标准输入 A JSON file, - for standard input.")]) -> None:
    """设置密钥 Puts what proves that it is us into Secrets Manager: an object of texts, as the profile names them; it is never shown."""
    upstream = registered(id)
    said = _object(sys.stdin.read() if file == "-" else Path(file).read_text("utf-8-sig"))
    lacking = [name for name in profile_of(upstream).envelope.secrets if not said.get(name)]
    strange = [name for name in said if name not in profile_of(upstream).envelope.secrets and not name.startswith("header:")]
    if lacking or strange:
        raise fail(f"缺 lacks: {', '.join(lacking) or '-'}; 未声明 not declared: {', '.join(strange) or '-'}")
    held_secrets.put_upstream(id, said)
    console.print("已保存 kept; 一分钟内生效 in force within a minute")


def _object(text: str) -> dict[str, str]:
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise fail("须为 JSON 对象，值均为文本 a JSON object whose values are texts")
    return said


def registered(id: str) -> Upstream:
    """The level above of this id in the connected stack; fails with a line if there is none."""
    connect()
    upstream = targets.find(id, day_of(clock.now()))
    if upstream is None:
        raise fail(f"没有登记该上级平台 no such level above is registered: {id}")
    return upstream


def profile_of(upstream: Upstream) -> UpstreamProfile:
    """The profile of a level above; fails with a line if it is none."""
    try:
        return targets.profile_of(upstream)
    except Misconfigured as lacking:
        raise fail(str(lacking)) from None
