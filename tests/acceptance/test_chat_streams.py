"""Talking with an agent where something of the surroundings is missing: a stream, the disk, time, the directory."""

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey import ROOT, TAHOE, Shell
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

ENGINE = ROOT / "services" / "agent-engine"
CHAT = (str(TAHOE), "chat", "--once")
CLI = (sys.executable, "-m", "src.cli", "--once")
BOTH = pytest.mark.parametrize("command", [CHAT, CLI], ids=["tahoe-chat", "src-cli"])


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


def run(shell: Shell, model: ScriptedModel, command: tuple[str, ...], streams: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f"echo Hello | {shlex.join(command)} {streams}"],
        cwd=ENGINE,
        env=shell.environment(LLM_BASE_URL=model.base_url, LLM_MODEL="small", TERM="xterm"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@BOTH
class TestAnAnswer:
    def test_that_finds_no_room_is_an_error(self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]) -> None:
        done = run(shell, model, command, ">/dev/full")
        assert done.returncode == 1
        assert "Error: The output cannot be written: the disk is full." in done.stderr
        assert "Traceback" not in done.stderr

    def test_without_a_question_says_so(self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]) -> None:
        done = run(shell, model, command, "<&-")
        assert done.returncode == 2
        assert "Nothing was asked" in done.stderr
        assert "Traceback" not in done.stderr

    def test_may_go_nowhere(self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]) -> None:
        done = run(shell, model, command, ">&-")
        assert done.returncode == 0
        assert "Traceback" not in done.stderr
        assert len(model.chats) == 1


@pytest.mark.parametrize(
    ("command", "amid"),
    [((str(TAHOE), "chat"), "click.globals"), (("-m", "src.cli"), "pydantic._internal")],
    ids=["tahoe-chat", "src-cli"],
)
def test_ctrl_c_while_it_is_imported_ends_it_without_a_word(command: tuple[str, ...], amid: str, shell: Shell) -> None:
    with subprocess.Popen(
        (sys.executable, "-X", "importtime", *command),
        cwd=ENGINE,
        env=shell.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any(amid in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "Traceback" not in rest


def test_a_removed_directory_is_named(shell: Shell, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", f"cd {shlex.quote(str(gone))} && rmdir ../gone && {shlex.quote(str(TAHOE))} skills list"],
        env=shell.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "Error: The working directory was removed.\n  → Change to one that is there.\n"
