"""A new skill, valid from its first line."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from tahoe_core.errors import ConflictError, InvalidInputError
from tahoe_engine.skills.inspection import MAX_DESCRIPTION_CHARACTERS, SKILL_FILE, find_name_faults

_INSTRUCTIONS = """# {title}

Say here, in the imperative, what to do once a task fits the description above. Keep it under 500 lines: a model reads
all of it each time.

## Steps

1. Find out what is asked for, and what is given.
2. Do it. Details that are needed rarely stand in [the reference](references/reference.md).
3. Check the result against what was asked for.

## What can go wrong

- Name the cases in which the usual way fails, and what to do then.
"""
_REFERENCE = """# Reference

What is needed only now and then: tables, formats, long examples. A model reads this file when SKILL.md sends it here.
"""
_SCRIPT = '''"""Say in one line what the script does; the standard library is all it can count on."""

import argparse


def main() -> None:
    """Reads the arguments and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    print(f"Hello, {parser.parse_args().name}.")


if __name__ == "__main__":
    main()
'''


def create_skill(place: Path, name: str, description: str, *, with_script: bool = False) -> Path:
    """Writes a new skill and returns its folder.

    Args:
        place: The folder to put it in; made where it is missing.
        name: Also that of its folder.
        description: What it does and when to use it.
        with_script: Whether it gets a scripts/main.py to begin with.

    Raises:
        InvalidInputError: The name or the description is none that the specification allows.
        ConflictError: There is such a folder already.
    """
    for fault in _find_name_faults(name):
        raise InvalidInputError(f"The skill {fault}", cure="Small letters, digits and single dashes are allowed.")
    for fault in _find_description_faults(description):
        raise InvalidInputError(f"The skill {fault}", cure="Say in a few sentences what it does and when to use it.")
    folder = place / name
    files = {SKILL_FILE: _compose(name, description), "references/reference.md": _REFERENCE}
    if with_script:
        files["scripts/main.py"] = _SCRIPT
    try:
        folder.mkdir(parents=True)
        for path, content in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(content, encoding="utf-8")
    except FileExistsError:
        raise ConflictError(f"{folder} exists already.", cure="Choose another name, or remove it.") from None
    except OSError as error:
        raise InvalidInputError(f"{folder} cannot be written: {error.strerror}.") from None
    return folder


def _find_name_faults(name: str) -> Iterator[str]:
    if not name:
        yield "has no name."
    yield from find_name_faults(name)


def _find_description_faults(description: str) -> Iterator[str]:
    if not description.strip():
        yield "has no description."
    if len(description) > MAX_DESCRIPTION_CHARACTERS:
        yield f"has a description of {len(description):,} characters; {MAX_DESCRIPTION_CHARACTERS:,} are allowed."
    if "---" in description:
        yield "has a description with --- in it, which readers take for the end of the frontmatter."


def _compose(name: str, description: str) -> str:
    head = yaml.safe_dump(
        {"name": name, "description": " ".join(description.split())}, allow_unicode=True, sort_keys=False, width=100
    )
    return f"---\n{head}---\n\n{_INSTRUCTIONS.format(title=name.replace('-', ' ').capitalize())}"
