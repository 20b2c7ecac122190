"""What a model is shown of skills: first names and descriptions, then instructions, then files."""

import html
from collections.abc import Sequence

from tahoe_engine.skills.files import FileExtract, SkillFile, list_files
from tahoe_engine.skills.running.interpreters import is_script
from tahoe_engine.skills.skill import Skill

MAX_DESCRIPTION_CHARACTERS = 4096
MAX_INSTRUCTION_CHARACTERS = 200_000
MAX_LISTED_FILES = 200
_HOW_TO = (
    "You have skills: instructions for particular kinds of task. When a task fits a skill's description, call "
    "load_skill with its name before you begin, and do as it says. Load none that the task does not need."
)


def describe_skills(skills: Sequence[Skill]) -> str:
    """Returns level 1, for the system prompt: each skill's name and description; empty when there are none."""
    if not skills:
        return ""
    lines = [_HOW_TO, "<available_skills>"]
    for skill in skills:
        description = _cut(" ".join(skill.description.split()), MAX_DESCRIPTION_CHARACTERS)
        lines += [
            "<skill>",
            f"<name>{html.escape(skill.name, quote=False)}</name>",
            f"<description>{html.escape(description, quote=False)}</description>",
            "</skill>",
        ]
    return "\n".join([*lines, "</available_skills>"])


def present_skill(skill: Skill) -> str:
    """Returns level 2: the instructions, and which files there are to read or run."""
    text = skill.instructions[:MAX_INSTRUCTION_CHARACTERS]
    lines = [f'<skill name="{html.escape(skill.name)}">', text]
    if len(text) < len(skill.instructions):
        lines.append(f"[Cut after {len(text):,} characters; read_skill_file {skill.file.name} has the rest.]")
    if skill.compatibility:
        lines += ["", f"It needs: {skill.compatibility}"]
    others = [file for file in list_files(skill) if file.path != skill.file.name]
    lines += _present_files("Files, for read_skill_file:", [file for file in others if not is_script(file.path)])
    lines += _present_files("Scripts, for run_skill_script:", [file for file in others if is_script(file.path)])
    return "\n".join([*lines, "</skill>"])


def present_extract(extract: FileExtract) -> str:
    """Returns level 3: a file's text, and where it goes on."""
    if extract.text is None:
        return f"[{extract.path} is binary, {extract.size_bytes:,} bytes; a script may use it.]"
    if extract.next_offset is None:
        return extract.text
    return (
        f"{extract.text}\n[{extract.next_offset:,} of {extract.total_characters:,} characters; "
        f"read on with offset {extract.next_offset}.]"
    )


def _present_files(title: str, files: Sequence[SkillFile]) -> list[str]:
    if not files:
        return []
    shown = [f"- {file.path} ({file.size_bytes:,} bytes)" for file in files[:MAX_LISTED_FILES]]
    more = len(files) - len(shown)
    return ["", title, *shown, *([f"- and {more} more"] if more else [])]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
