from collections.abc import Callable
from pathlib import Path

import pytest

from tahoe_engine.skills.inspection import load_skill
from tahoe_engine.skills.skill import Skill

type WriteSkill = Callable[..., Path]

HEAD = "---\nname: {name}\ndescription: Does a thing. Use it when the thing is asked for.\n---\n\n"


@pytest.fixture
def write_skill(tmp_path: Path) -> WriteSkill:
    """Writes a skill's folder: SKILL.md, and files by their paths."""

    def write(name: str = "thing", content: str | None = None, place: Path = tmp_path, **files: str) -> Path:
        folder = place / name
        folder.mkdir(parents=True, exist_ok=True)
        text = HEAD.format(name=name) + "Do the thing.\n" if content is None else content
        (folder / "SKILL.md").write_bytes(text.encode())
        for path, body in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(body)
        return folder

    return write


@pytest.fixture
def make_skill(write_skill: WriteSkill) -> Callable[..., Skill]:
    """The same, read."""
    return lambda *args, **files: load_skill(write_skill(*args, **files))
