"""WebVTT and SubRip: a cue per turn, its start as the seconds from the start of the call.

Read here rather than by webvtt-py, which leaves out a cue whose times it cannot read, knows one voice a cue and no line
numbers: a transcript that will be judged must lose nothing without saying so.
"""

import re
from dataclasses import dataclass
from html import unescape

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import InteractionDraft, TurnDraft, refuse_too_many
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.front_matter import apply_front_matter, read_pairs
from tahoe_engine.interactions.formats.labels import choose_speakers, find_label
from tahoe_engine.interactions.formats.lines import split_lines
from tahoe_engine.models.interaction import InteractionType

_ARROW = "-->"
_TIMES = re.compile(r"\s*(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d{1,3})?)\s*-->\s*(?:\d+:)?\d{1,2}:\d{1,2}(?:[.,]\d+)?.*")
_FIRST_SRT_CUE = re.compile(r"(?:\d+[ \t]*\r?\n)?[ \t]*(?:\d+:)?\d{1,2}:\d{1,2}[,.]\d{1,3}[ \t]*-->")
_SKIPPED = ("NOTE", "STYLE", "REGION")
# What stands between < and > is bounded, so that a line of nothing but < costs no more than its length.
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,100})?[ \t]+([^<>]{0,200})>")
_MARKUP = re.compile(
    r"</?(?:v|c|i|b|u|ruby|rt|lang|font)(?:[.\s][^<>]{0,200})?>|<\d[\d:.]{0,20}>|\{\\[^{}]{0,200}\}", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")


@dataclass(slots=True)
class _Cue:
    """One cue: seconds from the start, and its lines as written."""

    start: float
    lines: list[str]


def looks_like_vtt(text: str) -> bool:
    """Tells WebVTT by the word that it must begin with."""
    return re.match(r"WEBVTT(?:[ \t\r\n]|$)", text) is not None


def looks_like_srt(text: str) -> bool:
    """Tells SubRip by its first cue."""
    return _FIRST_SRT_CUE.match(text.lstrip()[:100]) is not None


def read_vtt(text: str, field_map: FieldMap) -> InteractionDraft:
    """Reads WebVTT; `key: value` lines of its header say what front matter says elsewhere.

    Raises:
        ReadError: It does not begin with WEBVTT, a cue's times cannot be read, or nobody is named.
    """
    if not looks_like_vtt(text):
        raise ReadError("It does not begin with WEBVTT.", line=1, cure="Write WEBVTT in the first line.")
    lines = split_lines(text)
    end_of_header = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    end_of_header = next((number for number in range(end_of_header) if _ARROW in lines[number]), end_of_header)
    pairs = read_pairs(lines[1:end_of_header])
    cues = _read_cues(lines, end_of_header)
    draft = InteractionDraft(turns=_read_turns(cues, field_map), usual_type=InteractionType.CALL)
    return apply_front_matter(draft, pairs)


def read_srt(text: str, field_map: FieldMap) -> InteractionDraft:
    """Reads SubRip.

    Raises:
        ReadError: A cue's times cannot be read, or nobody is named.
    """
    cues = _read_cues(split_lines(text), 0)
    return InteractionDraft(turns=_read_turns(cues, field_map), usual_type=InteractionType.CALL)


def _read_cues(lines: list[str], first: int) -> list[_Cue]:
    """Collects the cues; text after an empty line belongs to the cue before it, as players show it."""
    cues: list[_Cue] = []
    skipping = in_cue = False
    for number in range(first, len(lines)):
        line = lines[number].removesuffix("\r")
        if _ARROW in line:
            skipping, in_cue = False, True
            cues.append(_Cue(_read_start(line, number + 1), []))
            refuse_too_many(len(cues))
        elif not line.strip():
            skipping = in_cue = False
        elif not skipping and not _is_identifier(lines, number):
            skipping = not in_cue and line.startswith(_SKIPPED)
            if not skipping and cues:
                cues[-1].lines.extend([line] if in_cue or not cues[-1].lines else ["", line])
                in_cue = True
    if not cues:
        raise ReadError("There are no cues in it.", cure="A cue is a line 00:00:01.000 --> 00:00:04.000 and its text.")
    return cues


def _is_identifier(lines: list[str], number: int) -> bool:
    """Tells the line above the times of a cue, when it is its name and not the end of the cue before."""
    if number + 1 >= len(lines) or _ARROW not in lines[number + 1]:
        return False
    return number == 0 or not lines[number - 1].strip() or lines[number].strip().isdigit()


def _read_start(line: str, number: int) -> float:
    match = _TIMES.fullmatch(line)
    if match is None:
        raise ReadError(
            f"The times of the cue at line {number} cannot be read: {line.strip()[:80]!r}.",
            line=number,
            cure="Write them like 00:00:01.000 --> 00:00:04.000.",
        )
    return int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3].replace(",", "."))


def _read_turns(cues: list[_Cue], field_map: FieldMap) -> list[TurnDraft]:
    """Returns a turn per cue, and one more for each further voice in the same cue."""
    if any(_VOICE.search(line) for cue in cues for line in cue.lines):
        return [turn for cue in cues for turn in _read_voices(cue)]
    plain = [[_plain(line) for line in cue.lines] for cue in cues]
    speakers = choose_speakers((find_label(line) for lines in plain for line in lines), field_map)
    if not speakers:
        raise ReadError(
            "No cue names its speaker, so nobody could tell the agent's words from the customer's.",
            cure="Begin cues with <v Name> or with `Name:`.",
        )
    turns: list[TurnDraft] = []
    for cue, lines in zip(cues, plain, strict=True):
        speaker = turns[-1].speaker if turns else ""
        turns.extend(_read_labelled(cue, lines, speaker, speakers))
    return turns


def _read_voices(cue: _Cue) -> list[TurnDraft]:
    text = "\n".join(cue.lines)
    voices = list(_VOICE.finditer(text))
    before = text[: voices[0].start()] if voices else text
    turns = [TurnDraft("", _plain(before), offset_seconds=cue.start)] if before.strip() or not voices else []
    ends = [following.start() for following in voices[1:]]
    for voice, end in zip(voices, [*ends, len(text)], strict=False):
        said = text[voice.end() : end]
        said = said if end == len(text) else said.rstrip()  # the blank or line break that separates two voices
        turns.append(TurnDraft(_plain(voice[1]).strip(), _plain(said), offset_seconds=cue.start))
    return turns


def _read_labelled(cue: _Cue, lines: list[str], speaker: str, speakers: frozenset[str]) -> list[TurnDraft]:
    """Reads the lines of one cue; one without a label is still spoken by whoever spoke last."""
    parts: list[tuple[str, list[str]]] = []
    for line in lines:
        label = find_label(line)
        if label is not None and label.name in speakers:
            parts.append((label.name, [line[label.end :]]))
        elif parts:
            parts[-1][1].append(line)
        else:
            parts.append((speaker, [line]))
    return [
        TurnDraft(name, "\n".join(said), offset_seconds=cue.start) for name, said in parts or [(speaker, list[str]())]
    ]


def _plain(text: str) -> str:
    """Takes out markup, which nobody said, and turns entities into their characters."""
    return _ENTITY.sub(lambda match: unescape(match[0]), _MARKUP.sub("", text))
