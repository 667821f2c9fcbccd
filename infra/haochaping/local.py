"""The local stack: the emulator on a free loopback port, the real `sam build` and `sam deploy` onto it, and a clean end.

State does not survive the emulator: one start is one fresh stack.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
REGION = "cn-north-1"
_CODE = re.compile(r"CodeUri: (\S+)")
_HEALTHY_WITHIN = 30.0
_GONE_WITHIN = 10.0

# Emulators that this very process started: when they end, it is we who take note of it.
_started: dict[int, subprocess.Popen[bytes]] = {}


def home() -> Path:
    """Where the state and the logs of a local stack are: `.haochaping`, or what HAOCHAPING_HOME names, so that two do not meet."""
    return Path(os.environ.get("HAOCHAPING_HOME", ROOT / ".haochaping"))


class AlreadyUp(Exception):
    """A local stack is running; starting another one would throw away what it holds."""


class StartFailed(Exception):
    """The local stack did not come up. Says which step failed and where its log is."""

    def __init__(self, step: str, log: Path) -> None:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:]) if log.exists() else ""
        super().__init__(f"{step} 失败 failed; 日志 log: {log}\n{tail}")


class LocalStack(Model):
    """A running local stack, as remembered in `local.json`."""

    pid: int
    port: int
    stack: str
    province: str
    log: str

    @property
    def endpoint(self) -> str:
        """The address that plays AWS."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What an AWS tool needs to work on this stack. The key is the emulator's own administrator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "HAOCHAPING_STACK": self.stack,
        }

    def api_url(self, api_id: str) -> str:
        """Where the emulator serves the REST API."""
        return f"{self.endpoint}/_aws/execute-api/{api_id}/v1"

    def is_alive(self) -> bool:
        """True while the emulator answers."""
        with suppress(OSError, URLError), urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
        return False


def _state() -> Path:
    return home() / "local.json"


def running() -> LocalStack | None:
    """The local stack that is up, None if there is none."""
    if not _state().exists():
        return None
    remembered = LocalStack.model_validate_json(_state().read_text())
    return remembered if remembered.is_alive() else None


def up(province: str, say: Callable[[str], None]) -> LocalStack:
    """Starts the emulator and deploys the province to it.

    Raises AlreadyUp, StartFailed. Whatever goes wrong, Ctrl-C too, leaves no process.
    """
    if running() is not None:
        raise AlreadyUp
    down()  # one that no longer answers
    home().mkdir(parents=True, exist_ok=True)
    say("模拟环境 emulator")
    stack = _start_emulator(province)
    try:
        _state().write_text(stack.model_dump_json())
        _wait_until_healthy(stack)
        _deploy(stack, say)
    except BaseException:
        down()
        raise
    return stack


def down() -> bool:
    """Stops the emulator and everything it started; False if nothing was running."""
    if not _state().exists():
        return False
    remembered = LocalStack.model_validate_json(_state().read_text())
    stopped = _stop(remembered.pid)
    _state().unlink(missing_ok=True)
    shutil.rmtree(_unpacked(), ignore_errors=True)
    return stopped


def _unpacked() -> Path:
    return home() / "functions"


def _start_emulator(province: str) -> LocalStack:
    program = ROOT / ".ministack" / "bin" / "ministack"
    log = home() / "emulator.log"
    if not program.exists():
        log.write_text(f"{program} is not there; `make .ministack/.ready` makes it\n")
        raise StartFailed("模拟环境 emulator", log)
    _unpacked().mkdir(exist_ok=True)
    port = _free_port()
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "AUTH": "true",
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "STATE_DIR": str(home() / "emulator"),
        # It unpacks a function at every start of one, and leaves it behind: some 90 MB each.
        "TMPDIR": str(_unpacked()),
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("wb") as output:
        # A session of its own: the functions it starts are stopped with it, and Ctrl-C here does not reach it half-way.
        process = subprocess.Popen(
            [program], env=_clean_environment() | settings, stdout=output, stderr=subprocess.STDOUT, cwd=home(), start_new_session=True
        )
    _started[process.pid] = process
    return LocalStack(pid=process.pid, port=port, stack=f"haochaping-{province}", province=province, log=str(log))


def _clean_environment() -> dict[str, str]:
    """Our environment without what points to some AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HAOCHAPING_", "PYTHONPATH"))}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(stack: LocalStack) -> None:
    deadline = time.monotonic() + _HEALTHY_WITHIN
    while not stack.is_alive():
        if not _exists(stack.pid) or time.monotonic() > deadline:
            raise StartFailed("模拟环境 emulator", Path(stack.log))
        time.sleep(0.1)


def _deploy(stack: LocalStack, say: Callable[[str], None]) -> None:
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    machine = "arm64" if os.uname().machine in {"arm64", "aarch64"} else "x86_64"
    local = {
        "PythonRuntime": runtime,
        "Architecture": machine,
        "SignatureRoutes": "true",
        "SingleLane": "true",
        "LoopbackWebhooks": "true",
    }
    parameters = [f"file://{ROOT / 'infra' / 'provinces' / stack.province}.toml", *(f"{name}={value}" for name, value in local.items())]
    build = home() / "build"
    say("sam build")
    _sam(stack, ["build", "--template", str(ROOT / "template.yaml"), "--build-dir", str(build), "--parameter-overrides", *parameters])
    _pack_once(build)
    say("sam deploy")
    deploy = ["deploy", "--template-file", str(build / "template.yaml"), "--stack-name", stack.stack, "--resolve-s3"]
    _sam(stack, [*deploy, "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--parameter-overrides", *parameters])


def _pack_once(build: Path) -> None:
    """Lets all functions share one copy of the code, which is the same for each: `sam deploy` packs and sends every copy that it finds."""
    template = build / "template.yaml"
    text = template.read_text("utf-8")
    shared = next(name for name in _CODE.findall(text) if (build / name / "notify").is_dir())
    template.write_text(_CODE.sub(f"CodeUri: {shared}", text), "utf-8")


def _sam(stack: LocalStack, arguments: list[str]) -> None:
    log = home() / f"sam-{arguments[0]}.log"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = _clean_environment() | stack.environment() | {"PATH": path, "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "1"}
    with log.open("wb") as output:
        command = [str(Path(sys.executable).parent / "sam"), *arguments, "--region", REGION]
        done = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, check=False)
    if done.returncode:
        raise StartFailed(f"sam {arguments[0]}", log)


def _stop(pid: int) -> bool:
    """Ends the emulator's whole process group: first politely, then not. A number that another program has by now is left alone."""
    if not _is_emulator(pid):
        return False
    for way in (signal.SIGTERM, signal.SIGKILL):
        if not _signal(pid, way):
            return way is signal.SIGKILL
        deadline = time.monotonic() + _GONE_WITHIN
        while _exists(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    return True


def _is_emulator(pid: int) -> bool:
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "ministack" in shown.stdout


def _signal(pid: int, way: signal.Signals) -> bool:
    try:
        os.killpg(pid, way)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _exists(pid: int) -> bool:
    """True while a process of the group is there."""
    if pid in _started:
        _started[pid].poll()
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
