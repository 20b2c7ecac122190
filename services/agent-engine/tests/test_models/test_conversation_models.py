from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tahoe_engine.models.conversation_models import (
    Conversation,
    ConversationCreate,
    ConversationStatus,
    FeedbackRating,
    MessageCreate,
    MessageFeedback,
    MessageRecord,
    MessageRole,
    MessageToolCall,
    MessageUsage,
    ToolResult,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
USAGE = MessageUsage(model="m", input_tokens=12, cached_tokens=4, output_tokens=3, latency_ms=250)
CALL = MessageToolCall(id="c1", name="look_up", arguments={"id": 7}, arguments_text='{"id": 7}')
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=10), JSON, max_size=3)
SAID = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200).map(lambda text: "👋🏽 שלום\n" + text)
CALLS = st.builds(
    MessageToolCall,
    id=st.uuids().map(str),
    name=st.just("look_up"),
    arguments=st.none() | OBJECTS,
    arguments_text=st.text(st.characters(codec="utf-8"), max_size=30),
)
MESSAGES = st.one_of(
    st.builds(MessageCreate, role=st.just(MessageRole.USER), content=SAID, metadata=OBJECTS),
    st.builds(
        MessageCreate,
        role=st.just(MessageRole.ASSISTANT),
        content=SAID,
        tool_calls=st.lists(CALLS, max_size=3, unique_by=lambda call: call.id).map(tuple),
        usage=st.none() | st.just(USAGE),
        is_complete=st.booleans(),
    ),
    st.builds(
        MessageCreate,
        role=st.just(MessageRole.TOOL),
        content=st.text(st.characters(codec="utf-8")),
        tool_result=st.builds(ToolResult, tool_call_id=st.uuids().map(str), is_error=st.booleans()),
    ),
)


def stored(message: MessageCreate, position: int, message_id: UUID) -> MessageRecord:
    return MessageRecord(
        **message.model_dump(),
        id=message_id,
        conversation_id=message_id,
        position=position,
        feedback=MessageFeedback(rating=FeedbackRating.UP, given_at=NOW),
        created_at=NOW,
    )


class TestEnumNames:
    def test_are_those_of_the_database_types(self) -> None:
        assert [role.value for role in MessageRole] == ["user", "assistant", "system", "tool"]
        assert [status.value for status in ConversationStatus] == ["active", "idle", "closed"]


class TestJson:
    @given(MESSAGES)
    def test_takes_every_message_there_and_back(self, message: MessageCreate) -> None:
        assert MessageCreate.model_validate_json(message.model_dump_json()) == message

    @given(MESSAGES, st.integers(0, 2**31 - 1), st.uuids())
    def test_takes_every_stored_message_there_and_back(
        self, message: MessageCreate, position: int, message_id: UUID
    ) -> None:
        record = stored(message, position, message_id)
        assert MessageRecord.model_validate_json(record.model_dump_json()) == record


class TestConversation:
    def test_begins_with_an_agent_alone(self) -> None:
        begun = ConversationCreate(agent_id=uuid4())
        conversation = Conversation(
            **begun.model_dump(),
            id=uuid4(),
            status=ConversationStatus.ACTIVE,
            message_count=0,
            last_message_at=None,
            closed_at=None,
            created_at=NOW,
            updated_at=NOW,
        )
        assert Conversation.model_validate_json(conversation.model_dump_json()) == conversation

    def test_has_times_with_a_zone_alone(self) -> None:
        with pytest.raises(ValidationError, match="created_at"):
            Conversation.model_validate(
                {
                    "id": uuid4(),
                    "agent_id": uuid4(),
                    "status": "idle",
                    "message_count": 1,
                    "last_message_at": None,
                    "closed_at": None,
                    "created_at": datetime(2026, 3, 1),  # noqa: DTZ001 - the one that is refused
                    "updated_at": NOW,
                }
            )

    def test_has_a_title_of_200_characters_at_most(self) -> None:
        assert ConversationCreate(title="  Tea  ").title == "Tea"
        with pytest.raises(ValidationError, match="title"):
            ConversationCreate(title="x" * 201)


class TestRoles:
    @pytest.mark.parametrize("extra", [{"tool_calls": [CALL]}, {"usage": USAGE}, {"is_complete": False}])
    def test_only_an_assistant_calls_tools_costs_tokens_and_is_cut_off(self, extra: dict[str, Any]) -> None:
        MessageCreate.model_validate({"role": "assistant", "content": "Hi", **extra})
        with pytest.raises(ValidationError, match="belong to the role assistant"):
            MessageCreate.model_validate({"role": "user", "content": "Hi", **extra})

    def test_a_tool_says_which_call_it_answers(self) -> None:
        with pytest.raises(ValidationError, match="tool_result belongs to the role tool"):
            MessageCreate(role=MessageRole.TOOL, content="42")

    def test_nobody_else_answers_a_call(self) -> None:
        with pytest.raises(ValidationError, match="tool_result belongs to the role tool"):
            MessageCreate(role=MessageRole.USER, content="42", tool_result=ToolResult(tool_call_id="c1"))

    def test_calls_of_one_message_have_ids_of_their_own(self) -> None:
        with pytest.raises(ValidationError, match="the same id"):
            MessageCreate(role=MessageRole.ASSISTANT, tool_calls=(CALL, CALL))


class TestContent:
    @pytest.mark.parametrize("role", [MessageRole.USER, MessageRole.SYSTEM])
    def test_of_a_person_or_the_system_is_not_blank(self, role: MessageRole) -> None:
        with pytest.raises(ValidationError, match="says nothing"):
            MessageCreate(role=role, content=" \n")

    def test_of_an_answer_may_be_tool_calls_alone(self) -> None:
        assert MessageCreate(role=MessageRole.ASSISTANT, tool_calls=(CALL,)).content == ""

    def test_of_a_finished_answer_is_not_empty(self) -> None:
        with pytest.raises(ValidationError, match="says nothing"):
            MessageCreate(role=MessageRole.ASSISTANT)

    def test_of_an_answer_cut_off_at_once_and_of_a_tool_may_be_empty(self) -> None:
        assert MessageCreate(role=MessageRole.ASSISTANT, is_complete=False).content == ""
        assert MessageCreate(role=MessageRole.TOOL, tool_result=ToolResult(tool_call_id="c1")).content == ""

    def test_has_an_end(self) -> None:
        with pytest.raises(ValidationError, match="content"):
            MessageCreate(role=MessageRole.USER, content="x" * 1_000_001)

    def test_stands_in_no_error(self) -> None:
        with pytest.raises(ValidationError) as raised:
            MessageCreate.model_validate({"role": "user", "content": ["my number is 4111"]})
        assert "4111" not in str(raised.value)


class TestUsage:
    def test_counts_cached_tokens_as_part_of_the_input(self) -> None:
        with pytest.raises(ValidationError, match="more than input_tokens"):
            MessageUsage(model="m", input_tokens=1, cached_tokens=2, output_tokens=0, latency_ms=0)

    @pytest.mark.parametrize("field", ["input_tokens", "output_tokens", "latency_ms"])
    def test_is_never_negative(self, field: str) -> None:
        with pytest.raises(ValidationError, match=field):
            MessageUsage.model_validate(USAGE.model_dump() | {field: -1})


class TestToolCall:
    def test_keeps_what_the_model_wrote_where_it_is_no_json(self) -> None:
        call = MessageToolCall(id="c1", name="look_up", arguments=None, arguments_text='{"id": ')
        assert MessageToolCall.model_validate_json(call.model_dump_json()) == call
