"""Secrets by file: `DATABASE_PASSWORD_FILE` names a file that holds what `DATABASE_PASSWORD` would.

That is how Docker and Kubernetes hand secrets in without showing them in a process's environment.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from tahoe_core.errors import InvalidInputError

SUFFIX = "_FILE"
MAX_BYTES = 64 * 1024


def read_secret_files(variables: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """Returns the variables with the content of each secret's file; line ends at its end are no part of it.

    Args:
        variables: The environment.
        secrets: The variables that may be given by file.

    Raises:
        InvalidInputError: A file cannot be read, is empty, or the secret is given by its own name too.
    """
    found = dict(variables)
    for name in sorted(secrets):
        path = variables.get(name + SUFFIX, "").strip()
        if not path:
            continue
        if variables.get(name, "").strip():
            raise InvalidInputError(
                f"{name} and {name}{SUFFIX} are both set.", cure="Leave one of them out.", field=name
            )
        found[name] = _read(name + SUFFIX, Path(path))
    return found


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode().rstrip("\r\n")
    except OSError as error:
        raise _unusable(variable, path, f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise _unusable(variable, path, "is no text in UTF-8") from None
    if len(content) > MAX_BYTES:
        raise _unusable(variable, path, f"is larger than {MAX_BYTES} bytes")
    if not text.strip():
        raise _unusable(variable, path, "is empty")
    return text


def _unusable(variable: str, path: Path, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"{variable} names {path}, which {what}.", cure="Mend the file or unset the variable.", field=variable
    )
