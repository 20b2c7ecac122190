"""ADK's session service on a real Postgres, held to what ADK's own services do."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions.base_session_service import GetSessionConfig
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from google.adk.sessions.session import Session
from google.genai import types
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.engine import get_session_factory
from tahoe_core.errors import InvalidInputError, PayloadTooLargeError
from tahoe_engine.chat import kept_sessions
from tahoe_engine.chat.kept_sessions import KeptSessions
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.runtime.session_service import TahoeSessionService

Open = Callable[[UUID], TahoeSessionService]


@pytest.fixture
def open_service(engine: AsyncEngine) -> Open:
    return lambda team: TahoeSessionService(KeptSessions(get_session_factory(engine), team))


@pytest.fixture
def service(open_service: Open, team_id: UUID) -> TahoeSessionService:
    return open_service(team_id)


def event(text: str = "Hello.", **fields: Any) -> Event:  # noqa: ANN401 - of an event
    content = types.Content(role="user", parts=[types.Part(text=text)])
    return Event(**{"author": "user", "invocation_id": "i1", "content": content, **fields})


def changing(**state: object) -> Event:
    delta = {key.replace("__", ":"): value for key, value in state.items()}
    return Event(author="bot", invocation_id="i1", actions=EventActions(state_delta=delta))


async def begin(service: TahoeSessionService, session_id: str | None = None, **given: Any) -> Session:  # noqa: ANN401
    return await service.create_session(**{"app_name": "shop", "user_id": "ann", "session_id": session_id, **given})


async def find(
    service: TahoeSessionService, session_id: str, config: GetSessionConfig | None = None, **given: str
) -> Session | None:
    names: Any = {"app_name": "shop", "user_id": "ann", "session_id": session_id, **given}
    return await service.get_session(**names, config=config)


async def read(service: TahoeSessionService, session_id: str, config: GetSessionConfig | None = None) -> Session:
    session = await find(service, session_id, config)
    assert session is not None
    return session


def say(session: Session) -> list[str]:
    return [(one.content.parts or [])[0].text or "" for one in session.events if one.content]


class TestCreating:
    async def test_gives_an_id_where_none_is_given(self, service: TahoeSessionService) -> None:
        first, second = await begin(service), await begin(service, "  ")
        assert first.id
        assert first.id != second.id.strip() != ""
        assert await find(service, first.id) == first

    async def test_takes_the_id_that_is_given(self, service: TahoeSessionService) -> None:
        assert (await begin(service, " s1 ")).id == "s1"
        assert await find(service, "s1 ") is not None

    async def test_of_an_id_that_is_taken_is_refused(self, service: TahoeSessionService) -> None:
        await begin(service, "s1")
        with pytest.raises(AlreadyExistsError, match="already"):
            await begin(service, "s1")

    async def test_by_many_at_once_makes_one(self, service: TahoeSessionService) -> None:
        state = {"app:a": 1, "user:b": 2}
        made = await asyncio.gather(*(begin(service, "s1", state=state) for _ in range(6)), return_exceptions=True)
        assert [isinstance(one, Session) for one in made].count(True) == 1
        assert all(isinstance(one, Session | AlreadyExistsError) for one in made)

    async def test_of_many_for_the_first_time_keeps_the_state_of_each(self, service: TahoeSessionService) -> None:
        await asyncio.gather(*(begin(service, f"s{n}", state={f"app:{n}": n, f"user:{n}": n}) for n in range(6)))
        expected = {f"{scope}:{n}": n for scope in ("app", "user") for n in range(6)}
        assert (await read(service, "s1")).state == expected

    @pytest.mark.parametrize("given", [{"app_name": "a\0"}, {"user_id": "\ud800"}, {"session_id": "s" * 201}])
    async def test_of_a_name_that_cannot_be_kept_is_refused(
        self, service: TahoeSessionService, given: dict[str, str]
    ) -> None:
        with pytest.raises(InvalidInputError):
            await begin(service, **given)

    async def test_keeps_names_apart_that_look_alike(self, service: TahoeSessionService) -> None:
        names = [("a", "b/c", "d"), ("a/b", "c", "d"), ("a", 'b","c', "d"), ("a", "b", 'c","d'), ("a\nb", "c", "d")]
        long = [("a" * 200, "b" * 200, "c" * 200), ("a" * 200, "b" * 200, "c" * 199)]
        for app, user, session in names + long:
            await begin(service, session, app_name=app, user_id=user)
        for app, user, session in names + long:
            found = await find(service, session, app_name=app, user_id=user)
            assert found is not None
            assert (found.app_name, found.user_id, found.id) == (app, user, session)
            assert found in (await service.list_sessions(app_name=app, user_id=user)).sessions


class TestGetting:
    async def test_returns_nothing_where_there_is_nothing(self, service: TahoeSessionService) -> None:
        await begin(service, "s1")
        assert await find(service, "s2") is None
        assert await find(service, "s1", user_id="ben") is None
        assert await find(service, "s1", app_name="bank") is None
        assert await find(service, "s\0") is None

    async def test_returns_what_was_written_in_its_order(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        # Clocks of two programs differ: what came last stays last.
        for number, moment in enumerate((20.5, 10.25, 30.125)):
            await service.append_event(session, event(str(number), timestamp=moment))
        again = await read(service, "s1")
        assert say(again) == ["0", "1", "2"]
        assert again == session
        assert again.last_update_time == 30.125

    async def test_returns_the_newest_or_those_since(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        for number in range(1, 6):
            await service.append_event(session, event(str(number), timestamp=float(number)))

        async def told(**config: float) -> list[str]:
            return say(await read(service, "s1", GetSessionConfig.model_validate(config)))

        assert await told(num_recent_events=3) == ["3", "4", "5"]
        assert await told(num_recent_events=0) == []
        assert await told(after_timestamp=4.0) == ["4", "5"]
        assert await told(after_timestamp=4.0, num_recent_events=3) == ["4", "5"]
        assert await told(after_timestamp=2.0, num_recent_events=1) == ["5"]
        assert await told(after_timestamp=50.0) == []

    async def test_of_a_part_can_be_written_to(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        for number in range(3):
            await service.append_event(session, event(str(number)))
        part = await read(service, "s1", GetSessionConfig(num_recent_events=1))
        await service.append_event(part, event("3"))
        assert say(await read(service, "s1")) == ["0", "1", "2", "3"]


class TestListing:
    async def test_is_of_a_user_or_of_all_without_events(self, service: TahoeSessionService) -> None:
        first = await begin(service, "s1", state={"a": 1, "app:b": 2})
        await begin(service, "s2", user_id="ben", state={"user:c": 3})
        await begin(service, "s3", app_name="bank")
        await service.append_event(first, event(timestamp=first.last_update_time + 100))
        mine = (await service.list_sessions(app_name="shop", user_id="ann")).sessions
        assert [(one.id, one.events, one.state) for one in mine] == [("s1", [], {"a": 1, "app:b": 2})]
        listed = (await service.list_sessions(app_name="shop")).sessions
        assert [(one.id, one.state) for one in listed] == [
            ("s2", {"app:b": 2, "user:c": 3}),
            ("s1", {"a": 1, "app:b": 2}),
        ]
        assert (await service.list_sessions(app_name="none")).sessions == []
        assert (await service.list_sessions(app_name="shop", user_id="\ud800")).sessions == []

    async def test_takes_a_user_without_a_name_for_one(self, service: TahoeSessionService) -> None:
        await begin(service, "s1")
        assert (await service.list_sessions(app_name="shop", user_id="")).sessions == []


class TestDeleting:
    async def test_hides_a_session_and_keeps_its_id(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1", state={"user:a": 1})
        for _ in range(2):
            await service.delete_session(app_name="shop", user_id="ann", session_id=" s1")
        assert await find(service, "s1") is None
        assert (await service.list_sessions(app_name="shop")).sessions == []
        with pytest.raises(SessionNotFoundError):
            await service.append_event(session, event())
        with pytest.raises(AlreadyExistsError, match="deleted; what it said is kept, so its id may not be used again"):
            await begin(service, "s1")
        assert await service.get_user_state(app_name="shop", user_id="ann") == {"a": 1}

    async def test_of_what_there_is_not_does_nothing(self, service: TahoeSessionService) -> None:
        await service.delete_session(app_name="shop", user_id="ann", session_id="s1")
        await begin(service, "s1")


class TestState:
    async def test_is_shared_as_its_prefix_says(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1", state={"own": 1, "app:all": 2, "user:mine": 3, "temp:now": 4})
        assert session.state == {"own": 1, "app:all": 2, "user:mine": 3}
        await service.append_event(session, changing(own=5, app__all=6, user__mine=7, temp__now=8, more=[None]))
        assert session.state["temp:now"] == 8
        kept = {"own": 5, "app:all": 6, "user:mine": 7, "more": [None]}
        again = await read(service, "s1")
        assert again.state == kept
        assert again.events[0].actions.state_delta == kept
        assert (await begin(service, "s2")).state == {"app:all": 6, "user:mine": 7}
        assert (await begin(service, "s3", user_id="ben")).state == {"app:all": 6}
        assert (await begin(service, "s4", app_name="bank")).state == {}
        assert await service.get_user_state(app_name="shop", user_id="ann") == {"mine": 7}
        assert await service.get_user_state(app_name="shop", user_id="ben") == {}

    async def test_keeps_what_postgres_alone_could_not(self, service: TahoeSessionService) -> None:
        state = {"a\0": "\ud800", "big": 10**40, "list": [1.5, None, {"x": "é"}]}
        session = await begin(service, "s1", state=state)
        assert session.state == state
        assert (await read(service, "s1")).state == state

    async def test_with_a_name_that_json_cannot_say_is_refused(self, service: TahoeSessionService) -> None:
        with pytest.raises(InvalidInputError, match="half of a surrogate pair"):
            await begin(service, state={"\ud800": 1})

    async def test_of_what_is_no_json_is_described_and_said(
        self, service: TahoeSessionService, caplog: pytest.LogCaptureFixture
    ) -> None:
        session = await begin(service, "s1", state={"made": print})
        assert session.state == {"made": "<built-in function print>"}
        assert "no JSON" in caplog.text
        with pytest.raises(InvalidInputError):
            await begin(service, "s2", state={"made": b"\xff"})

    async def test_that_is_too_large_is_refused_with_its_event(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        with pytest.raises(PayloadTooLargeError, match="state takes"):
            await service.append_event(session, changing(own=1, app__large="a" * 1_000_001))
        again = await read(service, "s1")
        assert (again.events, again.state) == ([], {})

    async def test_of_an_application_changed_by_many_sessions_loses_nothing(self, service: TahoeSessionService) -> None:
        sessions = [await begin(service, f"s{number}") for number in range(6)]
        await asyncio.gather(
            *(
                service.append_event(session, changing(**{f"app__{number}": number, f"user__{number}": number}))
                for number, session in enumerate(sessions)
            )
        )
        expected = {f"{scope}:{n}": n for scope in ("app", "user") for n in range(6)}
        assert (await read(service, "s0")).state == expected


class TestAppending:
    async def test_of_a_partial_event_writes_nothing(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        await service.append_event(session, event(partial=True))
        assert session.events == []
        assert (await read(service, "s1")).events == []

    async def test_to_a_session_that_is_not_there_is_refused(self, service: TahoeSessionService) -> None:
        with pytest.raises(SessionNotFoundError):
            await service.append_event(Session(id="s1", app_name="shop", user_id="ann"), event())

    async def test_of_what_is_too_large_is_refused(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        picture = types.Part(inline_data=types.Blob(data=b"1" * 6_000_000, mime_type="image/png"))
        with pytest.raises(PayloadTooLargeError, match="more than 8000000"):
            await service.append_event(session, event(content=types.Content(role="user", parts=[picture])))
        picture = types.Part(inline_data=types.Blob(data=b"1" * 5_000_000, mime_type="image/png"))
        await service.append_event(session, event(content=types.Content(role="user", parts=[picture])))
        assert await read(service, "s1") == session

    async def test_keeps_null_bytes(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        written = await service.append_event(session, event("a\0b\ud800", id="e\0", author="b\0t"))
        assert (await read(service, "s1")).events == [written]

    async def test_that_fails_on_the_way_writes_nothing(
        self, service: TahoeSessionService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = await begin(service, "s1", state={"own": 1, "app:all": 1, "user:mine": 1})
        before = session.model_copy(deep=True)

        async def fail(*_: object) -> None:
            raise ConnectionError

        with monkeypatch.context() as patch:
            patch.setattr(MessageRepository, "append", fail)
            with pytest.raises(ConnectionError):
                await service.append_event(session, changing(own=2, app__all=2, user__mine=2))
        assert session == before == await read(service, "s1")
        await service.append_event(session, changing(own=3, app__all=3, user__mine=3))
        assert set((await read(service, "s1")).state.values()) == {3}


class TestTwoWriters:
    async def test_who_has_not_read_the_newest_event_is_refused(self, service: TahoeSessionService) -> None:
        first = await begin(service, "s1")
        second = await read(service, "s1")
        # The same moment, to the microsecond: a revision is no clock.
        await service.append_event(first, event("1", timestamp=first.last_update_time))
        with pytest.raises(StaleSessionError, match="Read it again"):
            await service.append_event(second, changing(own=1, app__all=1))
        assert second.events == []
        again = await read(service, "s1")
        assert (say(again), again.state) == (["1"], {})
        await service.append_event(again, event("2"))
        assert say(await read(service, "s1")) == ["1", "2"]

    async def test_who_did_not_read_it_here_is_known_by_the_last_event(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        written = await service.append_event(session, event("1", timestamp=session.last_update_time + 5))
        unread = Session(id="s1", app_name="shop", user_id="ann")
        with pytest.raises(StaleSessionError):
            await service.append_event(unread, event("2"))
        known = Session(id="s1", app_name="shop", user_id="ann", events=[written])
        await service.append_event(known, event("2"))
        assert say(await read(service, "s1")) == ["1", "2"]

    async def test_of_one_session_in_memory_take_turns(self, service: TahoeSessionService) -> None:
        session = await begin(service, "s1")
        await asyncio.gather(*(service.append_event(session, event(str(number))) for number in range(8)))
        assert len(session.events) == 8
        assert (await read(service, "s1")).events == session.events

    async def test_in_two_programs_lose_and_mix_nothing(self, open_service: Open, team_id: UUID) -> None:
        await begin(open_service(team_id), "s1", state={"count": 0})

        async def write(name: str) -> int:
            service, refused = open_service(team_id), 0
            for number in range(5):
                while True:
                    session = await read(service, "s1")
                    try:
                        await service.append_event(
                            session,
                            event(
                                f"{name}{number}",
                                actions=EventActions(state_delta={"count": session.state["count"] + 1}),
                            ),
                        )
                    except StaleSessionError:
                        refused += 1
                    else:
                        break
            return refused

        await asyncio.gather(*(write(name) for name in "abc"))
        session = await read(open_service(team_id), "s1")
        assert session.state["count"] == 15
        for name in "abc":
            assert [text for text in say(session) if text[0] == name] == [f"{name}{n}" for n in range(5)]


class TestTeams:
    async def test_do_not_see_each_other(self, service: TahoeSessionService, open_service: Open) -> None:
        session = await begin(service, "s1", state={"own": 1, "app:all": 1, "user:mine": 1})
        other = open_service(uuid4())
        assert await find(other, "s1") is None
        assert (await other.list_sessions(app_name="shop")).sessions == []
        assert await other.get_user_state(app_name="shop", user_id="ann") == {}
        with pytest.raises(SessionNotFoundError):
            await other.append_event(session.model_copy(deep=True), event())
        await other.delete_session(app_name="shop", user_id="ann", session_id="s1")
        assert (await begin(other, "s1")).state == {}
        assert await read(service, "s1") == session


async def test_does_as_adks_own_service_in_memory(service: TahoeSessionService) -> None:
    told = []
    for one in (service, InMemorySessionService()):
        first = await one.create_session(app_name="shop", user_id="ann", session_id="s1", state={"app:x": 1, "y": 2})
        for number in range(3):
            await one.append_event(
                first,
                event(
                    str(number),
                    id=f"e{number}",
                    timestamp=2e9 + number,
                    actions=EventActions(state_delta={"user:n": number, "temp:t": 1}),
                ),
            )
        got = await one.get_session(app_name="shop", user_id="ann", session_id="s1")
        assert got is not None
        listed = (await one.list_sessions(app_name="shop")).sessions
        told.append(
            (
                [each.model_dump() for each in (first, got, *listed)],
                await one.get_user_state(app_name="shop", user_id="ann"),
            )
        )
    assert told[0] == told[1]


def test_bounds_are_those_of_the_guide() -> None:
    assert (kept_sessions.MAX_EVENT_BYTES, kept_sessions.MAX_STATE_BYTES) == (8_000_000, 1_000_000)
