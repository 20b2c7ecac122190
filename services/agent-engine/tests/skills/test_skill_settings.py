from pathlib import Path

from tahoe_engine.settings import load_settings


class TestTheFoldersOfSkills:
    def test_are_that_of_the_home_unless_others_are_named(self, tmp_path: Path) -> None:
        assert load_settings({"TAHOE_HOME": str(tmp_path)}).skill_folders == (tmp_path / "skills",)

    def test_are_those_that_are_named_in_their_order(self) -> None:
        settings = load_settings({"TAHOE_SKILLS": "/srv/skills::~/skills"})
        assert settings.skill_folders == (Path("/srv/skills"), Path.home() / "skills")


class TestScripts:
    def test_run_isolated_unless_somebody_says_otherwise(self) -> None:
        assert load_settings({}).skill_scripts_unisolated is False
        assert load_settings({"TAHOE_SKILL_SCRIPTS_UNISOLATED": "true"}).skill_scripts_unisolated is True
