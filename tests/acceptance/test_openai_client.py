"""OpenAI's own client, as it comes from PyPI, against a server that is really started."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import openai
import pytest
from openai import OpenAI

from journey import Shell
from served import Served, serve
from tahoe_engine.runtime.testing.replies import TOO_MANY, WRONG_KEY, Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def behind() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture(scope="module")
def served(shell: Shell, behind: ScriptedModel) -> Iterator[Served]:
    with serve(shell, LLM_MODEL="small", LLM_BASE_URL=behind.base_url) as served:
        yield served


@pytest.fixture
def model(behind: ScriptedModel) -> ScriptedModel:
    """The model behind the server, which has forgotten the test before."""
    behind.requests.clear()
    behind._script.clear()
    return behind


@pytest.fixture
def client(served: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{served.url}/v1", api_key=served.token, max_retries=0) as client:
        yield client


@pytest.fixture
def agent(served: Served) -> str:
    """The slug of an agent that nobody has talked to."""
    dna = {"name": "Ada", "slug": f"ada-{uuid4().hex[:8]}", "status": "active", "description": "Helps."}
    slug: str = served.ask("/v1/agents", dna)["dna"]["slug"]
    return slug


def list_conversations(served: Served, agent: str) -> list[dict[str, Any]]:
    agent_id = served.ask(f"/v1/agents/{agent}")["id"]
    rows: list[dict[str, Any]] = served.ask(f"/v1/conversations?agent_id={agent_id}")["items"]
    return rows


def read_only_conversation(served: Served, agent: str) -> list[tuple[str, str]]:
    [conversation] = list_conversations(served, agent)
    return [(one["role"], one["content"]) for one in served.read_messages(conversation["id"])]


class TestChat:
    def test_answers_with_usage(self, client: OpenAI, agent: str, model: ScriptedModel) -> None:
        model.script(Reply(text="In Bern.", usage=(30, 10, 6)))
        answer = client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Where is it?"}])
        assert answer.object == "chat.completion"
        assert answer.model == agent
        [choice] = answer.choices
        assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "In Bern.", "stop")
        assert answer.usage is not None
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (30, 6, 36)
        assert answer.usage.prompt_tokens_details is not None
        assert answer.usage.prompt_tokens_details.cached_tokens == 10

    def test_tells_the_model_who_the_agent_is_and_what_the_client_adds(
        self, client: OpenAI, agent: str, model: ScriptedModel
    ) -> None:
        client.chat.completions.create(
            model=agent,
            messages=[{"role": "system", "content": "Speak like a pirate."}, {"role": "user", "content": "Hello."}],
            temperature=0.3,
        )
        system, *said = model.chats[-1]["messages"]
        assert "Ada" in system["content"]
        assert "Speak like a pirate." in system["content"]
        assert said == [{"role": "user", "content": "Hello."}]

    def test_goes_on_in_the_same_conversation(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="Hello Ann."), Reply(text="Ann."), Reply(text="Yes."))
        messages: list[Any] = []
        for question in ("Hello, I am Ann.", "Who am I?", "Sure?"):
            messages.append({"role": "user", "content": question})
            answer = client.chat.completions.create(model=agent, messages=messages)
            messages.append({"role": "assistant", "content": answer.choices[0].message.content})
        assert read_only_conversation(served, agent) == [(one["role"], one["content"]) for one in messages]

    def test_that_goes_back_begins_another_with_all_that_was_said(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="One."), Reply(text="Two."), Reply(text="Three."))
        first: list[Any] = [{"role": "user", "content": "Count."}]
        client.chat.completions.create(model=agent, messages=first)
        first.append({"role": "assistant", "content": "One."})
        for question in ("Go on.", "Go on, please."):
            client.chat.completions.create(model=agent, messages=[*first, {"role": "user", "content": question}])
        told = [
            [one["content"] for one in served.read_messages(row["id"])] for row in list_conversations(served, agent)
        ]
        assert told == [["Count.", "One.", "Go on, please.", "Three."], ["Count.", "One.", "Go on.", "Two."]]

    def test_of_two_users_are_two_conversations(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        for user in ("ann", "ben"):
            client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hello."}], user=user)
        users = {row["user_id"] for row in list_conversations(served, agent)}
        assert len(users) == 2
        assert None not in users

    def test_asked_again_after_a_failure_stays_in_its_conversation(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        model.script(WRONG_KEY, Reply(text="Now it works."))
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hello?"}])
        client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hello?"}])
        assert read_only_conversation(served, agent) == [("user", "Hello?"), ("assistant", "Now it works.")]

    def test_that_the_client_repeats_by_itself_is_asked_once(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="One."), WRONG_KEY, WRONG_KEY, Reply(text="Two."))
        asked: list[Any] = [{"role": "user", "content": "First?"}]
        client.chat.completions.create(model=agent, messages=asked)
        asked += [{"role": "assistant", "content": "One."}, {"role": "user", "content": "Second?"}]
        answer = client.with_options(max_retries=2).chat.completions.create(model=agent, messages=asked)
        assert answer.choices[0].message.content == "Two."
        assert [said for _role, said in read_only_conversation(served, agent)] == ["First?", "One.", "Second?", "Two."]
        assert [message["content"] for message in model.chats[-1]["messages"][1:]] == ["First?", "One.", "Second?"]


class TestStreaming:
    def test_gives_the_answer_as_it_is_written(self, client: OpenAI, agent: str, model: ScriptedModel) -> None:
        model.script(Reply(text="One two three four.", piece=4, between_s=0.05, usage=(9, 0, 4)))
        stream = client.chat.completions.create(
            model=agent,
            messages=[{"role": "user", "content": "Count."}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        texts = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
        assert "".join(texts) == "One two three four."
        assert len(texts) > 1
        assert len({chunk.id for chunk in chunks}) == 1
        assert [choice.finish_reason for choice in chunks[-2].choices] == ["stop"]
        assert chunks[-1].choices == []
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.total_tokens == 13

    def test_goes_on_where_a_whole_answer_was_given(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="Hello Ann."), Reply(text="Ann."))
        messages: list[Any] = [{"role": "user", "content": "I am Ann."}]
        answer = client.chat.completions.create(model=agent, messages=messages)
        messages += [answer.choices[0].message.model_dump(), {"role": "user", "content": "Who am I?"}]
        with client.chat.completions.stream(model=agent, messages=messages) as stream:
            assert stream.get_final_completion().choices[0].message.content == "Ann."
        assert len(list_conversations(served, agent)) == 1

    def test_that_breaks_off_raises(self, client: OpenAI, agent: str, model: ScriptedModel) -> None:
        model.script(Reply(text="Half of an answer that never", cut_after=3))
        stream = client.chat.completions.create(
            model=agent, messages=[{"role": "user", "content": "Tell me."}], stream=True
        )
        with pytest.raises(openai.APIError, match="broke"):
            list(stream)

    def test_that_cannot_begin_raises_at_once(self, client: OpenAI, agent: str, model: ScriptedModel) -> None:
        model.script(WRONG_KEY)
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hello?"}], stream=True)


class TestTools:
    def test_of_the_client_are_called_and_their_results_go_on(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        calls = (ScriptedCall("get_weather", '{"city": "Bern"}'), ScriptedCall("get_weather", '{"city": "Rome"}'))
        model.script(Reply(text="I look.", calls=calls), Reply(text="Rain, and sun."))
        messages: list[Any] = [{"role": "user", "content": "How is the weather?"}]
        asked = client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER]).choices[0]
        assert asked.finish_reason == "tool_calls"
        assert asked.message.content == "I look."
        assert asked.message.tool_calls is not None
        messages.append(asked.message)
        for call in asked.message.tool_calls:
            assert call.type == "function"
            weather = {"Bern": "rain", "Rome": "sun"}[json.loads(call.function.arguments)["city"]]
            messages.append({"role": "tool", "tool_call_id": call.id, "content": weather})
        answer = client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER]).choices[0]
        assert (answer.finish_reason, answer.message.content) == ("stop", "Rain, and sun.")
        results = [one["content"] for one in model.chats[-1]["messages"] if one["role"] == "tool"]
        assert results == ["rain", "sun"]
        assert [role for role, _ in read_only_conversation(served, agent)] == [
            "user", "assistant", "tool", "tool", "assistant",
        ]  # fmt: skip
        [conversation] = list_conversations(served, agent)
        [turn] = served.ask(f"/v1/conversations/{conversation['id']}/trace")["items"]
        assert turn["turn"]["status"] == "complete"

    def test_stream_too(self, client: OpenAI, served: Served, agent: str, model: ScriptedModel) -> None:
        model.script(
            Reply(calls=(ScriptedCall("get_weather", '{"city": "Bern"}', id="w1"),)),
            Reply(text="It rains.", piece=2),
            Reply(text="Tomorrow too."),
        )
        messages: list[Any] = [{"role": "user", "content": "How is the weather in Bern?"}]
        with client.chat.completions.stream(model=agent, messages=messages, tools=[WEATHER]) as stream:
            asked = stream.get_final_completion().choices[0]
        assert asked.finish_reason == "tool_calls"
        assert asked.message.tool_calls is not None
        [call] = asked.message.tool_calls
        assert (call.id, call.function.name, json.loads(call.function.arguments)) == (
            "w1", "get_weather", {"city": "Bern"},
        )  # fmt: skip
        messages += [
            {"role": "assistant", "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
            {"role": "tool", "tool_call_id": "w1", "content": "rain"},
        ]
        with client.chat.completions.stream(model=agent, messages=messages, tools=[WEATHER]) as stream:
            assert stream.get_final_completion().choices[0].message.content == "It rains."
        messages += [{"role": "assistant", "content": "It rains."}, {"role": "user", "content": "And tomorrow?"}]
        client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER])
        assert len(list_conversations(served, agent)) == 1

    def test_of_the_agent_run_without_the_client(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        note = ScriptedCall("remember", '{"fact": "Ann prefers green tea.", "about_user": false}')
        weather = ScriptedCall("get_weather", '{"city": "Bern"}')
        model.script(
            Reply(text="I note it.", calls=(note,)), Reply(calls=(weather,)), Reply(text="Noted, and it rains.")
        )
        messages: list[Any] = [{"role": "user", "content": "Remember that I like green tea. How is the weather?"}]
        asked = client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER]).choices[0].message
        assert asked.content == "I note it."
        assert asked.tool_calls is not None
        [call] = asked.tool_calls
        messages += [asked, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
        answer = client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER])
        assert answer.choices[0].message.content == "Noted, and it rains."
        assert len(list_conversations(served, agent)) == 1

    def test_may_be_demanded(self, client: OpenAI, agent: str, model: ScriptedModel) -> None:
        model.script(Reply(calls=(ScriptedCall("get_weather", '{"city": "Bern"}'),)))
        client.chat.completions.create(
            model=agent,
            messages=[{"role": "user", "content": "Hello."}],
            tools=[WEATHER],
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
        )
        assert model.chats[-1]["tool_choice"]["function"]["name"] == "get_weather"

    def test_results_and_a_new_question_come_together(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel
    ) -> None:
        model.script(Reply(calls=(ScriptedCall("get_weather", '{"city": "Bern"}', id="w1"),)), Reply(text="Rain."))
        messages: list[Any] = [{"role": "user", "content": "How is the weather?"}]
        asked = client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER]).choices[0].message
        messages += [
            asked,
            {"role": "tool", "tool_call_id": "w1", "content": "rain"},
            {"role": "user", "content": "In one word, please."},
        ]
        client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER])
        assert [one["role"] for one in model.chats[-1]["messages"][1:]] == ["user", "assistant", "tool", "user"]
        assert len(list_conversations(served, agent)) == 1

    @pytest.mark.parametrize("more", [{}, {"tools": [WEATHER], "tool_choice": "none"}], ids=["no-tools", "no-choice"])
    def test_need_not_be_given_again_for_their_results(
        self, client: OpenAI, served: Served, agent: str, model: ScriptedModel, more: dict[str, Any]
    ) -> None:
        model.script(Reply(calls=(ScriptedCall("get_weather", '{"city": "Bern"}', id="w1"),)), Reply(text="Rain."))
        messages: list[Any] = [{"role": "user", "content": "How is the weather?"}]
        asked = client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER]).choices[0].message
        messages += [asked, {"role": "tool", "tool_call_id": "w1", "content": "rain, 7 mm"}]
        answer = client.chat.completions.create(model=agent, messages=messages, **more).choices[0]
        assert (answer.finish_reason, answer.message.content) == ("stop", "Rain.")
        assert model.chats[-1]["messages"][-1]["content"] == "rain, 7 mm"
        assert ("tool", "rain, 7 mm") in read_only_conversation(served, agent)
        assert "get_weather" not in [tool["function"]["name"] for tool in model.chats[-1].get("tools", ())]

    def test_that_wait_for_a_person_are_refused_and_asked_for_once(
        self, client: OpenAI, served: Served, model: ScriptedModel
    ) -> None:
        boundaries = {"allowed_domains": ["example.com"], "autonomy": "ask"}
        slug = f"ben-{uuid4().hex[:8]}"
        served.ask("/v1/agents", {"name": "Ben", "slug": slug, "status": "active", "boundaries": boundaries})
        model.script(Reply(calls=(ScriptedCall("http_post", '{"url": "https://example.com/x", "body": "hi"}'),)))
        for _ in range(2):  # asked again, no second approval waits
            with pytest.raises(openai.PermissionDeniedError, match="approval of http_post"):
                client.with_options(max_retries=2).chat.completions.create(
                    model=slug, messages=[{"role": "user", "content": "Send it."}]
                )
        assert len(read_only_conversation(served, slug)) == 2
        assert len([asked for asked in model.chats if asked["messages"][-1]["content"] == "Send it."]) == 1


class TestStructuredOutput:
    def test_follows_the_schema_that_the_client_gives(self, client: OpenAI, agent: str, model: ScriptedModel) -> None:
        model.script(Reply(text='{"city": "Bern"}'))
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        wanted: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
        answer = client.chat.completions.create(
            model=agent,
            messages=[{"role": "user", "content": "Where?"}],
            response_format=wanted,
        )
        assert json.loads(answer.choices[0].message.content or "") == {"city": "Bern"}
        asked = model.chats[-1]["response_format"]["json_schema"]["schema"]
        assert asked["properties"] == {"city": {"type": "string"}}


class TestModels:
    def test_are_the_agents_that_answer(self, client: OpenAI, served: Served, agent: str) -> None:
        slug = served.ask("/v1/agents", {"name": "Old", "slug": f"old-{uuid4().hex[:8]}", "status": "paused"})["dna"][
            "slug"
        ]
        listed = [model.id for model in client.models.list()]
        assert agent in listed
        assert slug not in listed
        found = client.models.retrieve(agent)
        assert (found.id, found.object) == (agent, "model")
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve(slug)


class TestErrors:
    def test_without_a_valid_key(self, served: Served) -> None:
        with (
            OpenAI(base_url=f"{served.url}/v1", api_key="wrong", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError),
        ):
            client.models.list()

    def test_of_an_agent_that_does_not_exist(self, client: OpenAI) -> None:
        with pytest.raises(openai.NotFoundError, match="nobody"):
            client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Hello?"}])

    def test_of_a_picture(self, client: OpenAI, agent: str) -> None:
        picture: Any = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
        with pytest.raises(openai.UnprocessableEntityError):
            client.chat.completions.create(model=agent, messages=[{"role": "user", "content": picture}])

    def test_of_several_answers(self, client: OpenAI, agent: str) -> None:
        with pytest.raises(openai.UnprocessableEntityError):
            client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hello?"}], n=2)

    def test_of_a_provider_that_turns_us_away(self, client: OpenAI, agent: str, model: ScriptedModel) -> None:
        model.script(*[TOO_MANY] * 4)
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hello?"}])

    def test_of_a_paused_agent(self, client: OpenAI, served: Served, agent: str) -> None:
        served.ask(f"/v1/agents/{agent}/pause", {})
        with pytest.raises(openai.ConflictError, match="paused"):
            client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hello?"}])
