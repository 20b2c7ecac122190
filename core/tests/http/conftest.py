"""A small service that is made of the whole kit, served on a real socket."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, Self
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tahoe_core.cache.keyspace import Keyspace
from tahoe_core.cache.memory import MemoryCache
from tahoe_core.cache.port import Cache
from tahoe_core.db.page import Cursor
from tahoe_core.db.page import Page as RowPage
from tahoe_core.errors import NotFoundError, TahoeError, UnavailableError
from tahoe_core.http.app import HttpService, create_http_app
from tahoe_core.http.authentication import CurrentPrincipal
from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.probes import ReadinessCheck
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_core.security.principal import Principal, ServiceTokenAuthenticator
from tahoe_core.security.service_token import create_service_token

MAX_BODY_BYTES = 100_000
MAX_SMALL_BODY_BYTES = 1000
TEAM = uuid4()
TOKEN = create_service_token()


class Turn(BaseModel):
    speaker: str = Field(min_length=1)
    text: str


class NoteIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    kind: Literal["call", "chat"] = "call"
    weight: Annotated[float, Field(ge=0, le=1)] | None = None
    turns: list[Turn] = []
    metadata: dict[str, Any] = {}
    weights: dict[Annotated[str, Field(pattern="^[a-z]+$", max_length=9)], float] = {}
    anything: Any = None

    @model_validator(mode="after")
    def _calls_are_heard(self) -> Self:
        if self.kind == "call" and self.title == "silence":
            raise ValueError("a call is not silent")
        return self


class Note(NoteIn):
    id: UUID
    made_at: datetime


ClientOf = Callable[[Cache], AbstractAsyncContextManager[httpx.AsyncClient]]


@dataclass
class Notes:
    """What the sample service stores, and how often it was asked to."""

    rows: dict[UUID, Note] = field(default_factory=dict)
    made: int = 0
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    makers: list[Principal] = field(default_factory=list)
    gate: asyncio.Event | None = None
    commit_fails: bool = False
    store_is_up: bool = True
    store_hangs: bool = False


def notes_router(notes: Notes) -> APIRouter:
    router = create_router("/v1/notes", "notes")
    add_reading(router, notes)

    async def unit_of_work() -> AsyncIterator[None]:
        yield
        if notes.commit_fails:
            raise UnavailableError("The store is gone.")

    @router.post("", status_code=HTTPStatus.CREATED, dependencies=[Depends(unit_of_work, scope="function")])
    async def create_note(note: NoteIn, principal: CurrentPrincipal, response: Response) -> Note:
        notes.made += 1
        notes.was_asked.set()
        if notes.gate:
            await notes.gate.wait()
        if note.title == "fail":
            raise UnavailableError("The store does not answer.", cure="Wait.")
        made = Note(id=uuid4(), made_at=datetime.now(UTC), **note.model_dump())
        notes.rows[made.id] = made
        notes.makers.append(principal)
        response.headers["Location"] = f"/v1/notes/{made.id}"
        return made

    return router


def add_reading(router: APIRouter, notes: Notes) -> None:
    @router.get("")
    async def list_notes(page: RequestedPage, title: str = "") -> Page[Note]:
        rows = [row for row in notes.rows.values() if title in row.title]
        if page.after:
            rows = [row for row in rows if row.made_at > page.after.created_at]
        last = rows[: page.limit][-1] if len(rows) > page.limit else None
        cursor = Cursor(last.made_at, last.id).encode() if last else None
        return Page.of(RowPage(rows[: page.limit], cursor), lambda row: row)

    @router.get("/{note_id}", responses=problem_responses(404))
    async def get_note(note_id: UUID) -> Note:
        if note_id not in notes.rows:
            raise NotFoundError(f"There is no note {note_id}.")
        return notes.rows[note_id]

    @router.get("/named/{name}", responses=problem_responses(404))
    async def get_named_note(name: str) -> Note:
        for note in notes.rows.values():
            if note.title == name:
                return note
        raise NotFoundError("There is no note of this name.")


def small_router() -> APIRouter:
    """A route that reads less than the service does; so little that the document does not show it."""
    router = create_router("/v1/small", "notes", max_body_bytes=MAX_SMALL_BODY_BYTES)

    @router.post("", include_in_schema=False)
    async def echo_turn(turn: Turn) -> Turn:
        return turn

    return router


def private_router(notes: Notes) -> APIRouter:
    """A route whose answers no cache may keep; the document does not show it."""
    router = create_router("/v1/private", "notes", may_be_stored=False)

    @router.post("", include_in_schema=False, status_code=HTTPStatus.CREATED)
    async def create_private_note(turn: Turn, response: Response) -> Turn:
        notes.made += 1
        response.headers["Location"] = f"/v1/private/{notes.made}"
        return turn

    return router


def broken_router() -> APIRouter:
    """Routes that fail in each way a route can; the document does not show them."""
    router = create_router("/v1/broken", "broken")

    @router.get("/unexpected", include_in_schema=False)
    async def break_unexpectedly() -> None:
        raise RuntimeError("postgresql://app:hunter2@db/tahoe is what nobody may see")

    @router.get("/expected", include_in_schema=False)
    async def break_expectedly() -> None:
        raise TahoeError("The ledger does not add up.", cure="Tell us.")

    @router.get("/half", include_in_schema=False)
    async def break_halfway() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("the other half is lost")

        return StreamingResponse(pieces())

    return router


def make_app(notes: Notes, cache: Cache | None = None) -> FastAPI:
    async def ask_store() -> None:
        if notes.store_hangs:
            await asyncio.sleep(60)
        if not notes.store_is_up:
            raise ConnectionError("postgresql://app:hunter2@db/tahoe does not answer")

    return create_http_app(
        HttpService(
            title="Notes",
            version="1.0",
            description="A sample.",
            routers=[notes_router(notes), small_router(), private_router(notes), broken_router()],
            tags={"notes": "What was noted."},
            authenticator=ServiceTokenAuthenticator(TEAM, TOKEN),
            cache=cache or MemoryCache(),
            keyspace=Keyspace("notes:"),
            max_body_bytes=MAX_BODY_BYTES,
            readiness=[ReadinessCheck("store", ask_store, timeout_s=0.2)],
        )
    )


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serves the app on a free port of this machine; gives its base URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done()
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture(scope="session")
async def served() -> AsyncIterator[tuple[str, Notes, MemoryCache]]:
    """One server for all tests; what it stores is emptied before each."""
    notes, cache = Notes(), MemoryCache()
    async with serving(make_app(notes, cache)) as url:
        yield url, notes, cache


@pytest.fixture
async def notes(served: tuple[str, Notes, MemoryCache]) -> Notes:
    _, notes, cache = served
    notes.__init__()  # type: ignore[misc]  # as new, but the very object that the server holds
    await cache.aclose()
    return notes


@pytest.fixture
async def base_url(served: tuple[str, Notes, MemoryCache], notes: Notes) -> str:
    return served[0]


@pytest.fixture
async def client(base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {TOKEN.get_secret_value()}"}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=10) as client:
        yield client


@pytest.fixture
def client_of(notes: Notes) -> ClientOf:
    @asynccontextmanager
    async def open_client(cache: Cache) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {TOKEN.get_secret_value()}"}
        async with (
            serving(make_app(notes, cache)) as url,
            httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as client,
        ):
            yield client

    return open_client


@pytest.fixture
async def stranger(base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=base_url, timeout=10) as client:
        yield client


@pytest.fixture
def token() -> str:
    return TOKEN.get_secret_value()


@pytest.fixture
def team_id() -> UUID:
    return TEAM


@pytest.fixture
def max_body_bytes() -> int:
    return MAX_BODY_BYTES


@pytest.fixture
def max_small_body_bytes() -> int:
    return MAX_SMALL_BODY_BYTES


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="tahoe_core")
    return caplog
