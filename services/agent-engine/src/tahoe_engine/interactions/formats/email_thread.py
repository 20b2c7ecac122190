"""E-mail threads: blocks of header lines, each followed by what that person wrote."""

import re

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import InteractionDraft, JsonObject, TurnDraft
from tahoe_engine.interactions.formats.front_matter import apply_front_matter, split_front_matter
from tahoe_engine.interactions.formats.lines import join_lines, split_lines
from tahoe_engine.interactions.formats.times import read_time
from tahoe_engine.models.interaction import InteractionType

_HEADER = re.compile(r"\**([A-Za-z][A-Za-z-]{1,40}):\**[ \t]*(.*)")
_SEPARATOR = re.compile(
    r"[-_=*]{3,}(?:[ ]?(?:original|forwarded) message[ ]?[-_=*]{3,})?|On .{1,200} wrote:", re.IGNORECASE
)
_ENOUGH = frozenset({"to", "subject", "date", "sent", "cc"})
_ENCODED = frozenset({"quoted-printable", "base64"})


def looks_like_email(text: str) -> bool:
    """Tells whether the text begins with an e-mail's headers."""
    lines = split_lines(text[:20_000])
    first = split_front_matter(lines)[1]
    while first < len(lines) and not lines[first].strip():
        first += 1
    return bool(_read_headers(lines, first)[0])


def read_email_thread(text: str) -> InteractionDraft:
    """Reads a thread in the order of the file.

    Raises:
        ReadError: There are no headers, or the messages are still encoded for transport.
    """
    lines = split_lines(text)
    pairs, first = split_front_matter(lines)
    starts = _find_messages(lines, first)
    if not starts:
        raise ReadError(
            "No message begins with From: and To:, Subject: or Date: lines.",
            cure="Write each message as its header lines, an empty line, and its text.",
        )
    turns: list[TurnDraft] = []
    subjects: list[str] = []
    for number, (start, body, headers) in enumerate(starts):
        end = starts[number + 1][0] if number + 1 < len(starts) else len(lines)
        _refuse_encoded(headers, start + 1)
        turns.append(_read_message(headers, lines[body:end]))
        subjects.append(headers.get("subject", ""))
    headers = starts[0][2]
    metadata: JsonObject = {"subject": subjects[0]} if subjects[0] else {}
    draft = InteractionDraft(
        turns=turns,
        external_id=headers.get("message-id") or None,
        usual_type=InteractionType.EMAIL,
        occurred_at=headers.get("date") or headers.get("sent") or None,
        metadata=metadata,
    )
    return apply_front_matter(draft, pairs)


def _read_message(headers: dict[str, str], lines: list[str]) -> TurnDraft:
    end = len(lines)
    while end and (not lines[end - 1].strip() or _SEPARATOR.fullmatch(lines[end - 1].strip())):
        end -= 1
    return TurnDraft(
        speaker=headers["from"],
        said=join_lines(lines[:end]) if end else "",
        time=read_time(headers.get("date") or headers.get("sent")),
    )


def _find_messages(lines: list[str], first: int) -> list[tuple[int, int, dict[str, str]]]:
    """Returns, for each message, its first line, the first line of its body, and its headers."""
    found = []
    number = first
    after_gap = True
    while number < len(lines):
        headers, body = _read_headers(lines, number) if after_gap else ({}, number)
        if headers:
            found.append((number, body, headers))
            number, after_gap = body, True
            continue
        stripped = lines[number].strip()
        after_gap = not stripped or _SEPARATOR.fullmatch(stripped) is not None
        number += 1
    return found


def _read_headers(lines: list[str], start: int) -> tuple[dict[str, str], int]:
    """Returns the headers that begin at a line and the line after them; none unless they are an e-mail's."""
    headers: dict[str, str] = {}
    number = start
    name = ""
    while number < len(lines) and lines[number].strip():
        line = lines[number].rstrip("\r")
        match = _HEADER.fullmatch(line)
        if match is not None:
            name = match[1].lower()
            headers[name] = match[2].strip()
        elif name and line[0] in " \t":  # a folded header
            headers[name] = f"{headers[name]} {line.strip()}"
        else:
            break
        number += 1
    if not headers.get("from") or not headers.keys() & _ENOUGH:
        return {}, start
    if number < len(lines) and not lines[number].strip():
        number += 1
    return headers, number


def _refuse_encoded(headers: dict[str, str], line: int) -> None:
    encoded = headers.get("content-transfer-encoding", "").lower() in _ENCODED
    if encoded or headers.get("content-type", "").lower().startswith("multipart/"):
        raise ReadError(
            "This message is still encoded for transport (MIME).",
            line=line,
            cure="Export the thread as text from your mail program.",
        )
