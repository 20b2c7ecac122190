from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class SkillScope(StrEnum):
    """Whose a skill is: one agent's own, the team's, or bundled with Tahoe."""

    AGENT = "agent"
    TEAM = "team"
    BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class Skill:
    """A folder with a SKILL.md, read.

    Attributes:
        name: As its frontmatter says, which is what agents and models call it.
        description: What it does and when to use it.
        folder: Its root, symbolic links resolved; nothing outside is ever read.
        file: Its SKILL.md.
        license: As the author wrote it, often the name of a file beside it.
        compatibility: What it needs of its surroundings.
        allowed_tools: Tools that its author takes to be approved. Tahoe shows them and grants nothing by them.
        metadata: Whatever else its author says.
        instructions: The text after the frontmatter.
        instructions_line: 1-based line of the file where they begin.
    """

    name: str
    description: str
    folder: Path
    file: Path
    instructions: str
    instructions_line: int
    license: str | None = None
    compatibility: str | None = None
    allowed_tools: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    scope: SkillScope = SkillScope.TEAM
