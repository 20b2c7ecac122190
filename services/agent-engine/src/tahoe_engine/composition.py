"""The one place where the engine's parts meet: settings in, services out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from tahoe_core.cache.opening import open_cache
from tahoe_core.cache.port import Cache
from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine, get_session_factory
from tahoe_core.errors import UnavailableError
from tahoe_core.security.identity import Identity, load_identity
from tahoe_core.settings import read_environment
from tahoe_engine.db.revision import HEAD, find_revision, is_enough
from tahoe_engine.embedding.deferred import DeferredEmbedding
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.embedding.port import Embedder
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.recalling import MemoryRecaller
from tahoe_engine.memory.tidying import MemoryTidying
from tahoe_engine.memory.upkeep import NoUpkeep, UpkeepRequests
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.settings import EngineSettings
from tahoe_engine.workflows.keeping import keep_working
from tahoe_engine.workflows.requests import UpkeepQueue

if TYPE_CHECKING:
    from tahoe_engine.chat.serving import Chat
    from tahoe_engine.runtime.provider_keys import ProviderKeys

_LOADING = Lock()
_QUERIES_REMEMBERED = 1024


@dataclass(frozen=True)
class Services:
    """What the engine's doors (HTTP, the command line) work with.

    Attributes:
        embedding: Of memories; nothing of it is loaded before somebody embeds.
        upkeep: Where memory asks for its upkeep.
        background: What works beside a server for as long as it serves.
    """

    settings: EngineSettings
    identity: Identity
    database: AsyncEngine
    schema: str
    sessions: async_sessionmaker[AsyncSession]
    cache: Cache
    kit: CheckKit
    embedding: MemoryEmbedding
    upkeep: UpkeepRequests = field(default_factory=NoUpkeep)
    background: Callable[[], AbstractAsyncContextManager[None]] = nullcontext

    def memories(self, team_id: UUID, actor: str) -> Memories:
        """Returns the memory of a team.

        Args:
            team_id: Whose it is.
            actor: Who acts, for the log.
        """
        return Memories(self.sessions, team_id, self.embedding, self.upkeep, actor)

    def recaller(self, team_id: UUID) -> MemoryRecaller:
        """Returns what finds the memories that a team's agents are shown, and knows which they were shown."""
        return MemoryRecaller(self.sessions, team_id, self.embedding)

    @cached_property
    def chat(self) -> "Chat":
        """What lets agents answer, made when first needed."""
        return compose_chat(self)

    async def check_database(self) -> None:
        """Returns if the database answers and stands at the migration that this code needs, or at a later one.

        Raises:
            UnavailableError: It does not.
        """
        async with self.database.connect() as connection:
            revision = await find_revision(connection, self.schema)
        if not is_enough(revision):
            raise UnavailableError(
                f"The schema {self.schema} stands at migration {revision or 'none'}, not at {HEAD}.",
                cure="Run: tahoe db upgrade",
            )

    async def aclose(self) -> None:
        """Closes every connection."""
        if "chat" in vars(self):
            await self.chat.aclose()
        await asyncio.to_thread(self.embedding.close)
        await self.cache.aclose()
        await self.database.dispose()


def compose(settings: EngineSettings, address: DatabaseAddress, upkeep: UpkeepRequests | None = None) -> Services:
    """Builds the services; nothing is connected yet.

    Args:
        settings: What the environment says.
        address: Where the application's role finds its tables.
        upkeep: Where memory asks for its upkeep; None: nowhere.

    Raises:
        ReadError: The identity in the home is damaged, or open to others.
    """
    options = EngineOptions(
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        application_name="tahoe agent-engine",
    )
    database = get_engine(address, options)
    return Services(
        settings=settings,
        identity=find_identity(settings),
        database=database,
        schema=address.schema,
        sessions=get_session_factory(database),
        cache=open_cache(settings.redis_url),
        kit=CheckKit(load_embedder=load_embedder, pattern_timeout=settings.pattern_timeout_ms / 1000),
        embedding=DeferredEmbedding(lambda: build_memory_embedding(settings)),
        upkeep=upkeep or NoUpkeep(),
    )


def compose_server(settings: EngineSettings, address: DatabaseAddress) -> Services:
    """Builds the services of a process that serves: it also works on what is to be done in the background.

    Raises:
        ReadError: The identity in the home is damaged, or open to others.
    """
    queue = UpkeepQueue(address)
    services = compose(settings, address, queue)

    @asynccontextmanager
    async def background() -> AsyncIterator[None]:
        try:
            from tahoe_engine.chat.serving import TeamUpkeep  # noqa: PLC0415 - as in compose_chat

            tidying = MemoryTidying(services.sessions, lambda: services.embedding)
            async with keep_working(address, TeamUpkeep(tidying, served.chat.extraction)):
                yield
        finally:
            await queue.aclose()

    served = replace(services, background=background)  # `chat` is made once, of these
    return served


def compose_chat(services: Services) -> "Chat":
    """Builds what lets agents answer; nothing is connected yet."""
    # Commands that let nobody answer do without all of this: httpx alone takes 100 ms.
    from tahoe_engine.chat.answering import Answering  # noqa: PLC0415
    from tahoe_engine.chat.extracting import ConversationExtraction  # noqa: PLC0415
    from tahoe_engine.chat.model_extraction import ModelExtractors  # noqa: PLC0415
    from tahoe_engine.chat.running import AgentKit, AgentRunner  # noqa: PLC0415
    from tahoe_engine.chat.serving import Chat  # noqa: PLC0415
    from tahoe_engine.memory.statements import StatementExtractor  # noqa: PLC0415
    from tahoe_engine.runtime.agent_runtime import AdkRuntime  # noqa: PLC0415
    from tahoe_engine.runtime.model_endpoint import configured_model  # noqa: PLC0415
    from tahoe_engine.skills.library import SkillLibrary  # noqa: PLC0415
    from tahoe_engine.skills.places import find_bundled_skills  # noqa: PLC0415
    from tahoe_engine.skills.running.script_runner import ScriptRunner  # noqa: PLC0415

    runtime = AdkRuntime()
    configured, keys = configured_model(services.settings), find_provider_keys(services.settings)
    by_model = ModelExtractors(services.sessions, runtime, keys, configured)
    extraction = ConversationExtraction(services.sessions, services.memories, StatementExtractor(), by_model)
    kit = AgentKit(
        sessions=services.sessions,
        runtime=runtime,
        memories=services.memories,
        recaller=services.recaller,
        extraction=extraction,
        skills=SkillLibrary(services.settings.skill_folders, find_bundled_skills()),
        scripts=ScriptRunner(allow_unisolated=services.settings.skill_scripts_unisolated),
        keys=keys,
        configured=configured,
    )
    return Chat(Answering(services.sessions, AgentRunner(kit), services.upkeep), runtime, extraction)


def find_provider_keys(settings: EngineSettings) -> "ProviderKeys":
    """Returns the keys of model providers, as the environment has them now."""
    from tahoe_engine.runtime.provider_keys import ProviderKeys  # noqa: PLC0415 - as above

    return ProviderKeys(read_environment(), frozenset(settings.model_hosts or ()))


def find_identity(settings: EngineSettings) -> Identity:
    """Returns the team and its token: those of the environment, or else those of the home."""
    if settings.team_id is not None and settings.service_token is not None:
        return Identity(settings.team_id, settings.service_token)
    return load_identity(settings.home)


def load_embedder() -> Embedder:
    """Loads the local model when first needed, once a process; who comes meanwhile waits for it.

    It serves the checks, whatever EMBEDDING_MODEL says: the thresholds of scorecards are similarities that this model
    gives, and mean something else under another.
    """
    with _LOADING:
        return _load_local()


@cache
def _load_local() -> Embedder:
    from tahoe_engine.embedding.memo import MemoEmbedder  # noqa: PLC0415 - numpy takes 80 ms

    return MemoEmbedder(_load_local_model())


@cache
def _load_local_model() -> Embedder:
    from tahoe_engine.embedding.local import LocalEmbedder  # noqa: PLC0415 - numpy and the weights take 0.5 s

    return LocalEmbedder()


def build_memory_embedding(settings: EngineSettings) -> MemoryEmbedding:
    """Builds what embeds memories: the endpoint of EMBEDDING_MODEL, or the local model without one. Nothing is asked.

    Raises:
        InvalidInputError: EMBEDDING_BASE_URL is no address.
    """
    from tahoe_engine.embedding.memo import MemoEmbedder  # noqa: PLC0415 - numpy takes 80 ms

    with _LOADING:
        local = _load_local_model()
    if settings.embedding_model is None:
        return MemoryEmbedding(documents=local, queries=MemoEmbedder(local, _QUERIES_REMEMBERED))

    from tahoe_core.retry import RetryPolicy  # noqa: PLC0415 - as above
    from tahoe_engine.embedding import openai_compatible as remote  # noqa: PLC0415 - httpx takes 100 ms

    endpoint = remote.EmbeddingEndpoint(
        base_url=settings.embedding_base_url,
        model=settings.embedding_model,
        dimensions=settings.embedding_dimensions,
        api_key=settings.embedding_api_key,
    )
    documents = remote.OpenAICompatibleEmbedder(endpoint)
    # Words find memories too: who searches is better served by them than by a long wait for an endpoint that is down.
    prompt = RetryPolicy(attempts=2, first_wait_s=0.2, longest_wait_s=1)
    queries = remote.OpenAICompatibleEmbedder(endpoint, prompt, timeout_s=5)

    def close() -> None:
        documents.close()
        queries.close()

    return MemoryEmbedding(documents, MemoEmbedder(queries, _QUERIES_REMEMBERED), (local,), close)
