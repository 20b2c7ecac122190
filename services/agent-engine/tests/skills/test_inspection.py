from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from skills_ref import validate  # type: ignore[import-untyped] # it ships no types

from tahoe_engine.skills.inspection import inspect_skill, load_skill
from tahoe_engine.skills.problems import Severity, SkillError

type WriteSkill = Callable[..., Path]

LONG = "Reads ledgers. " * 100
LENIENT = {
    "description longer than the specification allows": f"name: thing\ndescription: {LONG}",
    "block of lines": 'name: thing\ndescription: |-\n  Reads ledgers.\n  TRIGGER - whenever "it" is named; see `x`.\n',
    "folded block": "name: thing\ndescription: >\n  Reads\n  ledgers.\nlicense: MIT",
    "comment behind a name": "name: thing # in small letters\ndescription: Reads ledgers.",
    "colon in a plain text": "name: thing\ndescription: Use it when: a ledger is named, or: a till.",
    "colon in a text over two lines": "name: thing\ndescription: Use it\n  when: a ledger is named.\nlicense: MIT",
    "star before a plain text": "name: thing\ndescription: *Use it* always.",
    "keys of other products": "name: thing\ndescription: Reads.\nuser-invocable: true\nargument-hint: [file]",
    "lists of tools": "name: thing\ndescription: Reads.\nallowed-tools:\n  - Read\n  - Bash(git log:*)",
    "metadata of any depth": "name: thing\ndescription: Reads.\nmetadata:\n  vendor:\n    emoji: x\n  version: 1.0",
    "another name than its folder": "name: template-thing\ndescription: Reads.",
    "capitals in its name": "name: My Thing\ndescription: Reads.",
    "no name": "description: Reads ledgers.",
    "empty license": "name: thing\ndescription: Reads.\nlicense:",
    "a key twice": "name: thing\ndescription: Reads.\ndescription: Writes.",
    "an anchor": "name: thing\ndescription: &d Reads.",
}
FATAL = {
    "---\nname: thing\n---\nbody": (1, "has no `description`"),
    "---\nname: thing\ndescription:\n---\nbody": (3, "has no `description`"),
    "---\nname: thing\ndescription: [a, b]\n---\n": (3, "has no `description`"),
    "name: thing\n": (1, "does not begin with a line of `---`"),
    "": (1, "does not begin with a line of `---`"),
    "---\nname: thing\n": (1, "without an end"),
    "---\n- a\n---\n": (2, "no list of `key: value` lines"),
    "---\n---\n": (2, "no list of `key: value` lines"),
    '---\nname: thing\ndescription: "open\n---\n': (3, "not readable as YAML"),
    "---\nname: thing\ndescription: a\nmetadata:\n  a: *b\n---\n": (5, "an alias (`*name`) has no place"),
    f"---\nname: thing\ndescription: {'[' * 30}\n---\n": (3, "nested deeper than 10 levels"),
    f"---\nname: thing\ndescription: {'x' * 70_000}\n---\n": (1, "more than 65,536 characters"),
    "---\nname: a\u200eb\ndescription: x\n---\n": (2, "cannot be seen"),
}


def body_of(head: str) -> str:
    return f"---\n{head.rstrip()}\n---\n\nDo it.\n"


class TestARealSkill:
    @pytest.mark.parametrize("head", LENIENT.values(), ids=LENIENT)
    def test_loads_with_all_that_real_skills_have(self, write_skill: WriteSkill, head: str) -> None:
        skill = load_skill(write_skill(content=body_of(head)))
        assert skill.description.split()[0].strip("*") in {"Reads", "Reads.", "Use"}
        assert skill.instructions == "Do it."

    def test_keeps_what_its_author_says(self, write_skill: WriteSkill) -> None:
        head = (
            "name: thing\ndescription: Reads ledgers.\nlicense: Apache-2.0\ncompatibility: Needs git\n"
            "allowed-tools: Bash(git log:*) Read,Write\nmetadata:\n  author: us\n  version: 1.0\n  deep:\n    a: [b]"
        )
        skill = load_skill(write_skill(content=body_of(head)))
        assert (skill.license, skill.compatibility) == ("Apache-2.0", "Needs git")
        assert skill.allowed_tools == ("Bash(git log:*)", "Read", "Write")
        assert skill.metadata == {"author": "us", "version": "1.0", "deep": '{"a": ["b"]}'}
        assert skill.instructions_line == 14

    @pytest.mark.parametrize("mark", ["\ufeff", "", "\n"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_loads_with_any_line_ends_and_a_byte_order_mark(self, write_skill: WriteSkill, mark: str, end: str) -> None:
        content = mark + body_of("name: thing\ndescription: Reads.").replace("\n", end)
        skill = load_skill(write_skill(content=content))
        assert (skill.name, skill.description, skill.instructions) == ("thing", "Reads.", "Do it.")

    @pytest.mark.parametrize("name", ["skill.md", "Skill.md"])
    def test_loads_whatever_the_case_of_its_file(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "thing").mkdir()
        (tmp_path / "thing" / name).write_text(body_of("name: thing\ndescription: Reads."))
        inspection = inspect_skill(tmp_path / "thing")
        assert inspection.skill is not None
        assert [problem.message for problem in inspection.problems] == ["has to be called SKILL.md."]


class TestASkillThatCannotBeUsed:
    @pytest.mark.parametrize(("content", "expected"), FATAL.items(), ids=[said for _, said in FATAL.values()])
    def test_is_reported_with_its_line(self, write_skill: WriteSkill, content: str, expected: tuple[int, str]) -> None:
        folder = write_skill(content=content)
        with pytest.raises(SkillError) as caught:
            load_skill(folder)
        line, said = expected
        assert (caught.value.problems[-1].line or 1) == line
        assert said in str(caught.value)
        assert str(caught.value).startswith(f"{folder / 'SKILL.md'}:")

    def test_in_another_encoding_is_reported_with_the_line_of_the_first_fault(self, write_skill: WriteSkill) -> None:
        folder = write_skill()
        (folder / "SKILL.md").write_bytes(b"---\nname: thing\ndescription: gr\xfcn\n---\n")
        with pytest.raises(SkillError, match=r"SKILL\.md:3: fatal: is no text in UTF-8"):
            load_skill(folder)

    def test_whose_file_is_a_link_out_of_its_folder_is_refused(self, write_skill: WriteSkill, tmp_path: Path) -> None:
        (tmp_path / "secret.md").write_text(body_of("name: thing\ndescription: Reads."))
        folder = write_skill()
        (folder / "SKILL.md").unlink()
        (folder / "SKILL.md").symlink_to(tmp_path / "secret.md")
        with pytest.raises(SkillError, match="not within the skill's folder"):
            load_skill(folder)

    def test_that_is_very_large_is_refused(self, write_skill: WriteSkill) -> None:
        with pytest.raises(SkillError, match="larger than 1,048,576 bytes"):
            load_skill(write_skill(content=body_of("name: thing\ndescription: Reads.") + "x" * 1_100_000))

    def test_that_is_none_is_reported(self, tmp_path: Path) -> None:
        with pytest.raises(SkillError, match=r"holds no SKILL\.md"):
            load_skill(tmp_path)
        with pytest.raises(SkillError, match="does not exist"):
            load_skill(tmp_path / "nowhere")

    @given(st.text(alphabet="-:|>'\"[]{}&*!#ab \n\t", max_size=120))
    def test_is_reported_and_never_a_crash(self, tmp_path_factory: pytest.TempPathFactory, head: str) -> None:
        folder = tmp_path_factory.mktemp("any") / "thing"
        folder.mkdir()
        (folder / "SKILL.md").write_text(f"---\n{head}\ndescription: a\n---\nbody")
        inspection = inspect_skill(folder)
        assert inspection.skill or any(problem.severity is Severity.FATAL for problem in inspection.problems)


class TestValidation:
    """Strict: what it finds no error in, the public validator finds none in either."""

    CASES = (
        *LENIENT.values(),
        "name: thing\ndescription: Reads.",
        "name: thing\ndescription: Reads.\ncompatibility: " + "x" * 501,
        "name: thing\ndescription: Reads.\nmetadata:\n  a: b",
        "name: thing\ndescription: Reads.\nallowed-tools: Read Write",
        "name: -thing\ndescription: Reads.",
        "name: th--ing\ndescription: Reads.",
        "name: th_ing\ndescription: Reads.",
        "name: " + "a" * 65 + "\ndescription: Reads.",
        "name: thing\ndescription: " + "x" * 1024,
        "name: thing\ndescription: " + "x" * 1025,
        "name: thing\ndescription: {a: b}",
        "name: thing\ndescription: !!str Reads.",
        "name: thing\ndescription: 'Reads: it'",
    )

    @pytest.mark.parametrize("head", CASES)
    def test_finds_what_the_public_validator_finds(self, write_skill: WriteSkill, head: str) -> None:
        folder = write_skill(content=body_of(head))
        ours = [problem for problem in inspect_skill(folder).problems if problem.severity is not Severity.WARNING]
        assert bool(ours) == bool(validate(folder)), (ours, validate(folder))

    @pytest.mark.parametrize("name", ["größe", "日本語", "thing2", "a", "a-b-c", "Größe", "ﬁne"])
    def test_judges_names_as_the_public_validator_does(self, write_skill: WriteSkill, name: str) -> None:
        folder = write_skill(name, body_of(f"name: {name}\ndescription: Reads."))
        ours = [problem for problem in inspect_skill(folder).problems if problem.severity is not Severity.WARNING]
        assert bool(ours) == bool(validate(folder)), (ours, validate(folder))

    @given(st.text(alphabet="---::|>'\"[]{}&*!#ab1 \n", max_size=60))
    def test_never_calls_valid_what_the_public_validator_does_not(
        self, tmp_path_factory: pytest.TempPathFactory, value: str
    ) -> None:
        folder = tmp_path_factory.mktemp("any") / "thing"
        folder.mkdir()
        (folder / "SKILL.md").write_text(f"---\nname: thing\ndescription: a{value}\n---\nbody")
        if not [one for one in inspect_skill(folder).problems if one.severity is not Severity.WARNING]:
            assert validate(folder) == []

    def test_names_every_fault_with_its_line_and_a_cure(self, write_skill: WriteSkill) -> None:
        content = (
            "---\nname: Thing\ndescription: Reads: it\nlicence: MIT\nfoo: bar\n---\n"
            "See [the guide](references/guide.md), [a site](https://site.example/x) and\n"
            "[a folder](references/).\n```\n[code](not/there.md)\n```\n"
        )
        folder = write_skill(content=content, **{"references/other.md": ""})
        said = [(problem.line, problem.severity.value, problem.message) for problem in inspect_skill(folder).problems]
        assert [(line, severity) for line, severity, _ in said] == [
            (2, "error"),
            (2, "error"),
            (3, "error"),
            (4, "error"),
            (5, "error"),
            (7, "warning"),
        ]
        assert "Did you mean `license`?" in said[3][2]
        assert "belongs under `metadata`" in said[4][2]
        assert "`references/guide.md`, which is not there" in said[5][2]

    def test_refuses_what_the_public_validator_cuts_off_without_a_word(self, write_skill: WriteSkill) -> None:
        folder = write_skill(content=body_of("name: thing\ndescription: a --- b"))
        assert validate(folder) == []
        assert [(one.line, one.severity) for one in inspect_skill(folder).problems] == [(3, Severity.ERROR)]

    def test_advises_to_keep_it_short(self, write_skill: WriteSkill) -> None:
        folder = write_skill(content=body_of("name: thing\ndescription: Reads.") + "line\n" * 600)
        [problem] = inspect_skill(folder).problems
        assert problem.severity is Severity.WARNING
        assert "move what is needed rarely to references/" in problem.message
