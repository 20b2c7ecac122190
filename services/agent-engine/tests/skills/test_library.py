from collections.abc import Callable
from pathlib import Path

import pytest

from tahoe_core.errors import NotFoundError
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.skills.library import SkillLibrary
from tahoe_engine.skills.skill import SkillScope

type WriteSkill = Callable[..., Path]


@pytest.fixture
def library(write_skill: WriteSkill, tmp_path: Path) -> SkillLibrary:
    """A team that has one of the bundled skills otherwise, and an agent with two of its own."""
    team, bundled = tmp_path / "team", tmp_path / "bundled"
    for place, names in {
        bundled: ("clock", "review"),
        team: ("review", "ledger", "old"),
        team / "@concierge": ("table-plan", "ledger"),
    }.items():
        for name in names:
            write_skill(name, None, place)
    return SkillLibrary([team], bundled)


def agent(**fields: tuple[str, ...]) -> AgentDNA:
    return AgentDNA.model_validate({"name": "Concierge"} | fields)


class TestTheTeamSSkills:
    def test_are_its_own_and_the_bundled_ones_that_it_does_not_replace(self, library: SkillLibrary) -> None:
        shelf = library.list_shared()
        assert {skill.name: skill.scope for skill in shelf.skills} == {
            "clock": SkillScope.BUNDLED,
            "ledger": SkillScope.TEAM,
            "old": SkillScope.TEAM,
            "review": SkillScope.TEAM,
        }
        [problem] = shelf.problems
        assert "is hidden by" in problem.message

    def test_are_read_anew_each_time(self, library: SkillLibrary, write_skill: WriteSkill, tmp_path: Path) -> None:
        library.list_shared()
        write_skill("new", None, tmp_path / "team")
        assert "new" in {skill.name for skill in library.list_shared().skills}

    def test_are_loaded_although_one_of_them_cannot_be(
        self, library: SkillLibrary, write_skill: WriteSkill, tmp_path: Path
    ) -> None:
        broken = write_skill("broken", "nothing", tmp_path / "team")
        shelf = library.list_shared()
        assert len(shelf.skills) == 4
        assert any(problem.file == broken / "SKILL.md" and problem.line == 1 for problem in shelf.problems)

    def test_are_not_what_only_lies_beside_them(self, library: SkillLibrary, tmp_path: Path) -> None:
        (tmp_path / "team" / "notes").mkdir()
        (tmp_path / "team" / ".hidden").mkdir()
        (tmp_path / "team" / ".hidden" / "SKILL.md").touch()
        (tmp_path / "team" / "README.md").touch()
        assert len(library.list_shared().skills) == 4

    def test_are_none_where_there_is_no_folder(self, tmp_path: Path) -> None:
        assert SkillLibrary([tmp_path / "nowhere"]).list_shared().skills == ()


class TestAnAgent:
    def test_has_the_skills_that_its_dna_lists_in_its_order(self, library: SkillLibrary) -> None:
        dna = agent(shared_skills=("review", "clock"), custom_skills=("table-plan",))
        assert [skill.name for skill in library.select(dna).skills] == ["review", "clock", "table-plan"]

    def test_has_its_own_before_the_team_s_of_the_same_name(self, library: SkillLibrary) -> None:
        own = library.select(agent(custom_skills=("ledger",)))
        shared = library.select(agent(shared_skills=("ledger",)))
        assert [one.skills[0].scope for one in (own, shared)] == [SkillScope.AGENT, SkillScope.TEAM]

    def test_has_none_that_is_disabled(self, library: SkillLibrary) -> None:
        skills = library.select(agent(shared_skills=("review", "clock"), disabled_skills=("review",)))
        assert [skill.name for skill in skills.skills] == ["clock"]
        with pytest.raises(NotFoundError, match="no skill 'review'"):
            skills.get("review")

    def test_is_told_of_skills_that_there_are_not(self, library: SkillLibrary) -> None:
        skills = library.select(agent(shared_skills=("reviev", "clock")))
        assert [skill.name for skill in skills.skills] == ["clock"]
        assert skills.missing == (
            "The agent concierge lists the skill reviev, and there is none. Did you mean review?",
        )

    def test_never_has_another_agent_s(self, library: SkillLibrary) -> None:
        dna = AgentDNA(name="Other", shared_skills=("table-plan",), custom_skills=("table-plan",))
        assert library.select(dna).skills == ()

    def test_with_skills_of_its_own_is_listed(self, library: SkillLibrary) -> None:
        assert library.list_agents() == ("concierge",)
