import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_core.errors import InvalidInputError, NotFoundError, PayloadTooLargeError, TahoeError
from tahoe_engine.skills.files import MAX_CHARACTERS_A_READ, MAX_TEXT_BYTES, list_files, read_file
from tahoe_engine.skills.inspection import load_skill
from tahoe_engine.skills.skill import Skill

type MakeSkill = Callable[..., Skill]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text("secret")
    return file


class TestAPath:
    @pytest.mark.parametrize(
        "path",
        ["../secret.txt", "references/../../secret.txt", "/etc/passwd", "//etc/passwd", "\\etc", "", "a\0b", ".."],
    )
    def test_that_leads_out_is_refused(self, make_skill: MakeSkill, secret: Path, path: str) -> None:
        skill = make_skill(**{"references/guide.md": "guide"})
        with pytest.raises(InvalidInputError, match="not within the skill's folder"):
            read_file(skill, path)

    def test_through_a_link_to_a_file_outside_is_refused(self, make_skill: MakeSkill, secret: Path) -> None:
        skill = make_skill()
        (skill.folder / "link.txt").symlink_to(secret)
        with pytest.raises(InvalidInputError, match="not within"):
            read_file(skill, "link.txt")

    def test_through_a_link_to_a_folder_outside_is_refused(self, make_skill: MakeSkill, secret: Path) -> None:
        skill = make_skill()
        (skill.folder / "up").symlink_to(secret.parent)
        with pytest.raises(InvalidInputError, match="not within"):
            read_file(skill, "up/secret.txt")

    def test_through_links_one_after_the_other_is_refused(self, make_skill: MakeSkill, secret: Path) -> None:
        skill = make_skill()
        (skill.folder / "one").symlink_to("two")
        (skill.folder / "two").symlink_to("../secret.txt")
        with pytest.raises(InvalidInputError, match="not within"):
            read_file(skill, "one")

    def test_through_a_link_that_stays_within_is_read(self, make_skill: MakeSkill) -> None:
        skill = make_skill(**{"references/guide.md": "guide"})
        (skill.folder / "guide.md").symlink_to("references/guide.md")
        assert read_file(skill, "guide.md").text == "guide"

    @pytest.mark.parametrize("path", ["references", "loop", "a" * 300, "."])
    def test_to_no_file_is_none(self, make_skill: MakeSkill, path: str) -> None:
        skill = make_skill(**{"references/guide.md": "guide"})
        (skill.folder / "loop").symlink_to("loop")
        with pytest.raises(NotFoundError):
            read_file(skill, path)

    def test_to_a_pipe_does_not_hang(self, make_skill: MakeSkill) -> None:
        skill = make_skill()
        os.mkfifo(skill.folder / "pipe")
        with pytest.raises(NotFoundError):
            read_file(skill, "pipe")

    def test_that_is_mistyped_is_answered_with_near_ones(self, make_skill: MakeSkill) -> None:
        skill = make_skill(**{"references/guide.md": "guide"})
        with pytest.raises(NotFoundError, match=r"Did you mean references/guide\.md\?"):
            read_file(skill, "references/giude.md")

    @given(st.lists(st.sampled_from(["..", ".", "", "references", "up", "guide.md", "secret.txt"]), max_size=6))
    def test_of_any_parts_never_reads_what_lies_outside(
        self, tmp_path_factory: pytest.TempPathFactory, parts: list[str]
    ) -> None:
        place = tmp_path_factory.mktemp("any")
        (place / "secret.txt").write_text("secret")
        folder = place / "thing"
        (folder / "references").mkdir(parents=True)
        (folder / "SKILL.md").write_text("---\nname: thing\ndescription: x\n---\n")
        (folder / "references" / "guide.md").write_text("guide")
        (folder / "up").symlink_to("..")
        try:
            text = read_file(load_skill(folder), "/".join(parts)).text
        except TahoeError:
            return
        assert text == "guide"


class TestAFile:
    def test_is_read_part_by_part(self, make_skill: MakeSkill) -> None:
        text = "äé" * MAX_CHARACTERS_A_READ
        skill = make_skill(**{"long.txt": text})
        first = read_file(skill, "long.txt")
        assert first.next_offset == MAX_CHARACTERS_A_READ
        second = read_file(skill, "long.txt", offset=first.next_offset)
        assert f"{first.text}{second.text}" == text
        assert second.next_offset is None

    @pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0", b"\xff\xfe\xfd", b"text\0more"])
    def test_that_is_binary_is_not_shown(self, make_skill: MakeSkill, content: bytes) -> None:
        skill = make_skill()
        (skill.folder / "data.bin").write_bytes(content)
        extract = read_file(skill, "data.bin")
        assert (extract.text, extract.size_bytes) == (None, len(content))

    def test_that_is_too_large_is_refused(self, make_skill: MakeSkill) -> None:
        skill = make_skill()
        with (skill.folder / "huge.txt").open("wb") as file:
            file.truncate(MAX_TEXT_BYTES + 1)
        with pytest.raises(PayloadTooLargeError, match="larger than 5,242,880 bytes"):
            read_file(skill, "huge.txt")


class TestTheList:
    def test_has_the_files_and_nothing_that_leads_out_or_is_no_part_of_it(
        self, make_skill: MakeSkill, secret: Path
    ) -> None:
        skill = make_skill(
            **{"references/guide.md": "guide", "scripts/a.py": "", ".git/config": "", "node_modules/x.js": ""}
        )
        (skill.folder / "out.txt").symlink_to(secret)
        (skill.folder / "up").symlink_to(secret.parent)
        (skill.folder / "in.md").symlink_to("references/guide.md")
        assert [file.path for file in list_files(skill)] == ["SKILL.md", "in.md", "references/guide.md", "scripts/a.py"]

    def test_ends(self, make_skill: MakeSkill) -> None:
        skill = make_skill()
        for number in range(1100):
            (skill.folder / f"{number}.txt").touch()
        assert len(list_files(skill)) == 1000
