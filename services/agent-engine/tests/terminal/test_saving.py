import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from tahoe_engine.models.conversation_models import (
    MessageCreate,
    MessageRecord,
    MessageRole,
    MessageToolCall,
    ToolResult,
)
from tahoe_engine.terminal.saving import UnsavedError, save

NOW = datetime(2026, 5, 8, 14, 30, tzinfo=UTC)
SAID = [
    MessageCreate(role=MessageRole.USER, content="What is it\x1b[31m?"),
    MessageCreate(
        role=MessageRole.ASSISTANT,
        tool_calls=(MessageToolCall(id="1", name="look_up", arguments={}, arguments_text="{}"),),
    ),
    MessageCreate(
        role=MessageRole.TOOL, content="A bird.", tool_result=ToolResult(tool_call_id="1", tool_name="look_up")
    ),
    MessageCreate(role=MessageRole.ASSISTANT, content="A bi", is_complete=False),
]
MESSAGES = [
    MessageRecord(**dict(message), id=uuid4(), conversation_id=uuid4(), position=place, created_at=NOW)
    for place, message in enumerate(SAID)
]


class TestASavedConversation:
    def test_is_markdown_that_cannot_command_a_terminal(self, tmp_path: Path) -> None:
        path = save(MESSAGES, str(tmp_path / "talk.md"), "ada", NOW)
        text = path.read_text()
        assert "What is it␛[31m?" in text
        assert "calls `look_up`" in text
        assert "breaks off here" in text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_is_json_as_chat_models_read_it(self, tmp_path: Path) -> None:
        path = save(MESSAGES, str(tmp_path / "talk.json"), "ada", NOW)
        messages = json.loads(path.read_text())["messages"]
        assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant"]
        assert messages[1]["tool_calls"][0]["function"] == {"name": "look_up", "arguments": "{}"}
        assert messages[2]["tool_call_id"] == "1"

    def test_is_named_by_agent_and_moment_unless_told_otherwise(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert save(MESSAGES, "", "ada", NOW) == Path("chat-ada-2026-05-08-143000.md")

    def test_takes_the_place_of_no_other_file(self, tmp_path: Path) -> None:
        file = tmp_path / "letter.md"
        file.write_text("Dear Ann")
        with pytest.raises(UnsavedError, match="already a file"):
            save(MESSAGES, str(file), "ada", NOW)
        assert file.read_text() == "Dear Ann"

    def test_says_why_it_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(UnsavedError, match="No such file or directory"):
            save(MESSAGES, str(tmp_path / "nowhere" / "talk.md"), "ada", NOW)
