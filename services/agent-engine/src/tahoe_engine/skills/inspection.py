"""One look at a skill's folder: what it is, and everything that is wrong with it.

What the specification forbids and a reader can live with is noted and read all the same: many skills in the world have
long descriptions, keys of other products, or a name that is not their folder's.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tahoe_core.errors import TahoeError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.skills.files import list_files, read_bytes
from tahoe_engine.skills.frontmatter import Entry, FrontmatterError, SkillText, Value, read_skill_text
from tahoe_engine.skills.problems import Severity, SkillError, SkillProblem
from tahoe_engine.skills.skill import Skill, SkillScope

SKILL_FILE = "SKILL.md"
MAX_FILE_BYTES = 1024 * 1024
MAX_NAME_CHARACTERS = 64
MAX_DESCRIPTION_CHARACTERS = 1024
MAX_COMPATIBILITY_CHARACTERS = 500
RECOMMENDED_LINES = 500
KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
_LINK = re.compile(r"\]\(<?([^)>\s#]+)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ASCII_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a folder holds.

    Attributes:
        skill: None when something is fatal.
        problems: In the order of the file.
    """

    skill: Skill | None
    problems: tuple[SkillProblem, ...]


def load_skill(folder: Path, scope: SkillScope = SkillScope.TEAM) -> Skill:
    """Reads a skill, with the patience that real ones need.

    Raises:
        SkillError: It cannot be used.
    """
    inspection = inspect_skill(folder, scope)
    if inspection.skill is None:
        raise SkillError([problem for problem in inspection.problems if problem.severity is Severity.FATAL])
    return inspection.skill


def inspect_skill(folder: Path, scope: SkillScope = SkillScope.TEAM) -> Inspection:
    """Looks at a folder, without ever raising for what is wrong with it."""
    file = find_skill_file(folder)
    if file is None:
        missing = "does not exist." if not folder.is_dir() else f"holds no {SKILL_FILE}, so it is no skill."
        return Inspection(None, (SkillProblem(folder, None, Severity.FATAL, missing),))
    look = _Look(folder, file, scope)
    skill = look.read()
    return Inspection(skill, tuple(sorted(look.problems, key=lambda problem: problem.line or 0)))


def find_skill_file(folder: Path) -> Path | None:
    """Returns the SKILL.md of a folder, however its name is written; the proper one comes first."""
    try:
        names = sorted(path.name for path in folder.iterdir() if path.name.lower() == SKILL_FILE.lower())
    except OSError:
        return None
    return folder / names[0] if names else None  # capitals sort before small letters


def find_name_faults(name: str) -> Iterator[str]:
    """Names what the specification has against a name, apart from that it must be the folder's."""
    if len(name) > MAX_NAME_CHARACTERS:
        yield f"has a name of {len(name)} characters; {MAX_NAME_CHARACTERS} are allowed."
    if name != name.lower():
        yield f"has the name `{name}`, which has to be in small letters."
    if name.startswith("-") or name.endswith("-") or "--" in name:
        yield f"has the name `{name}`: dashes stand singly, and between letters or digits."
    if not all(character.isalnum() or character == "-" for character in name):
        yield f"has the name `{name}`; only letters, digits and dashes are allowed."


class _Look:
    """One look at one skill."""

    def __init__(self, folder: Path, file: Path, scope: SkillScope) -> None:
        self.folder = folder
        self.file = file
        self.scope = scope
        self.problems: list[SkillProblem] = []

    def read(self) -> Skill | None:
        if self.file.name != SKILL_FILE:
            self._note(None, Severity.ERROR, f"has to be called {SKILL_FILE}.")
        try:
            text = read_skill_text(self._decode())
        except FrontmatterError as error:
            self._note(error.note.line, error.note.severity, error.note.message)
            return None
        except TahoeError as error:
            self._note(None, Severity.FATAL, error.message)
            return None
        for note in text.notes:
            self._note(note.line, note.severity, note.message)
        name, description = self._name(text), self._description(text)
        if name is None or description is None:
            return None
        skill = Skill(
            name=name,
            description=description,
            folder=self.folder.resolve(),
            file=self.file,
            instructions=text.body,
            instructions_line=text.body_line,
            scope=self.scope,
        )
        self._check_keys(text)
        self._check_body(skill, text)
        return self._with_options(skill, text)

    def _decode(self) -> str:
        content = read_bytes(self.folder, self.file.name, MAX_FILE_BYTES)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise FrontmatterError(line, "is no text in UTF-8: save it as UTF-8.") from None

    def _name(self, text: SkillText) -> str | None:
        entry = text.entries.get("name")
        value = entry.value if entry else ""
        if entry is None or not isinstance(value, str) or not value.strip():
            self._note(entry.line if entry else 1, Severity.ERROR, "has no `name`; that of its folder is taken.")
            value = self.folder.resolve().name
        name = unicodedata.normalize("NFKC", value.strip())
        line = entry.line if entry else 1
        if not name.isprintable():
            self._note(line, Severity.FATAL, "has a name with characters that cannot be seen.")
            return None
        for fault in find_name_faults(name):
            self._note(line, Severity.ERROR, fault)
        own = unicodedata.normalize("NFKC", self.folder.absolute().name)
        if name != own:
            self._note(line, Severity.ERROR, f"has the name `{name}` and lies in the folder `{own}`; both are one.")
        elif not _ASCII_NAME.fullmatch(name):
            self._note(line, Severity.WARNING, "has a name that no agent can list: those are of a-z, 0-9 and dashes.")
        return name

    def _description(self, text: SkillText) -> str | None:
        entry = text.entries.get("description")
        if entry is None or not isinstance(entry.value, str) or not entry.value.strip():
            message = "has no `description`: what it does and when to use it, which is all a model sees at first."
            self._note(entry.line if entry else 1, Severity.FATAL, message)
            return None
        self._check_length("description", entry, MAX_DESCRIPTION_CHARACTERS)
        return entry.value.strip()

    def _with_options(self, skill: Skill, text: SkillText) -> Skill:
        compatibility = text.entries.get("compatibility")
        if compatibility:
            self._check_length("compatibility", compatibility, MAX_COMPATIBILITY_CHARACTERS)
        return replace(
            skill,
            license=self._line_of(text, "license"),
            compatibility=self._line_of(text, "compatibility"),
            allowed_tools=self._allowed_tools(text),
            metadata=self._metadata(text),
        )

    def _line_of(self, text: SkillText, key: str) -> str | None:
        entry = text.entries.get(key)
        if entry is None:
            return None
        if not isinstance(entry.value, str):
            self._note(entry.line, Severity.ERROR, f"has a `{key}` that is no text; it is left out.")
            return None
        return entry.value.strip() or None

    def _allowed_tools(self, text: SkillText) -> tuple[str, ...]:
        entry = text.entries.get("allowed-tools")
        match entry.value if entry else "":
            case str() as line:
                # Spaces part the tools, or commas in skills of some products; not within Bash(git log:*).
                return tuple(re.findall(r"[^\s,(]+(?:\([^)]*\))?", line))
            case list() as items:
                return tuple(item.strip() for item in items if isinstance(item, str) and item.strip())
            case _:
                self._note(entry.line if entry else 1, Severity.ERROR, "has `allowed-tools` that are no list.")
                return ()

    def _metadata(self, text: SkillText) -> dict[str, str]:
        entry = text.entries.get("metadata")
        if entry is None or entry.value == "":
            return {}
        if not isinstance(entry.value, dict):
            self._note(entry.line, Severity.ERROR, "has a `metadata` that is no list of `key: value` lines.")
            return {}
        if any(not isinstance(value, str) for value in entry.value.values()):
            self._note(entry.line, Severity.WARNING, "has more than texts in `metadata`; it is kept as JSON.")
        return {key: _as_text(value) for key, value in entry.value.items()}

    def _check_length(self, key: str, entry: Entry, allowed: int) -> None:
        # As the public validator measures it: the space around the value counts.
        if isinstance(entry.value, str) and len(entry.value) > allowed:
            message = f"has a {key} of {len(entry.value):,} characters; the specification allows {allowed:,}."
            self._note(entry.line, Severity.ERROR, message)

    def _check_keys(self, text: SkillText) -> None:
        for key, entry in text.entries.items():
            if key not in KEYS:
                hint = did_you_mean(key, KEYS, "`") or " What is your own belongs under `metadata`."
                self._note(entry.line, Severity.ERROR, f"has the key `{key}`, which the specification lacks.{hint}")

    def _check_body(self, skill: Skill, text: SkillText) -> None:
        lines = text.body.split("\n")
        if not text.body:
            self._note(text.body_line, Severity.WARNING, "has no instructions below its frontmatter.")
        if len(lines) > RECOMMENDED_LINES:
            message = f"has {len(lines)} lines of instructions; move what is needed rarely to references/."
            self._note(text.body_line, Severity.WARNING, message)
        files = {file.path for file in list_files(skill)}
        for number, target in _list_links(lines):
            if target.removeprefix("./").rstrip("/") not in files and not _is_folder(target, files):
                self._note(text.body_line + number, Severity.WARNING, f"points to `{target}`, which is not there.")

    def _note(self, line: int | None, severity: Severity, message: str) -> None:
        self.problems.append(SkillProblem(self.file, line, severity, message))


def _is_folder(target: str, files: set[str]) -> bool:
    folder = target.removeprefix("./").rstrip("/") + "/"
    return any(file.startswith(folder) for file in files)


def _list_links(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Markdown links to files of the skill, outside of code."""
    is_code = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            for target in _LINK.findall(line):
                if not _SCHEME.match(target) and not target.startswith("/"):
                    yield number, target


def _as_text(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
