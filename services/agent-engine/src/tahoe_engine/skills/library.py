"""Where skills lie, and which of them an agent has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tahoe_core.errors import NotFoundError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.skills.inspection import find_skill_file, inspect_skill
from tahoe_engine.skills.problems import Severity, SkillProblem
from tahoe_engine.skills.rereading import reread_skill
from tahoe_engine.skills.skill import Skill, SkillScope

type _Place = tuple[Path, SkillScope]

AGENT_MARK = "@"
MAX_FOLDERS = 2000


@dataclass(frozen=True, slots=True)
class Shelf:
    """Skills, each name once, and what is wrong with these and with those that cannot be used."""

    skills: tuple[Skill, ...] = ()
    problems: tuple[SkillProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentSkills:
    """The skills that one agent may use now.

    Attributes:
        missing: For every skill that its DNA lists and there is none of: what to tell its owner.
    """

    skills: tuple[Skill, ...] = ()
    missing: tuple[str, ...] = ()

    def get(self, name: str) -> Skill:
        """Returns one of them.

        Raises:
            NotFoundError: The agent has no such skill; a disabled one counts as none.
        """
        for skill in self.skills:
            if skill.name == name:
                return skill
        names = [skill.name for skill in self.skills]
        raise NotFoundError(
            f"There is no skill {name!r}.{did_you_mean(name, names)}",
            cure=f"The skills are: {', '.join(names)}." if names else "This agent has no skills.",
        )


class SkillLibrary:
    """Finds skills in folders, at every call anew, so that a change on the disk counts at once.

    `FOLDER/NAME/SKILL.md` is a skill of the team, `FOLDER/@AGENT/NAME/SKILL.md` one of the agent with that slug.

    Args:
        team: The team's folders; what comes first hides what comes later.
        bundled: The folder of the skills that come with Tahoe; the team's hide them.
    """

    def __init__(self, team: Sequence[Path], bundled: Path | None = None) -> None:
        self._team = tuple(team)
        self._bundled = (bundled,) if bundled else ()

    def list_shared(self) -> Shelf:
        """Lists the skills that every agent of the team can be given."""
        return _inspect(self._shared_places())

    def list_own(self, slug: str) -> Shelf:
        """Lists the skills that one agent alone has."""
        return _inspect(self._own_places(slug))

    def list_agents(self) -> tuple[str, ...]:
        """Lists the slugs of the agents that have skills of their own."""
        names = (path.name for folder in self._team for path in _list_folders(folder))
        return tuple(sorted({name.removeprefix(AGENT_MARK) for name in names if name.startswith(AGENT_MARK)}))

    def select(self, dna: AgentDNA) -> AgentSkills:
        """Returns the skills that an agent's DNA names, in its order, without the disabled ones."""
        if not dna.effective_skills:
            return AgentSkills()
        own = _read(self._own_places(dna.slug)) if dna.custom_skills else {}
        shared = _read(self._shared_places())
        found: list[Skill] = []
        missing: list[str] = []
        for name in dna.effective_skills:
            skill = (own.get(name) if name in dna.custom_skills else None) or shared.get(name)
            if skill is None:
                hint = did_you_mean(name, {*own, *shared})
                missing.append(f"The agent {dna.slug} lists the skill {name}, and there is none.{hint}")
            else:
                found.append(skill)
        return AgentSkills(tuple(found), tuple(missing))

    def _shared_places(self) -> list[_Place]:
        return [
            *((folder, SkillScope.TEAM) for folder in self._team),
            *((folder, SkillScope.BUNDLED) for folder in self._bundled),
        ]

    def _own_places(self, slug: str) -> list[_Place]:
        return [(folder / f"{AGENT_MARK}{slug}", SkillScope.AGENT) for folder in self._team]


def _inspect(places: Sequence[_Place]) -> Shelf:
    """Looks at everything, and says what is wrong."""
    skills: dict[str, Skill] = {}
    problems: list[SkillProblem] = []
    for folder, _, scope in _list_skills(places):
        inspection = inspect_skill(folder, scope)
        problems += inspection.problems
        skill = inspection.skill
        if skill is None:
            continue
        hidden_by = skills.setdefault(skill.name, skill)
        if hidden_by is not skill:
            message = f"is hidden by {hidden_by.file}, which has the same name."
            problems.append(SkillProblem(skill.file, None, Severity.WARNING, message))
    return Shelf(tuple(sorted(skills.values(), key=lambda skill: skill.name)), tuple(problems))


def _read(places: Sequence[_Place]) -> dict[str, Skill]:
    """Reads what can be used, by name; what has not changed since it was last read is not read again."""
    skills: dict[str, Skill] = {}
    for folder, file, scope in _list_skills(places):
        skill = reread_skill(folder, file, scope)
        if skill is not None:
            skills.setdefault(skill.name, skill)
    return skills


def _list_skills(places: Sequence[_Place]) -> Iterator[tuple[Path, Path, SkillScope]]:
    """Lists each skill's folder and SKILL.md, and whose it is."""
    for place, scope in places:
        for folder in _list_folders(place):
            file = None if folder.name.startswith(AGENT_MARK) else find_skill_file(folder)
            if file is not None:
                yield folder, file, scope


def _list_folders(place: Path) -> Iterator[Path]:
    try:
        paths = sorted(place.iterdir())
    except OSError:  # most teams and agents have no folder of their own
        return
    yield from [path for path in paths[:MAX_FOLDERS] if not path.name.startswith(".") and path.is_dir()]
