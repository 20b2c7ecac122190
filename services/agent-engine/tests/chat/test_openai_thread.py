"""Names of conversations, as OpenAI's clients send them."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.chat.openai_thread import Thread, join_texts
from tahoe_engine.models.conversation_models import (
    MessageCreate,
    MessageRecord,
    MessageRole,
    MessageToolCall,
    ToolResult,
)

AGENT = UUID(int=1)
TEXTS = st.text(min_size=1).filter(str.strip)


def user(content: str) -> MessageCreate:
    return MessageCreate(role=MessageRole.USER, content=content)


def assistant(content: str, *calls: MessageToolCall) -> MessageCreate:
    return MessageCreate(role=MessageRole.ASSISTANT, content=content, tool_calls=calls)


def call(arguments_text: str) -> MessageToolCall:
    return MessageToolCall(id="c1", name="look_up", arguments=None, arguments_text=arguments_text)


def record(content: str, role: MessageRole = MessageRole.ASSISTANT) -> MessageRecord:
    result = ToolResult(tool_call_id="c1") if role is MessageRole.TOOL else None
    return MessageRecord(
        id=uuid4(),
        conversation_id=uuid4(),
        position=0,
        role=role,
        content=content,
        tool_result=result,
        is_complete=bool(content),
        created_at=datetime.now(UTC),
    )


def name(*messages: MessageCreate, user_id: UUID | None = None) -> str:
    return Thread(AGENT, user_id).add(messages).key


class TestAName:
    @given(st.lists(TEXTS, min_size=1))
    def test_after_an_answer_is_the_one_that_the_client_sends_next(self, texts: list[str]) -> None:
        answer = [record(text) for text in texts]
        after = Thread(AGENT, None).add([user("Hello.")]).key_after(answer, [call('{"a": 1}')])
        assert after == name(user("Hello."), assistant(join_texts(answer), call('{"a":1}')))

    @given(st.lists(TEXTS, min_size=1), st.lists(TEXTS, min_size=1))
    def test_tells_what_was_said_apart(self, one: list[str], other: list[str]) -> None:
        are_same = [text.strip() for text in one] == [text.strip() for text in other]
        assert (name(*map(user, one)) == name(*map(user, other))) is are_same

    def test_tells_who_asks_and_who_speaks_apart(self) -> None:
        assert name(user("Hi.")) != name(user("Hi."), user_id=uuid4())
        assert name(user("Hi.")) != name(assistant("Hi."))
        assert name(user("Hi.")) != Thread(UUID(int=2), None).add([user("Hi.")]).key

    def test_does_not_depend_on_how_json_and_blanks_are_written(self) -> None:
        one, other = call('{"a": 1, "b": [2]}'), call('{"b":[2],"a":1}')
        assert name(assistant(" I look.\n", one)) == name(assistant("I look.", other))
        assert name(assistant("", one)) != name(assistant("", call('{"a": 2, "b": [2]}')))

    def test_knows_broken_json_by_its_letters(self) -> None:
        assert name(assistant("", call('{"a": '))) == name(assistant("", call('{"a":')))
        assert name(assistant("", call('{"a": '))) != name(assistant("", call('{"b": ')))

    def test_stays_while_it_is_asked_what_comes_after(self) -> None:
        thread = Thread(AGENT, None).add([user("Hi.")])
        before = thread.key
        assert thread.key_after([record("Hello.")], []) != before
        assert thread.key == before


class TestTheTexts:
    def test_of_an_answer_are_those_of_the_agent(self) -> None:
        said = [record("I look."), record("rain", MessageRole.TOOL), record(""), record("It rains.")]
        assert join_texts(said) == "I look.\n\nIt rains."
