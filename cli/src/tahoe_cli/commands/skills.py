import re
from collections.abc import Sequence
from pathlib import Path

import click

from tahoe_cli.output import json_option, print_json, say
from tahoe_core.errors import NotFoundError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.settings import EngineSettings, load_settings
from tahoe_engine.skills.files import list_files
from tahoe_engine.skills.inspection import inspect_skill
from tahoe_engine.skills.library import AGENT_MARK, Shelf, SkillLibrary
from tahoe_engine.skills.places import find_bundled_skills
from tahoe_engine.skills.problems import Severity, SkillProblem
from tahoe_engine.skills.scaffold import create_skill
from tahoe_engine.skills.skill import Skill

EPILOG = """\b
Examples:
  tahoe skills list
  tahoe skills show code-review
  tahoe skills new ledger-check --description "Checks ledgers. When ..."
  tahoe skills validate ~/.tahoe/skills/ledger-check

A skill is a folder with a SKILL.md, as agentskills.io describes it. The team's
lie in TAHOE_SKILLS (default: skills in TAHOE_HOME), those of one agent below it
in @AGENT. None of these commands needs the database.
"""
_COLORS = {Severity.FATAL: "red", Severity.ERROR: "red", Severity.WARNING: "yellow"}
_WIDTH = 78
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
_DESCRIPTION = "Says what it does. Use it when: say what somebody would ask for."


@click.group("skills", epilog=EPILOG)
def command() -> None:
    """List, show, validate and write skills."""


@command.command(
    "list",
    short_help="List the skills there are.",
    epilog="\b\nExamples:\n  tahoe skills list\n  tahoe skills list --agent concierge --json",
)
@click.option("--agent", metavar="SLUG", help="Also those that this agent alone has.")
@json_option
def list_command(*, agent: str | None, as_json: bool) -> None:
    """List the team's skills and those that come with Tahoe.

    What is wrong with one of them does not hide the others; it is printed below them, with file and line.
    """
    shelf = _look(_open_library(load_settings()), agent)
    if as_json:
        problems = [_problem_document(problem) for problem in shelf.problems]
        print_json({"skills": [_summary(skill) for skill in shelf.skills], "problems": problems})
        return
    width = max((len(skill.name) for skill in shelf.skills), default=0)
    for skill in shelf.skills:
        line = f"{skill.name:<{width}}  {skill.scope:<7}  {' '.join(skill.description.split())}"
        say(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1].rstrip()}…")
    _report(shelf.problems)


@command.command(
    "show",
    short_help="Print a skill's instructions and files.",
    epilog="\b\nExamples:\n  tahoe skills show code-review\n  tahoe skills show world-clock --json",
)
@click.argument("name")
@click.option("--agent", metavar="SLUG", help="Look among this agent's own skills first.")
@json_option
def show(*, name: str, agent: str | None, as_json: bool) -> None:
    """Print what a skill says of itself, its instructions, and its files."""
    shelf = _look(_open_library(load_settings()), agent)
    skill = next((skill for skill in shelf.skills if skill.name == name), None)
    if skill is None:
        hint = did_you_mean(name, [skill.name for skill in shelf.skills])
        raise NotFoundError(f"There is no skill {name!r}.{hint}", cure="See: tahoe skills list")
    files = list_files(skill)
    if as_json:
        document = _summary(skill) | {
            "license": skill.license,
            "compatibility": skill.compatibility,
            "allowed_tools": skill.allowed_tools,
            "metadata": dict(skill.metadata),
            "instructions": skill.instructions,
            "files": [{"path": file.path, "size_bytes": file.size_bytes} for file in files],
        }
        print_json(document)
        return
    for label, value in (
        ("name", skill.name),
        ("folder", str(skill.folder)),
        ("license", skill.license),
        ("needs", skill.compatibility),
        ("tools", " ".join(skill.allowed_tools)),
        *skill.metadata.items(),
    ):
        if value:
            say(f"{label + ':':<9} {value}")
    say(f"\n{' '.join(skill.description.split())}\n\n{skill.instructions}\n")
    for file in files:
        say(f"{file.size_bytes:>9,} {file.path}")


@command.command(
    "validate",
    short_help="Check skills; exit 1 if one breaks the specification.",
    epilog="""\b
Examples:
  tahoe skills validate my-skill
  tahoe skills validate skills/* --json
  tahoe skills validate
""",
)
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@json_option
def validate(*, folders: tuple[Path, ...], as_json: bool) -> int:
    """Check folders with skills, strictly; without any, all that the team has.

    Every fault is named with file and line. A warning is advice and fails nothing.
    """
    chosen = [_to_folder(folder) for folder in folders] or _list_own_folders(load_settings())
    inspections = {folder: inspect_skill(folder) for folder in chosen}
    failed = 0
    documents = []
    for folder, inspection in inspections.items():
        is_valid = all(problem.severity is Severity.WARNING for problem in inspection.problems)
        failed += not is_valid
        name = inspection.skill.name if inspection.skill else None
        problems = [_problem_document(problem) for problem in inspection.problems]
        documents.append({"folder": str(folder), "name": name, "valid": is_valid, "problems": problems})
        if not as_json:
            _report(inspection.problems)
            if is_valid:
                say(f"{folder}: {name} is valid.")
    if as_json:
        print_json({"skills": documents})
    elif not documents:
        say("There are no skills of the team. Write one with: tahoe skills new NAME")
    return 1 if failed else 0


@command.command(
    "new",
    short_help="Write a new skill to begin with.",
    epilog="""\b
Examples:
  tahoe skills new ledger-check --description "Checks ledgers. When ..."
  tahoe skills new table-plan --agent concierge --script
  tahoe skills new ledger-check --in .
""",
)
@click.argument("name")
@click.option("--description", default=_DESCRIPTION, help="What it does, and when to use it.")
@click.option("--agent", metavar="SLUG", help="For this agent alone.")
@click.option("--in", "place", type=click.Path(path_type=Path), help="The folder to put it in.")
@click.option("--script", "with_script", is_flag=True, help="With a script.")
def new(*, name: str, description: str, agent: str | None, place: Path | None, with_script: bool) -> None:
    """Write the folder of a new skill that is valid from its first line.

    It is put where the team's skills lie, unless --in names another folder.
    """
    if place is None:
        place = load_settings().skill_folders[0]
    if agent is not None:
        if not _SLUG.fullmatch(agent):
            raise click.BadParameter("an agent's slug is made of small letters, digits and . _ -", param_hint="--agent")
        place /= f"{AGENT_MARK}{agent}"
    folder = create_skill(place, name, description, with_script=with_script)
    say(f"{folder} is written. Say in its SKILL.md what to do, then: tahoe skills validate {folder}")


def _open_library(settings: EngineSettings) -> SkillLibrary:
    return SkillLibrary(settings.skill_folders, find_bundled_skills())


def _look(library: SkillLibrary, agent: str | None) -> Shelf:
    """The shared skills, and before those of the same name an agent's own."""
    shared = library.list_shared()
    if agent is None:
        return shared
    own = library.list_own(agent)
    names = {skill.name for skill in own.skills}
    skills = [*own.skills, *(skill for skill in shared.skills if skill.name not in names)]
    return Shelf(tuple(sorted(skills, key=lambda skill: skill.name)), (*own.problems, *shared.problems))


def _list_own_folders(settings: EngineSettings) -> list[Path]:
    """The folders of the team's and its agents' skills, whether they can be used or not."""
    library = SkillLibrary(settings.skill_folders)
    shelves = [library.list_shared(), *(library.list_own(slug) for slug in library.list_agents())]
    folders = [skill.file.parent for shelf in shelves for skill in shelf.skills]
    folders += [problem.file.parent for shelf in shelves for problem in shelf.problems]
    return sorted(set(folders))


def _to_folder(path: Path) -> Path:
    """The folder of a SKILL.md that was named itself."""
    return path.absolute().parent if path.is_file() and path.name.lower() == "skill.md" else path


def _summary(skill: Skill) -> dict[str, object]:
    return {
        "name": skill.name,
        "description": skill.description,
        "scope": skill.scope,
        "folder": str(skill.folder),
    }


def _problem_document(problem: SkillProblem) -> dict[str, object]:
    return {
        "file": str(problem.file),
        "line": problem.line,
        "severity": problem.severity,
        "message": problem.message,
    }


def _report(problems: Sequence[SkillProblem]) -> None:
    for problem in problems:
        say(str(problem), err=True, color=_COLORS[problem.severity])
