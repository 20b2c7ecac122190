"""What an import would do, line by line, decided before anything is written.

Ids are translated: another team of the same database may have the very rows that the export came from, and a team must
not even learn that. The translation is the same each time, so that a second import finds what the first one wrote.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.db.repositories.memory_transfer import Retirement, Saying, Standing
from tahoe_engine.memory.export_lines import ExportLine
from tahoe_engine.models.memory_models import MemoryRecord, MemoryStatus, MemoryTier, MemoryType

_LIVE = frozenset({MemoryStatus.ACTIVE, MemoryStatus.DISPUTED})


def translate(team_id: UUID, there: UUID) -> UUID:
    """Returns the id that a row of elsewhere has in this team."""
    return uuid5(team_id, str(there))


@dataclass(frozen=True)
class Here:
    """What the team has of all that the lines speak of.

    Attributes:
        standing: The versions.
        agents: Agent of the export → agent here.
        conversations: Of those that the export names or that stand in for them, the ones that are here.
    """

    team_id: UUID
    standing: Sequence[Standing]
    agents: Mapping[UUID, UUID]
    conversations: Collection[UUID]


@dataclass
class ImportPlan:
    """What is to be written.

    Attributes:
        rows: In the order in which they were made.
        tiers: Tier → the rows that are not in the usual one.
        retirements: What counts no more, of the rows and of what was here.
        conversations: Stand-in → the conversation elsewhere.
    """

    rows: list[NewMemory] = field(default_factory=list)
    tiers: dict[MemoryTier, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    retirements: dict[UUID, Retirement] = field(default_factory=dict)
    conversations: dict[UUID, UUID] = field(default_factory=dict)
    known: int = 0
    outdated: int = 0
    erased: int = 0


def plan_import(lines: Sequence[ExportLine], here: Here) -> ImportPlan:
    """Decides about every line; what is here already stays as it is, unless the export brings what came after it."""
    planner = _Planner(here)
    rest = [line for line in lines if not planner.find_by_id(line)]
    # Before the versions of the past are placed, so that these end up with the memory that they became.
    rest = [line for line in rest if not planner.find_by_saying(line, live_alone=True)]
    for line in sorted(rest, key=lambda line: (line.record.created_at, line.record.version)):
        planner.place(line)
    return planner.finish(lines)


class _Planner:
    def __init__(self, here: Here) -> None:
        self._here = here
        self._plan = ImportPlan()
        self._by_id: dict[UUID, Standing] = {}
        self._chains: dict[UUID, dict[int, Standing]] = defaultdict(dict)
        self._by_saying: dict[Saying, list[Standing]] = defaultdict(list)
        self._ids: dict[UUID, UUID] = {}
        self._roots: dict[UUID, UUID] = {}
        self._added: list[tuple[ExportLine, NewMemory]] = []
        for standing in here.standing:
            self._register(standing)

    def find_by_id(self, line: ExportLine) -> bool:
        """Whether the line was dealt with: its version is here, by its own id or by the translated one."""
        record = line.record
        for candidate in (record.id, self._translate(record.id)):
            if standing := self._by_id.get(candidate):
                self._recognise(record, standing)
                return True
        if record.erased_at is not None:
            self._plan.erased += 1
            return True
        return False

    def find_by_saying(self, line: ExportLine, *, live_alone: bool = False) -> bool:
        """Whether the line was dealt with: the same is said here, and counts as much."""
        record, row = line.record, line.row
        if row is None or (live_alone and record.status not in _LIVE) or self._is_erased(record):
            return False
        for standing in self._by_saying.get(self._saying(row), ()):
            both_live = standing.status in _LIVE and record.status in _LIVE
            both_past = (
                standing.status not in _LIVE and record.status not in _LIVE and standing.version == record.version
            )
            if both_live or both_past:
                self._recognise(record, standing)
                return True
        return False

    def place(self, line: ExportLine) -> None:
        """Gives a new version its place, or finds that it has none."""
        record, row = line.record, line.row
        if row is None or self._is_erased(record):
            self._plan.erased += 1
            return
        if record.id in self._ids:
            self._plan.known += 1  # twice in the same file
            return
        if self.find_by_saying(line):
            return
        root = self._roots.setdefault(record.root_id, self._find_root(record) or self._translate(record.root_id))
        chain = self._chains[root]
        is_live = record.status in _LIVE
        if record.version in chain or (is_live and max(chain, default=0) > record.version):
            self._plan.outdated += 1
            return
        new_id = self._translate(record.id)
        if is_live:
            for other in chain.values():
                if other.status in _LIVE:
                    self._retire(other.id, MemoryStatus.SUPERSEDED, new_id)
        self._ids[record.id] = new_id
        self._register(Standing(new_id, root, record.version, record.status, self._saying(row)))
        self._added.append((line, replace(row, id=new_id, root_id=root)))

    def finish(self, lines: Sequence[ExportLine]) -> ImportPlan:
        """Resolves what the lines say of each other, now that everything has its id."""
        added = {line.record.id for line, _row in self._added}
        for line, row in self._added:
            record = line.record
            self._plan.rows.append(self._complete(row, record))
            if record.superseded_by is not None:  # the status it has from the beginning
                self._retire(row.id, record.status, self._refer(record.superseded_by))
            if record.tier is not MemoryTier.WARM:
                self._plan.tiers[record.tier].append(row.id)
        for line in lines:
            record = line.record
            standing = self._by_id.get(self._ids.get(record.id, record.id))
            if standing is None or standing.status not in _LIVE or record.id in added:
                continue
            if record.status not in _LIVE and record.superseded_by in added:
                self._retire(standing.id, record.status, self._refer(record.superseded_by))
        return self._plan

    def _complete(self, row: NewMemory, record: MemoryRecord) -> NewMemory:
        conversation = self._conversation(row.source_conversation_id)
        if row.source_conversation_id and conversation and conversation not in self._here.conversations:
            self._plan.conversations[conversation] = row.source_conversation_id
        return replace(
            row,
            version=record.version,
            status=record.status,
            agent_id=self._agent(row.agent_id),
            source_conversation_id=conversation,
            contradicts=[self._refer(other) for other in record.contradicts],
            related_to=[self._refer(other) for other in record.related_to],
        )

    def _recognise(self, record: MemoryRecord, standing: Standing) -> None:
        self._ids[record.id] = standing.id
        self._roots.setdefault(record.root_id, standing.root_id)
        if record.erased_at is not None or standing.saying is None:
            self._plan.erased += 1
        else:
            self._plan.known += 1

    def _register(self, standing: Standing) -> None:
        self._by_id[standing.id] = standing
        self._chains[standing.root_id][standing.version] = standing
        if standing.saying is not None:
            self._by_saying[standing.saying].append(standing)

    def _retire(self, memory_id: UUID, status: MemoryStatus, superseded_by: UUID | None) -> None:
        self._plan.retirements[memory_id] = Retirement(memory_id, status, superseded_by)

    def _find_root(self, record: MemoryRecord) -> UUID | None:
        candidates = (self._roots.get(record.root_id), record.root_id, self._translate(record.root_id))
        return next((root for root in candidates if root is not None and root in self._chains), None)

    def _is_erased(self, record: MemoryRecord) -> bool:
        """Whether the memory was erased here: no version of it comes back, not even one that was never here."""
        root = self._find_root(record)
        return root is not None and any(standing.saying is None for standing in self._chains[root].values())

    def _saying(self, row: NewMemory) -> Saying:
        return Saying(
            content_hash=row.content_hash,
            memory_type=row.memory_type,
            agent_id=self._agent(row.agent_id),
            user_id=row.user_id,
            place=None if row.position is None else (self._conversation(row.source_conversation_id), row.position),
            happened_at=row.occurred_at if row.memory_type is MemoryType.EPISODIC else None,
        )

    def _agent(self, there: UUID | None) -> UUID | None:
        return None if there is None else self._here.agents[there]

    def _conversation(self, there: UUID | None) -> UUID | None:
        return there if there is None or there in self._here.conversations else self._translate(there)

    def _refer[Id: (UUID, UUID | None)](self, there: Id) -> Id:
        if there is None:
            return there
        return self._ids.get(there) or (there if there in self._by_id else self._translate(there))

    def _translate(self, there: UUID) -> UUID:
        return translate(self._here.team_id, there)
