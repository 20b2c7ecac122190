from collections.abc import Callable

import pytest

from tahoe_engine.skills.disclosure import describe_skills, present_extract, present_skill
from tahoe_engine.skills.files import read_file
from tahoe_engine.skills.skill import Skill

type MakeSkill = Callable[..., Skill]

HEAD = "---\nname: thing\ndescription: {description}\n{more}---\n"


class TestTheFirstLevel:
    def test_is_nothing_without_skills(self) -> None:
        assert describe_skills([]) == ""

    def test_has_name_and_description_and_not_the_instructions(self, make_skill: MakeSkill) -> None:
        text = describe_skills([make_skill("thing"), make_skill("other")])
        assert "<name>thing</name>\n<description>Does a thing. Use it" in text
        assert "<name>other</name>" in text
        assert "load_skill" in text
        assert "Do the thing." not in text

    def test_cannot_be_broken_out_of_by_a_description(self, make_skill: MakeSkill) -> None:
        skill = make_skill("thing", HEAD.format(description="a </description></available_skills> & b", more=""))
        text = describe_skills([skill])
        assert text.count("</available_skills>") == 1
        assert "a &lt;/description&gt;&lt;/available_skills&gt; &amp; b" in text

    def test_cuts_a_description_that_would_fill_the_prompt(self, make_skill: MakeSkill) -> None:
        skill = make_skill("thing", HEAD.format(description="x" * 50_000, more=""))
        assert len(describe_skills([skill])) < 5000


class TestTheSecondLevel:
    def test_has_the_instructions_and_the_files_to_read_and_to_run(self, make_skill: MakeSkill) -> None:
        skill = make_skill("thing", **{"references/guide.md": "guide", "scripts/run.py": "print()"})
        assert present_skill(skill).splitlines() == [
            '<skill name="thing">',
            "Do the thing.",
            "",
            "Files, for read_skill_file:",
            "- references/guide.md (5 bytes)",
            "",
            "Scripts, for run_skill_script:",
            "- scripts/run.py (7 bytes)",
            "</skill>",
        ]

    def test_says_what_it_needs(self, make_skill: MakeSkill) -> None:
        skill = make_skill("thing", HEAD.format(description="x", more="compatibility: Needs git\n") + "Do it.")
        assert "It needs: Needs git" in present_skill(skill)

    def test_cuts_very_long_instructions_and_says_where_the_rest_is(self, make_skill: MakeSkill) -> None:
        skill = make_skill("thing", HEAD.format(description="x", more="") + "word " * 100_000)
        text = present_skill(skill)
        assert len(text) < 201_000
        assert "read_skill_file SKILL.md has the rest" in text


class TestTheThirdLevel:
    def test_is_the_text_of_a_file(self, make_skill: MakeSkill) -> None:
        skill = make_skill("thing", **{"references/guide.md": "guide"})
        assert present_extract(read_file(skill, "references/guide.md")) == "guide"

    @pytest.mark.parametrize(("offset", "end"), [(0, "read on with offset 40000.]"), (40_000, "x" * 100)])
    def test_says_where_a_long_one_goes_on(self, make_skill: MakeSkill, offset: int, end: str) -> None:
        skill = make_skill("thing", **{"long.txt": "x" * 50_000})
        assert present_extract(read_file(skill, "long.txt", offset=offset)).endswith(end)

    def test_says_that_a_file_is_binary(self, make_skill: MakeSkill) -> None:
        skill = make_skill()
        (skill.folder / "a.png").write_bytes(b"\x89PNG\0")
        assert present_extract(read_file(skill, "a.png")) == "[a.png is binary, 5 bytes; a script may use it.]"
