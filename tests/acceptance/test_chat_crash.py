"""`kill -9` while agents answer: what a client was told is kept, nothing stands there twice, and everybody goes on.

Several clients talk to one server, each from a random moment on, so that each kill meets several conversations, each
somewhere else: before the first word, between two, in a call of a tool, after the end. TAHOE_CRASHES=50 makes it 50
such moments.
"""

import contextlib
import http.client
import json
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from journey import Shell
from served import Served, find_free_port, start, wait_until_ready
from tahoe_core.postgres.lifecycle import superuser_url
from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import Asked, ScriptedModel

MOMENTS = int(os.environ.get("TAHOE_CRASHES", "20"))
CLIENTS = 10
EVENTS = 16
"""About as many as an answer has, from the question to its end; fewer where the machine is slow."""
LONGEST_S = 30

type Message = dict[str, Any]


def answer(asked: Asked) -> Reply:
    """Calls a tool, then answers; every word is another one, so that a doubled one is seen."""
    last = asked.body["messages"][-1]
    word = uuid4().hex[:8]
    if last["role"] == "user":
        call = ScriptedCall("search_memory", json.dumps({"query": word}), id=f"c-{word}")
        return Reply(text=f"I look for {word}.", calls=(call,), piece=4, between_s=0.05)
    return Reply(text=" ".join(f"{word}-{number}" for number in range(12)), piece=6, between_s=0.05)


@dataclass
class Client:
    """Says something, and writes down every event that reaches it, until the connection breaks."""

    served: Served
    conversation: str
    question: str
    texts: dict[int, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    ended: Message | None = None
    status: int | None = None
    heard: int = 0

    def talk(self, wait_s: float) -> None:
        time.sleep(wait_s)
        connection = http.client.HTTPConnection(self.served.url.removeprefix("http://"), timeout=60)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            self._listen(connection)

    def _listen(self, connection: http.client.HTTPConnection) -> None:
        connection.request(
            "POST",
            f"/v1/conversations/{self.conversation}/messages?stream=true",
            json.dumps({"content": self.question}),
            {"Authorization": f"Bearer {self.served.token}", "Content-Type": "application/json"},
        )
        with contextlib.closing(connection.getresponse()) as response:
            self.status = response.status
            kind = ""
            while line := response.readline():
                if not line.endswith(b"\n"):
                    return  # half of a line: nobody was told
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    self._hear(kind, json.loads(value))

    def _hear(self, kind: str, data: Message) -> None:
        self.heard += 1
        if kind == "text":
            self.texts[data["position"]] = self.texts.get(data["position"], "") + data["text"]
        elif kind == "message":
            self.messages.append(data)
        elif kind == "end":
            self.ended = data


@pytest.fixture(scope="module")
def behind() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer=answer) as model:
        yield model


@pytest.mark.timeout(120 + 30 * MOMENTS)
def test_nothing_that_was_told_is_lost_or_doubled(own: Shell, behind: ScriptedModel) -> None:
    chance = random.Random(MOMENTS)  # noqa: S311 - no secret
    port = find_free_port()
    model = {"LLM_MODEL": "small", "LLM_BASE_URL": behind.base_url}
    process = start(own, port, **model)
    clients: list[Client] = []
    try:
        served = wait_until_ready(own, port, process)
        served.ask("/v1/agents", {"name": "Ada", "status": "active"})
        conversations = [served.ask("/v1/conversations", {"agent": "ada"})["id"] for _ in range(CLIENTS)]
        go_on(served, conversations)  # the runtime is loaded with the first answer
        while len(clients) < MOMENTS:
            met = [Client(served, one, f"Question {uuid4().hex}?") for one in conversations]
            with all_talk(met, chance):
                process.kill()
                process.wait(timeout=10)
            process = start(own, port, **model)
            served = wait_until_ready(own, port, process)
            let_leases_run_out(own)
            for client in met:
                check_what_was_told(served, client)
            go_on(served, conversations)
            clients += met
    finally:
        process.terminate()
        process.wait(timeout=60)
    assert any(one.ended is None and one.texts for one in clients), "no answer was met half-way"


@contextlib.contextmanager
def all_talk(clients: Sequence[Client], chance: random.Random) -> Iterator[None]:
    """Lets them talk, each from a moment of its own on, for a while; what the block does breaks them off."""
    threads = [threading.Thread(target=one.talk, args=(chance.uniform(0, 1.5),), daemon=True) for one in clients]
    for thread in threads:
        thread.start()
    enough = chance.randrange(len(clients) * EVENTS)  # counted, not timed: machines differ
    deadline = time.monotonic() + LONGEST_S
    while sum(one.heard for one in clients) < enough and any(thread.is_alive() for thread in threads):
        assert time.monotonic() < deadline
        time.sleep(0.003)
    yield
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def go_on(served: Served, conversations: Sequence[str]) -> None:
    """Asks something in every conversation at once, and looks through all that stands there."""
    with ThreadPoolExecutor(len(conversations)) as pool:
        list(pool.map(lambda one: ask_whole(served, one), conversations))
    for conversation in conversations:
        check_history(served.read_messages(conversation))


def ask_whole(served: Served, conversation: str) -> None:
    said = served.ask(f"/v1/conversations/{conversation}/messages", {"content": f"And {uuid4().hex}?"})
    assert said["turn"]["status"] == "complete", said["turn"]["error"]
    assert [one["role"] for one in said["messages"]] == ["user", "assistant", "tool", "assistant"]


def check_what_was_told(served: Served, client: Client) -> None:
    stored = served.read_messages(client.conversation)
    asked = [one for one in stored if one["content"] == client.question]
    assert len(asked) <= 1, "a question stands there twice"
    assert client.status in {None, 200}
    assert asked or client.status is None, "a question that was taken is lost"
    by_place = {one["position"]: one for one in stored}
    for place, text in client.texts.items():
        assert by_place[place]["content"].startswith(text), "words that were told are lost"
    for message in client.messages:
        assert by_place[message["position"]] == message, "a message that was told is another one now"
    if client.ended is not None:
        turn = served.ask(f"/v1/turns/{client.ended['id']}")["turn"]
        assert turn == client.ended


def check_history(messages: list[Message]) -> None:
    """Holds that a model can be given all of it, and that nothing stands there twice."""
    assert [one["position"] for one in messages] == list(range(len(messages)))
    whole = [(one["role"], one["content"]) for one in messages if one["content"] and one["role"] != "tool"]
    assert len(whole) == len(set(whole)), "something stands there twice"
    results = [one["tool_result"]["tool_call_id"] for one in messages if one["tool_result"]]
    assert len(results) == len(set(results)), "a call has two results"
    calls = {call["id"] for one in messages for call in one["tool_calls"]}
    assert set(results) <= calls
    for before, after in pairwise(messages):
        if after["tool_result"]:
            assert before["tool_calls"] or before["tool_result"], "a result stands apart from its call"
        if not before["is_complete"]:
            assert after["role"] == "user", "an answer that broke off is followed by another"


def let_leases_run_out(shell: Shell) -> None:
    """Stands for the half minute after which a dead process's turns are free."""
    with psycopg.connect(superuser_url(shell.home), dbname="tahoe", autocommit=True) as connection:
        connection.execute("UPDATE agent_engine.turn SET leased_until = now() WHERE status = 'running'")
