from pathlib import Path

import pytest
from skills_ref import to_prompt, validate  # type: ignore[import-untyped] # it ships no types

from tahoe_engine.skills.files import list_files
from tahoe_engine.skills.inspection import inspect_skill, load_skill
from tahoe_engine.skills.library import SkillLibrary

NAMES = ["code-review", "document-summary", "spreadsheet-analysis", "web-research", "world-clock"]


def test_the_bundled_skills_are_these(bundled: Path) -> None:
    assert [skill.name for skill in SkillLibrary([], bundled).list_shared().skills] == NAMES


@pytest.mark.parametrize("name", NAMES)
class TestEachBundledSkill:
    def test_passes_the_public_validator(self, bundled: Path, name: str) -> None:
        assert validate(bundled / name) == []
        assert name in to_prompt([bundled / name])

    def test_passes_ours_without_a_warning(self, bundled: Path, name: str) -> None:
        assert inspect_skill(bundled / name).problems == ()

    def test_has_references_and_names_all_its_files(self, bundled: Path, name: str) -> None:
        skill = load_skill(bundled / name)
        files = [file.path for file in list_files(skill) if file.path != "SKILL.md"]
        assert any(path.startswith("references/") for path in files)
        named = "".join(path.read_text() for path in (skill.file, *skill.folder.glob("scripts/*.py")))
        assert [path for path in files if Path(path).name not in named and Path(path).stem not in named] == []

    def test_is_short_enough_to_be_read_each_time(self, bundled: Path, name: str) -> None:
        skill = load_skill(bundled / name)
        assert len(skill.instructions.split()) < 1000
        assert all(file.size_bytes < 20_000 for file in list_files(skill))

    def test_says_when_to_use_it(self, bundled: Path, name: str) -> None:
        assert "Use it when" in load_skill(bundled / name).description


def test_all_but_one_need_no_network(bundled: Path) -> None:
    offline = [name for name in NAMES if "no network" in (load_skill(bundled / name).compatibility or "")]
    assert len(offline) == 4
