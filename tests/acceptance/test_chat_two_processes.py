"""Two processes serve one conversation: one question at a time is taken, whichever of them is asked.

Each tells what the other writes, and goes on where the other died.
"""

import contextlib
import http.client
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from journey import Shell
from served import Served, find_free_port, start, wait_until_ready
from tahoe_core.postgres.testing import temporary_home
from tahoe_engine.chat.journal import LEASE
from tahoe_engine.runtime.testing.replies import Reply
from tahoe_engine.runtime.testing.scripted_model import Asked, ScriptedModel

ROUNDS = 8
CLIENTS = 3
"""At each of the two processes."""
LONGEST_S = 30
WORD = re.compile(r"word-[0-9a-f]{8}")


def echo(question: str, times: int = 8) -> str:
    """Returns the answer to a question: its word, again and again."""
    [word] = WORD.findall(question)
    return " ".join(f"{word}.{number}" for number in range(times))


def ask_for_a_word() -> str:
    """Makes a question that no other is like."""
    return f"Repeat word-{uuid4().hex[:8]}, please."


@dataclass
class Parrot:
    """Answers with the word of the question, in pieces, once it may."""

    may_answer: threading.Event = field(default_factory=threading.Event)
    times: int = 8

    def __call__(self, asked: Asked) -> Reply:
        assert self.may_answer.wait(LONGEST_S)
        return Reply(text=echo(str(asked.body["messages"][-1]["content"]), self.times), between_s=0.04)


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    kind: str
    id: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """What a request was answered: events of a turn, or a problem."""

    status: int
    media_type: str
    turn: str
    events: Sequence[Event] = ()
    problem: Any = None

    @property
    def text(self) -> str:
        return "".join(event.data["text"] for event in self.events if event.kind == "text")


def say(served: Served, conversation: str, question: str, until: str) -> Heard:
    """Asks something, and breaks off after the first event of a kind."""
    body = json.dumps({"content": question})
    return listen(served, "POST", f"/v1/conversations/{conversation}/messages?stream=true", until, body=body)


def follow(served: Served, turn: str, after: str, until: str = "end") -> Heard:
    """Follows a turn from the event with this id on."""
    return listen(served, "GET", f"/v1/turns/{turn}/events", until, after=after)


def listen(served: Served, method: str, path: str, until: str, *, body: str | None = None, after: str = "") -> Heard:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=LONGEST_S)
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json", "Last-Event-ID": after}
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        with contextlib.closing(connection.getresponse()) as response:
            turn = response.headers.get("Location", "").rpartition("/")[2]
            media_type = response.headers.get_content_type()
            if response.status != 200:
                return Heard(response.status, media_type, turn, problem=json.load(response))
            return Heard(response.status, media_type, turn, list(read_events(response, until)))


def read_events(response: http.client.HTTPResponse, until: str) -> Iterator[Event]:
    """Yields events, up to the first one of a kind."""
    fields: dict[str, str] = {}
    while line := response.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
            continue
        event = Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
        yield event
        if event.kind == until:
            return
        fields = {}
    raise AssertionError(f"The stream ended before any {until}.")


@dataclass(frozen=True)
class Pair:
    """Two processes on one home, and the model behind both."""

    served: tuple[Served, Served]
    processes: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]
    parrot: Parrot


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Starts both at once, and once for all tests: the last of them leaves one dead."""
    parrot = Parrot()
    parrot.may_answer.set()
    with temporary_home() as home, ScriptedModel(answer=parrot) as model:
        shell = Shell(home, tmp_path_factory.mktemp("two"))
        ports = find_free_port(), find_free_port()
        one, two = (start(shell, port, LLM_MODEL="small", LLM_BASE_URL=model.base_url) for port in ports)
        try:
            served = wait_until_ready(shell, ports[0], one), wait_until_ready(shell, ports[1], two)
            served[0].ask("/v1/agents", {"name": "Ada", "status": "active"})
            yield Pair(served, (one, two), parrot)
        finally:
            for process in (one, two):
                process.terminate()
            for process in (one, two):
                process.wait(timeout=60)


class TestQuestionsAtOnce:
    def test_one_is_taken_and_the_others_are_told_to_wait(self, pair: Pair) -> None:
        conversation = pair.served[0].ask("/v1/conversations", {"agent": "ada"})["id"]
        questions: list[str] = []
        for _ in range(ROUNDS):
            pair.parrot.may_answer.clear()  # or a quick answer would be over before the slowest client asks
            question, taker, taken = ask_at_once(pair, conversation)
            pair.parrot.may_answer.set()
            questions.append(question)
            [told] = taken.events
            assert (told.data["role"], told.data["content"]) == ("user", question)
            [other] = [one for one in pair.served if one is not taker]
            check_what_another_tells(other, taken.turn, told.id, echo(question))
        messages, *others = [served.read_messages(conversation) for served in pair.served]
        assert others == [messages]
        assert [one["position"] for one in messages] == list(range(2 * ROUNDS))
        assert [(one["role"], one["content"]) for one in messages] == [
            said for question in questions for said in (("user", question), ("assistant", echo(question)))
        ]
        assert all(one["is_complete"] for one in messages)


def ask_at_once(pair: Pair, conversation: str) -> tuple[str, Served, Heard]:
    """Lets clients of both ask at one moment; returns the question that was taken, by whom, and what was heard."""
    asked = [(served, ask_for_a_word()) for served in pair.served * CLIENTS]
    gate = threading.Barrier(len(asked))

    def ask(one: tuple[Served, str]) -> Heard:
        gate.wait(LONGEST_S)
        return say(one[0], conversation, one[1], until="message")

    with ThreadPoolExecutor(len(asked)) as pool:
        heard = list(pool.map(ask, asked))
    assert sorted(one.status for one in heard) == [200] + [409] * (len(asked) - 1)
    for one in heard:
        if one.status != 200:
            check_refusal(one)
    place = next(place for place, one in enumerate(heard) if one.status == 200)
    return asked[place][1], asked[place][0], heard[place]


def check_refusal(heard: Heard) -> None:
    assert (heard.status, heard.media_type) == (409, "application/problem+json")
    assert heard.problem["status"] == 409
    assert heard.problem["detail"].endswith("Wait for its end, or cancel it.")


def check_what_another_tells(other: Served, turn: str, after: str, answer: str) -> None:
    """Follows a turn in the process that does not run it, is cut off, and takes it up again; nothing is told twice."""
    first = follow(other, turn, after, until="text")
    rest = follow(other, turn, first.events[-1].id)
    assert first.text + rest.text == answer
    *texts, whole, end = [*first.events, *rest.events]
    assert {event.kind for event in texts} == {"text"}
    assert (whole.kind, whole.data["role"], whole.data["content"]) == ("message", "assistant", answer)
    assert (end.kind, end.data["status"]) == ("end", "complete")


class TestADeadProcess:
    def test_is_waited_for_until_its_lease_has_run_out_and_then_the_other_goes_on(self, pair: Pair) -> None:
        (dying, living), (process, _) = pair.served, pair.processes
        pair.parrot.times = 500  # so long that the answer cannot be over before its process is
        conversation = living.ask("/v1/conversations", {"agent": "ada"})["id"]
        first, second = ask_for_a_word(), ask_for_a_word()
        begun = say(dying, conversation, first, until="text")
        process.kill()
        process.wait(timeout=10)
        died = time.monotonic()
        check_refusal(say(living, conversation, second, until="end"))
        rest = follow(living, begun.turn, begun.events[-1].id)
        assert (rest.events[-1].kind, rest.events[-1].data["status"]) == ("end", "unfinished")
        assert time.monotonic() - died < LEASE.total_seconds() + 5
        pair.parrot.times = 8
        said = say(living, conversation, second, until="end")
        assert (said.text, said.events[-1].data["status"]) == (echo(second), "complete")

        half = begun.text + rest.text
        assert echo(first, 500).startswith(half)
        assert [
            (one["position"], one["role"], one["content"], one["is_complete"])
            for one in living.read_messages(conversation)
        ] == [
            (0, "user", first, True),
            (1, "assistant", half, False),
            (2, "user", second, True),
            (3, "assistant", echo(second), True),
        ]
        turn = living.ask(f"/v1/turns/{begun.turn}")["turn"]
        assert (turn["status"], turn["finished_at"] is not None) == ("unfinished", True)
