"""Talking with an agent at a real pseudo-terminal: `tahoe chat`, and `python -m src.cli` without any database."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey import ROOT, TAHOE, Shell
from pseudo_terminal import Terminal
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_engine.runtime.testing.replies import WRONG_KEY, Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

ENGINE = ROOT / "services" / "agent-engine"
CHAT = (str(TAHOE), "chat")
CLI = (sys.executable, "-m", "src.cli")
BOTH = pytest.mark.parametrize("command", [CHAT, CLI], ids=["tahoe-chat", "src-cli"])

PROMPT = "> "
DONE = "tokens in"
"""What stands below each answer that is whole."""
FIRST_PROMPT_SECONDS = 3.0
"""It takes less than one; machines that test do much else."""
LOAD_SKILL = ScriptedCall("load_skill", '{"skill": "world-clock"}')
RUN_SCRIPT = ScriptedCall(
    "run_skill_script", '{"skill": "world-clock", "path": "scripts/clock.py", "arguments": ["now", "Asia/Tokyo"]}'
)
LONG = Reply(text="This goes on and on. " * 200, between_s=0.1)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


def environment(shell: Shell, model: ScriptedModel, **more: str) -> dict[str, str]:
    return shell.environment(LLM_BASE_URL=model.base_url, LLM_MODEL="small", TERM="xterm", **more)


def open_chat(shell: Shell, model: ScriptedModel, *command: str) -> Terminal:
    return Terminal(command, environment(shell, model), ENGINE)


def pipe(shell: Shell, model: ScriptedModel, *command: str, said: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ENGINE,
        env=environment(shell, model),
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@BOTH
class TestAConversation:
    def test_streams_answers_and_ends_with_ctrl_d(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        model.script(Reply(text="It begins, and after a while it ends.", piece=10, between_s=0.5))
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("Go on.\n")
            began = terminal.wait_for("It begins,")
            assert terminal.wait_for("it ends.") - began > 0.5
            terminal.wait_for(DONE)
            terminal.wait_for(PROMPT)
            terminal.type("\x04")
            assert terminal.wait_for_end() == 0

    def test_shows_skills_and_tools_and_asks_before_a_script_runs(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        model.script(Reply(calls=(LOAD_SKILL,)), Reply(calls=(RUN_SCRIPT,)), Reply(text="It is late."))
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("What time is it in Tokyo?\n")
            terminal.wait_for("◆ skill world-clock")
            terminal.wait_for("✓ loaded")
            terminal.wait_for("→ run_skill_script")
            terminal.wait_for("scripts/clock.py")
            terminal.wait_for("Allow it?")
            terminal.type("y\n")
            terminal.wait_for("✓ run_skill_script")
            terminal.wait_for("It is late.")
            terminal.wait_for(PROMPT)
            terminal.type("/skills\n")
            terminal.wait_for("◆ world-clock")
            terminal.type("/quit\n")
            assert terminal.wait_for_end() == 0
        assert "Asia/Tokyo" in model.chats[2]["messages"][-1]["content"]

    def test_declines_what_is_not_allowed_and_tells_the_model_why(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        model.script(Reply(calls=(RUN_SCRIPT,)), Reply(text="Then not."))
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("What time is it in Tokyo?\n")
            terminal.wait_for("Allow it?")
            terminal.type("not on a Sunday\n")
            terminal.wait_for("✗ run_skill_script")
            terminal.wait_for("Then not.")
            terminal.wait_for(DONE)
        assert "not on a Sunday" in model.chats[1]["messages"][-1]["content"]

    @pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
    def test_says_on_a_line_of_its_own_that_a_question_stopped_it(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...], key: str
    ) -> None:
        model.script(Reply(calls=(RUN_SCRIPT,)))
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("What time is it in Tokyo?\n")
            terminal.wait_for("say why not]")
            terminal.type(key)
            terminal.wait_for("\n")
            terminal.wait_for("Stopped.")

    def test_goes_on_after_ctrl_c_stopped_an_answer(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        model.script(LONG, Reply(text="Here I am."))
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("Tell me everything.\n")
            terminal.wait_for("This goes on")
            terminal.type("\x03")
            terminal.wait_for("Stopped.")
            terminal.wait_for(PROMPT)
            terminal.type("Are you there?\n")
            terminal.wait_for("Here I am.")
            terminal.wait_for(DONE)
        said = [(one["role"], one["content"]) for one in model.chats[-1]["messages"] if one["role"] != "system"]
        assert [role for role, _ in said] == ["user", "assistant", "user"]
        assert said[0] == ("user", "Tell me everything.")
        assert said[1][1].startswith("This goes on")
        assert len(said[1][1]) < len(LONG.text)

    def test_takes_messages_of_several_lines(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("one \\\n")
            terminal.wait_for("… ")
            terminal.type("two\n")
            terminal.wait_for(DONE)
            terminal.wait_for(PROMPT)
            terminal.type("\x1b[200~```\npasted\x1b[201~\n")
            terminal.wait_for("… ")
            terminal.type("```\n")
            terminal.wait_for(DONE)
        assert model.chats[0]["messages"][-1]["content"] == "one \ntwo"
        assert model.chats[1]["messages"][-1]["content"] == "```\npasted\n```"

    def test_cannot_be_used_to_command_the_terminal(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        model.script(Reply(text="\x1b]0;owned\x07\x1b[31mred", piece=3))
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("Hello\n")
            terminal.wait_for("␛]0;owned␇␛[31mred")

    def test_tells_what_is_wrong_with_the_model_and_goes_on(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        model.script(WRONG_KEY, Reply(text="Now I can."))
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("Hello\n")
            terminal.wait_for("API key")
            terminal.wait_for(PROMPT)
            terminal.type("And now?\n")
            terminal.wait_for("Now I can.")

    def test_is_counted_and_saved(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...], tmp_path: Path
    ) -> None:
        file = tmp_path / "talk.md"
        model.script(Reply(text="Nine.", usage=(1200, 200, 30)))
        with open_chat(shell, model, *command) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("How many planets were there?\n")
            terminal.wait_for(DONE)
            terminal.type("/cost\n")
            terminal.wait_for("1,200 tokens in (200 of them cached), 30 out")
            terminal.type("/model\n")
            terminal.wait_for("It offers: small, large")
            for _ in range(2):
                terminal.wait_for(PROMPT)
                terminal.type(f"/save {file}\n")
            terminal.wait_for("There is already a file")
        assert "How many planets were there?" in file.read_text()
        assert "Nine." in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    @pytest.mark.timed
    def test_shows_its_first_prompt_at_once(self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]) -> None:
        took = []
        for _ in range(3):
            began = time.monotonic()
            with open_chat(shell, model, *command) as terminal:
                took.append(terminal.wait_for(PROMPT) - began)
        assert min(took) < FIRST_PROMPT_SECONDS

    def test_is_one_answer_in_a_pipe(self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]) -> None:
        model.script(Reply(calls=(RUN_SCRIPT,)), Reply(text="Nobody let me look."))
        done = pipe(shell, model, *command, "--once", said="What time is it?\nIn Tokyo.\n")
        assert (done.returncode, done.stdout) == (0, "Nobody let me look.\n")
        assert "declined" in done.stderr
        assert model.chats[0]["messages"][-1]["content"] == "What time is it?\nIn Tokyo."

    def test_fails_in_a_pipe_where_the_model_does(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        model.script(WRONG_KEY)
        done = pipe(shell, model, *command, "--once", said="Hello")
        assert (done.returncode, done.stdout) == (1, "")
        assert "API key" in done.stderr

    def test_offers_the_models_of_a_server_where_none_is_named(
        self, shell: Shell, model: ScriptedModel, command: tuple[str, ...]
    ) -> None:
        environ = environment(shell, model)
        del environ["LLM_MODEL"]
        with Terminal(command, environ, ENGINE) as terminal:
            terminal.wait_for("1  small")
            terminal.wait_for("2  large")
            terminal.type("2\n")
            terminal.wait_for(PROMPT)
            terminal.type("Hello\n")
            terminal.wait_for(DONE)
        assert model.chats[0]["model"] == "large"

    def test_without_any_model_says_how_to_configure_one(self, shell: Shell, command: tuple[str, ...]) -> None:
        """The address is one at which nobody answers: a machine may well have a server on a usual port."""
        environ = shell.environment(LLM_BASE_URL="http://127.0.0.1:9/v1", TERM="xterm")
        with Terminal(command, environ, ENGINE) as terminal:
            terminal.wait_for("127.0.0.1:9 cannot be reached.")
            terminal.wait_for("LLM_API_KEY")
            assert terminal.wait_for_end() == 2
        done = subprocess.run(
            [*command, "--once"], cwd=ENGINE, env=environ, input="Hello", capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "LLM_MODEL=" in done.stderr


class TestTahoeChat:
    def test_remembers_in_the_next_conversation_what_it_was_told(self, own: Shell, model: ScriptedModel) -> None:
        with open_chat(own, model, *CHAT) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("My name is Ada Lovelace.\n")
            terminal.wait_for(DONE)
            terminal.type("/quit\n")
            assert terminal.wait_for_end() == 0
        with open_chat(own, model, *CHAT) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("What is my name?\n")
            terminal.wait_for(DONE)
            terminal.wait_for(PROMPT)
            terminal.type("/memory name\n")
            terminal.wait_for("Ada Lovelace")
        assert "Ada Lovelace" in model.chats[-1]["messages"][0]["content"]

    def test_goes_on_after_an_approval_where_something_is_remembered(self, shell: Shell, model: ScriptedModel) -> None:
        assert shell.run("memory", "add", "The stockroom in Tokyo opens at nine.").status == 0
        model.script(Reply(calls=(RUN_SCRIPT,)), Reply(text="It is open."))
        with open_chat(shell, model, *CHAT) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("Is the stockroom in Tokyo open?\n")
            terminal.wait_for("Allow it?")
            terminal.type("y\n")
            terminal.wait_for("It is open.")

    def test_keeps_lines_for_their_owner_alone(self, shell: Shell, model: ScriptedModel) -> None:
        history = shell.home / "chat_history"
        with open_chat(shell, model, *CHAT) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("A line worth repeating.\n")
            terminal.wait_for(DONE)
        assert "A line worth repeating." in history.read_text()
        assert stat.S_IMODE(history.stat().st_mode) == 0o600
        with open_chat(shell, model, *CHAT) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("\x1b[A")
            terminal.wait_for("A line worth repeating.")

    def test_of_an_agent_that_is_not_there_ends_at_once_with_near_names(
        self, shell: Shell, model: ScriptedModel
    ) -> None:
        assert pipe(shell, model, *CHAT, "--once", said="Hello").returncode == 0
        with open_chat(shell, model, *CHAT, "tahoo") as terminal:
            terminal.wait_for("There is no agent 'tahoo'")
            terminal.wait_for("Did you mean tahoe?")
            assert terminal.wait_for_end() == 1


class TestTheEngineAlone:
    def test_keeps_nothing_without_a_database_and_says_so(self, tmp_path: Path, model: ScriptedModel) -> None:
        shell = Shell(tmp_path / "home", tmp_path)
        with open_chat(shell, model, *CLI) as terminal:
            terminal.wait_for("Nothing of this is kept")
            terminal.wait_for(PROMPT)
            terminal.type("Hello\n")
            terminal.wait_for(DONE)
            terminal.type("/memory\n")
            terminal.wait_for("there is no database")
            terminal.type("/quit\n")
            assert terminal.wait_for_end() == 0
        assert not os.path.lexists(shell.home)

    def test_remembers_with_a_database(self, shell: Shell, model: ScriptedModel) -> None:
        assert pipe(shell, model, *CHAT, "--once", said="Hello").returncode == 0  # starts and migrates
        names = ServiceDatabase("agent_engine", "agent_engine_owner", "agent_engine_app")
        url = provision_service(shell.home, names).app_url
        environ = environment(shell, model, DATABASE_URL=url)
        with Terminal(CLI, environ, ENGINE) as terminal:
            terminal.wait_for(PROMPT)
            terminal.type("My favourite colour is teal.\n")
            terminal.wait_for(DONE)
            terminal.type("/quit\n")
            assert terminal.wait_for_end() == 0
        listed = shell.run("memory", "list", "--agent", "tahoe")
        assert "teal" in listed.out
