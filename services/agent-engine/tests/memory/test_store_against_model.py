"""Thousands of random operations of two teams, against a model of the store that is written from the rules alone.

After every step the store has what the model has, the log has grown by the events of that step and no others, and some
moment of the past is asked for again; in the end every moment is. `TAHOE_MEMORY_STEPS` lengthens it,
`TAHOE_MEMORY_SEED` begins elsewhere.
"""
# ruff: noqa: S311 - chance is the point

import os
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_use import MemoryUseRepository
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import (
    MemoryChange,
    MemoryCreate,
    MemorySearchRequest,
    MemorySource,
    MemoryStatus,
    MemoryTier,
    MemoryType,
    UsedMemory,
)

STEPS = int(os.environ.get("TAHOE_MEMORY_STEPS", "1200"))
SEED = int(os.environ.get("TAHOE_MEMORY_SEED", "1"))
EPISODE = 80
"""Steps after which it goes on with new teams, so that a search can still find all there is."""

DECIDED = {"explicit", "feedback"}
MADE = {"consolidation", "compaction"}
FOR_ALL = {"shared", "user_profile"}
LIVE = {"active", "disputed"}
TIERS = ("hot", "warm", "cold")
TOMBSTONE = "[erased]"

MEMORIES = text("SELECT *, status::text, tier::text, source::text, memory_type::text FROM memory")
TAGS = text("SELECT memory_id, array_agg(tag ORDER BY tag) AS tags FROM memory_tag WHERE removed_at IS NULL GROUP BY 1")
LOG = text("SELECT *, status::text, tier::text FROM memory_log WHERE team_id = :team AND id > :last ORDER BY id")
PAST = text(
    "SELECT asked.id AS asked, a.id, a.content, a.status::text, a.tier::text, a.importance, a.confidence, a.is_pinned,"
    " a.expires_at, a.superseded_by FROM unnest(:ids) asked (id) CROSS JOIN LATERAL memory_at(asked.id, :moment) a"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@dataclass(frozen=True)
class State:
    """What of a version may change, and is logged."""

    status: str = "active"
    tier: str = "warm"
    importance: int = 5
    confidence: float = 1.0
    is_pinned: bool = False
    expires_at: datetime | None = None
    superseded_by: UUID | None = None


@dataclass
class Version:
    """A row, as the model has it."""

    given: MemoryCreate
    root: UUID
    number: int
    state: State
    made: int
    id: UUID
    contradicts: set[UUID] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    accesses: int = 0
    is_erased: bool = False

    @property
    def is_live(self) -> bool:
        return self.state.status in LIVE

    @property
    def content(self) -> str:
        return TOMBSTONE if self.is_erased else self.given.content

    @property
    def scope(self) -> tuple[UUID | None, UUID | None]:
        return self.given.agent_id, self.given.user_id

    def is_for_all(self) -> bool:
        return self.given.agent_id is None or self.given.memory_type in FOR_ALL

    def is_seen_by(self, agent: UUID | None, user: UUID | None) -> bool:
        return (self.is_for_all() or self.given.agent_id == agent) and self.given.user_id in (None, user)


type Event = tuple[UUID | tuple[UUID, ...], str, State | None]


class Model:
    """What a team's memory has to be, told by the rules: nothing here knows how it is done."""

    def __init__(self) -> None:
        self.versions: dict[UUID, Version] = {}
        self.events: list[Event] = []
        self._made = 0

    def live(self) -> list[Version]:
        return [version for version in self.versions.values() if version.is_live]

    # What the rules say of an add.

    def guard(self, given: MemoryCreate) -> bool:
        """Whether something live says the same or speaks of the same subject."""
        for one in self.live():
            is_place = one.given.position == given.position and (
                given.position is None or one.given.source_conversation_id == given.source_conversation_id
            )
            is_same = one.given.content == given.content and one.given.memory_type == given.memory_type and is_place
            is_subject = given.subject and given.position is None and one.given.subject == given.subject
            if one.scope == (given.agent_id, given.user_id) and (is_same or is_subject):
                return True
        return False

    def create(self, given: MemoryCreate, new: UUID, after: Version | None = None, status: str = "active") -> Version:
        state = State(
            status=status,
            importance=given.importance,
            confidence=given.confidence,
            is_pinned=given.is_pinned,
            expires_at=given.expires_at,
        )
        self._made += 1
        root, number = (after.root, after.number + 1) if after else (new, 1)
        version = Version(given, root, number, state, self._made, new, tags=set(given.tags))
        self.versions[new] = version
        self.events.append((new, "created", state))
        return version

    def settle(self, given: MemoryCreate, new: UUID, now: datetime) -> tuple[str, UUID]:
        """Does what an add does that is not simply new; returns the outcome and where it went."""
        scope = (given.agent_id, given.user_id)
        here = sorted((one for one in self.live() if one.scope == scope), key=lambda one: one.made)
        same = [one for one in here if (one.given.content, one.given.memory_type) == (given.content, given.memory_type)]
        if given.position is not None:
            place = (given.source_conversation_id, given.position)
            known = [one for one in same if (one.given.source_conversation_id, one.given.position) == place]
            if known:
                return "known", known[0].id
        same = [one for one in same if one.given.position is None and given.position is None]
        twin = next((one for one in same if None in (one.given.subject, given.subject)
                     or one.given.subject == given.subject), None)  # fmt: skip
        subject = given.subject or (twin.given.subject if twin else None)
        peers = [
            one for one in here
            if subject and given.position is None and one.given.position is None and one.given.subject == subject
            and one is not twin and (one.state.expires_at is None or one.state.expires_at > now)
            and (given.agent_id is None or (one.given.memory_type in FOR_ALL) == (given.memory_type in FOR_ALL))
        ]  # fmt: skip
        is_decided = given.source in DECIDED
        if twin:
            return self._merge(given, new, twin, peers)
        if not peers:
            self.create(given, new)
            return "created", new
        if is_decided:
            newest = peers[-1]
            for peer in peers:
                self.change(peer, "superseded", status="superseded", superseded_by=new)
            self.create(given, new, after=newest)
            return "superseded", new
        self._dispute(self.create(given, new, status="disputed"), peers)
        return "disputed", new

    def _merge(self, given: MemoryCreate, new: UUID, twin: Version, peers: list[Version]) -> tuple[str, UUID]:
        was_disputed = twin.state.status == "disputed"
        is_decided = given.source in DECIDED
        for one in [twin, *(peers if is_decided else [])]:
            self.change(one, "superseded", status="superseded", superseded_by=new)
        known, both = twin.state, (given.expires_at, twin.state.expires_at)
        merged = given.model_copy(
            update={
                "importance": max(given.importance, known.importance),
                "confidence": max(given.confidence, known.confidence),
                "is_pinned": given.is_pinned or known.is_pinned,
                "expires_at": max(moment for moment in both if moment) if all(both) else None,
                "subject": given.subject or twin.given.subject,
                "related_to": list(dict.fromkeys([*twin.given.related_to, *given.related_to])),
                "tags": [*twin.tags, *given.tags],
            }
        )
        is_disputed = not is_decided and (bool(peers) or was_disputed)
        version = self.create(merged, new, after=twin, status="disputed" if is_disputed else "active")
        if is_disputed:
            version.contradicts = {peer.id for peer in peers} or set(twin.contradicts)
            for peer in peers:
                peer.contradicts -= {twin.id}
            self._dispute(version, peers)
        return ("superseded" if is_decided and peers else "merged"), new

    def _dispute(self, version: Version, peers: Iterable[Version]) -> None:
        for peer in peers:
            version.contradicts.add(peer.id)
            peer.contradicts.add(version.id)
            self.change(peer, "disputed", status="disputed")

    # What else happens.

    def change(self, version: Version, event: str, **columns: Any) -> None:  # noqa: ANN401 - columns of the state
        before = version.state
        version.state = replace(before, **columns)
        if version.state != before:
            self.events.append((version.id, event, version.state))

    def change_state(self, version: Version, **columns: Any) -> None:  # noqa: ANN401 - as above
        """Several columns at once: an event each kind, all with the state after them."""
        old, new = version.state, replace(version.state, **columns)
        version.state = new
        kinds = []
        if new.tier != old.tier:
            kinds.append("promoted" if TIERS.index(new.tier) < TIERS.index(old.tier) else "demoted")
        if new.is_pinned != old.is_pinned:
            kinds.append("pinned" if new.is_pinned else "unpinned")
        if (new.importance, new.confidence, new.expires_at) != (old.importance, old.confidence, old.expires_at):
            kinds.append("updated")
        self.events += [(version.id, kind, new) for kind in kinds]

    def supersede(self, old: Version, change: MemoryChange, new: UUID) -> None:
        self.change(old, "superseded", status="superseded", superseded_by=new)
        kept = {name: getattr(old.state, name) for name in ("importance", "confidence", "is_pinned", "expires_at")}
        given = old.given.model_copy(update={**kept, "tags": sorted(old.tags)} | change.model_dump(exclude_none=True))
        status = "disputed" if old.contradicts else "active"
        version = self.create(given, new, after=old, status=status)
        version.contradicts = set(old.contradicts)
        for other in old.contradicts:
            if self.versions[other].is_live:
                self.versions[other].contradicts = self.versions[other].contradicts - {old.id} | {new}

    def resolve(self, winner: Version) -> None:
        for loser in winner.contradicts:
            if self.versions[loser].is_live:
                self.change(self.versions[loser], "superseded", status="superseded", superseded_by=winner.id)
        winner.contradicts = set()
        self.change(winner, "resolved", status="active")

    def erase(self, picked: Version) -> set[UUID]:
        roots = {picked.root}
        if picked.given.source in MADE:
            roots |= {self.versions[original].root for original in picked.given.related_to}
        while copies := self._copies_of(roots) - roots:
            roots |= copies
        erased = set()
        for version in self.versions.values():
            if version.root in roots and not version.is_erased:
                version.is_erased, version.tags = True, set()
                version.state = replace(version.state, status="archived")
                self.events.append((version.id, "erased", version.state))
                erased.add(version.id)
        return erased

    def _copies_of(self, roots: set[UUID]) -> set[UUID]:
        versions = [version for version in self.versions.values() if version.root in roots]
        return {
            copy.root for copy in self.versions.values() for version in versions
            if not copy.is_erased and (
                version.id in copy.given.related_to if copy.given.source in MADE
                else self._are_merged(copy, version)
            )
        }  # fmt: skip

    @staticmethod
    def _are_merged(copy: Version, version: Version) -> bool:
        are_linked = copy.state.superseded_by == version.id or version.state.superseded_by == copy.id
        return are_linked and copy.content == version.content and version.given.source not in MADE


@dataclass(frozen=True)
class Moment:
    """What was known at a moment: of each memory the version that stood, and its state."""

    at: datetime
    standing: dict[UUID, tuple[UUID, State]]
    states: dict[UUID, State]


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def make_agent(self, slug: str = "ada") -> UUID: ...

    async def make_conversation(self, external_id: str | None = None) -> UUID: ...

    async def read_clock(self) -> datetime: ...


class Player:
    """Does one team's operations at random, in the store and in the model."""

    def __init__(self, team: Team, chance: random.Random) -> None:
        self.team = team
        self.memories = team.memories
        self.chance = chance
        self.model = Model()
        self.moments: list[Moment] = []
        self._last = 0
        self._now = datetime.now(UTC)

    async def prepare(self) -> None:
        self._agents = [None, await self.team.make_agent("ada"), await self.team.make_agent("ben")]
        self._users = [None, None, uuid4()]
        self._conversation = await self.team.make_conversation()
        self._now = await self.team.read_clock()

    async def step(self) -> None:
        operations = [
            self.add, self.add, self.add, self.add_many, self.supersede, self.pin, self.tag, self.resolve,
            self.change_state, self.expire, self.use, self.erase,
        ]  # fmt: skip
        weights = [6, 6, 6, 6, 6, 4, 3, 4, 5, 1, 4, 1]
        await self.chance.choices(operations, weights)[0]()
        await self.check()
        self.note(await self.team.read_clock())
        await self.check_past(self.chance.choice(self.moments))

    # Operations.

    def imagine(self) -> MemoryCreate:
        pick = self.chance.choice
        agent = pick(self._agents)
        kinds = [MemoryType.SEMANTIC, MemoryType.SEMANTIC, MemoryType.SHARED, MemoryType.EPISODIC]
        source = pick([*MemorySource])
        known = list(self.model.versions)
        is_said = self.chance.random() < 0.15
        return MemoryCreate(
            content=f"Fact {pick(['tea', 'rain', 'chess', 'violin', 'Oslo', 'bread'])}",
            memory_type=pick([*kinds, MemoryType.AGENT_PRIVATE] if agent else kinds),
            agent_id=agent,
            user_id=pick(self._users),
            subject=pick([None, None, "ann.one", "ann.two"]),
            source=source,
            importance=pick([1, 5, 9]),
            confidence=pick([0.25, 1.0]),
            is_pinned=self.chance.random() < 0.1,
            position=pick([0, 1, 2]) if is_said else None,
            source_conversation_id=self._conversation if is_said else None,
            related_to=self.chance.sample(known, 1) if known and source in MADE else [],
            tags=self.chance.sample(["a", "b", "c"], pick([0, 0, 1, 2])),
            expires_at=pick([None, None, None, self._now + timedelta(days=1), self._now - timedelta(days=1)]),
        )

    def pick(self) -> Version | None:
        return self.chance.choice([*self.model.versions.values()]) if self.model.versions else None

    async def add(self) -> None:
        given = self.imagine()
        added = await self.memories.add(given)
        if self.model.guard(given):
            outcome = self.model.settle(given, added.memory.id, self._now)
        else:
            self.model.create(given, added.memory.id)
            outcome = ("created", added.memory.id)
        assert (added.outcome, added.memory.id) == outcome

    async def add_many(self) -> None:
        many = [self.imagine() for _ in range(self.chance.randrange(1, 6))]
        done = await self.memories.add_many(many)
        # First all that are simply new, then each of the others by itself.
        said: set[object] = set()
        subjects: set[object] = set()
        new = {}
        guards = [self.model.guard(given) for given in many]
        for number, given in enumerate(many):
            scope = (given.agent_id, given.user_id)
            key = (*scope, given.content, given.memory_type, given.position)
            subject = (*scope, given.subject) if given.subject and given.position is None else None
            if key in said or subject in subjects:
                continue
            said.add(key)
            if subject:
                subjects.add(subject)
            if not guards[number]:
                new[number] = self.model.create(given, done.ids[number])
        for number, given in enumerate(many):
            place = done.ids[number]
            outcome = ("created", place) if number in new else self.model.settle(given, place, self._now)
            assert (done.outcomes[number], place) == outcome

    async def supersede(self) -> None:
        if old := self.pick():
            change = MemoryChange(
                content=f"Changed {self.chance.randrange(10**6)}", importance=self.chance.choice([None, 7])
            )
            try:
                record = await self.memories.supersede(old.id, change)
            except ConflictError as error:
                self.check_refusal(old, error)
            else:
                self.model.supersede(old, change, record.id)

    def check_refusal(self, old: Version, error: ConflictError) -> None:
        assert not old.is_live
        if old.state.superseded_by:
            assert str(old.state.superseded_by) in error.message

    async def pin(self) -> None:
        if one := self.pick():
            is_pinned = self.chance.random() < 0.6
            try:
                await self.memories.pin(one.id, pinned=is_pinned)
            except ConflictError as error:
                self.check_refusal(one, error)
            else:
                assert one.is_live
                self.model.change_state(one, is_pinned=is_pinned)

    async def tag(self) -> None:
        if one := self.pick():
            tags = self.chance.sample(["a", "b", "c", "d"], self.chance.randrange(4))
            await self.memories.tag(one.id, tags)
            if not one.is_erased:
                one.tags = set(tags)

    async def resolve(self) -> None:
        disputed = [one for one in self.model.live() if one.state.status == "disputed"]
        if disputed and self.chance.random() < 0.8:
            winner = self.chance.choice(disputed)
            await self.memories.resolve(winner.id)
            self.model.resolve(winner)
        elif (one := self.pick()) and one.state.status != "disputed":
            with pytest.raises(ConflictError):
                await self.memories.resolve(one.id)

    async def change_state(self) -> None:
        """As the upkeep does it, by the repository alone."""
        if one := self.pick():
            choices: list[dict[str, Any]] = [
                {"tier": MemoryTier(self.chance.choice(TIERS))},
                {"importance": self.chance.randrange(1, 11)},
                {"confidence": self.chance.random(), "is_pinned": True},
                {"tier": MemoryTier.HOT, "importance": 10, "is_pinned": False},
                {"expires_at": self._now + timedelta(days=self.chance.choice([-2, 2]))},
            ]
            columns = self.chance.choice(choices)
            async with team_session(self.team.sessions, self.team.id, "rule") as session:
                assert await MemoryRepository(session).set_state(one.id, **columns) == one.is_live
            if one.is_live:
                self.model.change_state(one, **columns)

    async def expire(self) -> None:
        if one := self.pick():
            async with team_session(self.team.sessions, self.team.id, "rule") as session:
                retired = await MemoryRepository(session).retire([one.id], MemoryStatus.ARCHIVED)
            assert retired == ([one.id] if one.is_live else [])
            if one.is_live:
                self.model.change(one, "expired", status="archived")

    async def use(self) -> None:
        some = self.chance.sample([*self.model.versions.values()], min(3, len(self.model.versions)))
        used = [
            UsedMemory(memory_id=one.id, version=one.number, rank=rank, score=None)
            for rank, one in enumerate(some, start=1)
        ]
        answer = uuid4()
        async with team_session(self.team.sessions, self.team.id, "agent") as session:
            await MemoryUseRepository(session).record(answer, None, used)
            assert await MemoryUseRepository(session).list_of_answer(answer) == used
        for one in some:
            one.accesses += 1
        if some:
            self.model.events.append((tuple(one.id for one in some), "accessed", None))

    async def erase(self) -> None:
        if one := self.pick():
            erased = await self.memories.erase(one.id, "asked for")
            assert set(erased) == self.model.erase(one)

    # What has to hold.

    async def check(self) -> None:
        async with team_session(self.team.sessions, self.team.id) as session:
            rows = {row.id: row for row in await session.execute(MEMORIES)}
            tags = {row.memory_id: set(row.tags) for row in await session.execute(TAGS)}
            log = (await session.execute(LOG, {"team": self.team.id, "last": self._last})).all()
        assert rows.keys() == self.model.versions.keys(), "nothing is lost, nothing is made up"
        for one in self.model.versions.values():
            self.check_row(one, rows[one.id], tags.get(one.id, set()))
        self.check_log(log)

    def check_row(self, one: Version, row: Any, tags: set[str]) -> None:  # noqa: ANN401 - a row of memory
        assert row.team_id == self.team.id
        assert (row.root_id, row.version, row.content) == (one.root, one.number, one.content)
        assert read_state(row) == one.state
        assert (row.agent_id, row.user_id, row.memory_type, row.source, row.position, row.related_to) == (
            one.given.agent_id, one.given.user_id, one.given.memory_type, one.given.source, one.given.position,
            one.given.related_to,
        )  # fmt: skip
        assert row.subject == (None if one.is_erased else one.given.subject)
        assert (tags, row.access_count) == (one.tags, one.accesses)
        assert (row.erased_at is not None, row.embedding is None) == (one.is_erased, one.is_erased)
        if one.is_live:
            assert set(row.contradicts) == one.contradicts

    def check_log(self, log: Sequence[Any]) -> None:
        """The events of a step are those that it causes: of each memory in their order, of all not one more."""
        expected, self.model.events = self.model.events, []
        found: list[Event] = [
            (tuple(row.memory_ids), row.event, None) if row.memory_ids else (row.memory_id, row.event, read_state(row))
            for row in log
        ]
        assert Counter(found) == Counter(expected)
        for one in {event[0] for event in expected}:
            assert [event for event in found if event[0] == one] == [event for event in expected if event[0] == one]
        for row in log:
            assert row.actor in {"tester", "rule", "agent"}
            if row.memory_id:
                assert row.version == self.model.versions[row.memory_id].number
            self._last = row.id

    def note(self, at: datetime) -> None:
        newest: dict[UUID, Version] = {}
        for one in self.model.versions.values():
            if one.root not in newest or newest[one.root].number < one.number:
                newest[one.root] = one
        standing = {one.id: (newest[one.root].id, newest[one.root].state) for one in self.model.versions.values()}
        self.moments.append(Moment(at, standing, {one.id: one.state for one in self.model.versions.values()}))

    async def check_past(self, moment: Moment) -> None:
        await self.check_standing(moment)
        await self.check_found(moment)

    async def check_standing(self, moment: Moment) -> None:
        """Each memory's version of then stands there with its state of then, its content unless it was erased."""
        async with team_session(self.team.sessions, self.team.id) as session:
            rows = (await session.execute(PAST, {"ids": [*self.model.versions], "moment": moment.at})).all()
        past = {row.asked: row for row in rows}
        for asked in self.model.versions.values():
            # A later version leads to that of then, too.
            then = next((moment.standing[one] for one in self.family(asked) if one in moment.standing), None)
            assert (asked.id in past) == (then is not None)
            if then is not None:
                row = past[asked.id]
                assert (row.id, read_state(row)) == then
                assert row.content == self.model.versions[row.id].content

    def family(self, asked: Version) -> list[UUID]:
        return [one.id for one in self.model.versions.values() if one.root == asked.root]

    async def check_found(self, moment: Moment) -> None:
        """A search as of then finds what a search could find then, but for what was erased since."""
        agent, user = self.chance.choice(self._agents), self.chance.choice(self._users)
        request = MemorySearchRequest(
            query=self.chance.choice(["fact", "tea or rain", "changed"]), agent_id=agent, user_id=user, limit=100,
            as_of=moment.at,
        )  # fmt: skip
        found = {result.memory.id: result.memory for result in await self.memories.search(request)}
        expected = {
            one for one, state in moment.states.items()
            if state.status in LIVE and (state.expires_at is None or state.expires_at > moment.at)
            and not self.model.versions[one].is_erased and self.model.versions[one].is_seen_by(agent, user)
        }  # fmt: skip
        assert len(expected) < 100
        assert found.keys() == expected
        for one in expected:
            assert read_state(found[one]) == moment.states[one]
            assert found[one].content == self.model.versions[one].content


def read_state(row: Any) -> State:  # noqa: ANN401 - a row or a record that has a state
    return State(**{name: getattr(row, name) for name in State.__dataclass_fields__})


class MakeTeam(Protocol):
    """As in conftest.py."""

    def __call__(self, team_id: UUID) -> Team: ...


@pytest.mark.timeout(max(180, STEPS))
@pytest.mark.parametrize("episode", range(max(1, STEPS // EPISODE)))
async def test_store_does_what_the_rules_say(make_team: MakeTeam, episode: int) -> None:
    chance = random.Random(SEED * 1_000_000 + episode)
    players = [Player(make_team(uuid4()), chance) for _ in range(2)]
    for player in players:
        await player.prepare()
    for _ in range(EPISODE):
        await chance.choice(players).step()
    for player in players:
        for moment in player.moments:
            await player.check_standing(moment)
        for moment in chance.sample(player.moments, len(player.moments) // 4):
            await player.check_found(moment)
    # What one has is out of the other's reach.
    one, other = players
    ids = [*one.model.versions]
    async with team_session(other.team.sessions, other.team.id) as session:
        assert await MemoryRepository(session).list_records(ids) == []
