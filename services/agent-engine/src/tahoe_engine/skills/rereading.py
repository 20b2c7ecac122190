"""A skill is read again only when its SKILL.md has changed: agents ask for theirs at every turn."""

import time
from functools import lru_cache
from pathlib import Path

from tahoe_engine.skills.inspection import load_skill
from tahoe_engine.skills.problems import SkillError
from tahoe_engine.skills.skill import Skill, SkillScope

_REMEMBERED = 2000
# A file that changed so lately may change once more without its times showing it: clocks of file systems are coarse.
_SETTLED_NS = 2_000_000_000


def reread_skill(folder: Path, file: Path, scope: SkillScope) -> Skill | None:
    """Returns the skill of a folder as its SKILL.md is now; None where it cannot be used."""
    try:
        status = file.stat()
        if abs(time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns)) < _SETTLED_NS:
            return load_skill(folder, scope)
        mark = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return _load_marked(folder, file, scope, mark)
    except (OSError, SkillError):  # it has just gone, is a link to nothing, or cannot be used
        return None


# Nothing is remembered of an error: the file may have been unreadable for a moment.
@lru_cache(maxsize=_REMEMBERED)
def _load_marked(folder: Path, _file: Path, scope: SkillScope, _mark: tuple[int, ...]) -> Skill:
    return load_skill(folder, scope)
