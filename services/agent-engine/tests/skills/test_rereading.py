import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tahoe_engine.skills import rereading
from tahoe_engine.skills.inspection import load_skill
from tahoe_engine.skills.rereading import reread_skill
from tahoe_engine.skills.skill import Skill, SkillScope

type WriteSkill = Callable[..., Path]

SETTLED_S = 0.2


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were looked into; a file settles faster than it does outside of tests."""
    seen: list[Path] = []

    def look(folder: Path, scope: SkillScope) -> Skill:
        seen.append(folder)
        return load_skill(folder, scope)

    monkeypatch.setattr(rereading, "load_skill", look)
    monkeypatch.setattr(rereading, "_SETTLED_NS", SETTLED_S * 1e9)
    return seen


def too_many_files(*_: object, **__: object) -> int:
    raise OSError(errno.EMFILE, "Too many open files")


def reread(folder: Path) -> Skill | None:
    return reread_skill(folder, folder / "SKILL.md", SkillScope.TEAM)


class TestRereading:
    def test_reads_once_what_stays_as_it_is(self, write_skill: WriteSkill, looks: list[Path]) -> None:
        folder = write_skill()
        time.sleep(SETTLED_S)
        first = reread(folder)
        assert first is not None
        assert reread(folder) is first
        assert looks == [folder]

    def test_sees_each_change_at_once(self, write_skill: WriteSkill, looks: list[Path]) -> None:
        folder = write_skill()
        time.sleep(SETTLED_S)
        reread(folder)
        for letter in "abc":  # as long each time, and within one tick of a coarse clock
            text = (folder / "SKILL.md").read_text().splitlines()[:-1]
            (folder / "SKILL.md").write_text("\n".join([*text, f"Do {letter}."]))
            skill = reread(folder)
            assert skill is not None
            assert skill.instructions.endswith(f"Do {letter}.")
        assert len(looks) == 4

    def test_sees_that_another_skill_took_its_place(
        self, write_skill: WriteSkill, looks: list[Path], tmp_path: Path
    ) -> None:
        write_skill("thing", place=tmp_path / "old")
        write_skill("thing", place=tmp_path / "new")
        time.sleep(SETTLED_S)
        link = tmp_path / "thing"
        for place in ("old", "new"):
            link.unlink(missing_ok=True)
            link.symlink_to(tmp_path / place / "thing")
            skill = reread(link)
            assert skill is not None
            assert skill.folder == tmp_path / place / "thing"
        assert looks == [link, link]

    def test_remembers_no_file_that_could_not_be_read_for_a_moment(
        self, write_skill: WriteSkill, looks: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_skill()
        time.sleep(SETTLED_S)
        with monkeypatch.context() as short:
            short.setattr(os, "open", too_many_files)
            assert reread(folder) is None
        assert reread(folder) is not None

    @pytest.mark.parametrize("content", ["nothing", "---\nname: thing\n---\nWithout a description."])
    def test_what_cannot_be_used_is_none(self, write_skill: WriteSkill, content: str) -> None:
        assert reread(write_skill("thing", content)) is None

    def test_what_has_just_gone_is_none(self, tmp_path: Path) -> None:
        assert reread(tmp_path / "gone") is None
