"""Plain text: a line per turn, `Agent: …`, with or without times; lines without a label continue the turn before."""

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import InteractionDraft, JsonObject, TurnDraft, refuse_too_many
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.front_matter import apply_front_matter, split_front_matter
from tahoe_engine.interactions.formats.labels import Clock, Label, choose_speakers, find_label
from tahoe_engine.interactions.formats.lines import join_lines, split_lines

_LINES_LOOKED_AT = 400


def looks_like_plain_text(text: str, field_map: FieldMap) -> bool:
    """Tells whether speakers are labelled somewhere in the first lines."""
    lines = split_lines(text[: _LINES_LOOKED_AT * 200])[:_LINES_LOOKED_AT]
    return bool(choose_speakers(map(find_label, lines), field_map))


def read_plain_text(text: str, field_map: FieldMap) -> InteractionDraft:
    """Reads one transcript.

    Raises:
        ReadError: No line names a speaker.
    """
    lines = split_lines(text)
    pairs, first = split_front_matter(lines)
    turns, preamble = read_labelled_lines(lines[first:], field_map)
    metadata: JsonObject = {"preamble": preamble} if preamble.strip() else {}
    draft = InteractionDraft(turns=turns, metadata=metadata)
    return apply_front_matter(draft, pairs)


def read_labelled_lines(lines: list[str], field_map: FieldMap) -> tuple[list[TurnDraft], str]:
    """Returns the turns, and the lines before the first of them.

    Raises:
        ReadError: No line names a speaker, or too many do.
    """
    labels: dict[int, Label] = {}
    for number, line in enumerate(lines):
        label = find_label(line)
        if label is not None:
            labels[number] = label
            refuse_too_many(len(labels))
    speakers = choose_speakers(labels.values(), field_map)
    starts = [number for number, label in labels.items() if label.name in speakers]
    if not starts:
        raise ReadError(
            "No line names its speaker, so nobody could tell the agent's words from the customer's.",
            cure="Begin each turn with a label, for instance `Agent: …` and `Customer: …`; "
            "a text by one person takes one label at its top.",
        )
    clock = Clock()
    turns = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        label = labels[start]
        time, offset = clock.read(label.time)
        said = join_lines([lines[start][label.end :], *lines[start + 1 : end]])
        turns.append(TurnDraft(speaker=label.name, said=said, time=time, offset_seconds=offset))
    return turns, "\n".join(lines[: starts[0]])
