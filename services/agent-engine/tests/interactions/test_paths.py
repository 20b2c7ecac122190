import io
import os
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from tahoe_engine.interactions.reading import (
    ReadFailure,
    ReadInteraction,
    ReadItem,
    ReadOptions,
    count_files,
    read_paths,
)

GOOD = '{"turns": [["agent", "Hello"], ["customer", "Hi"]]}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "b.json": GOOD,
        "a.jsonl": f"{GOOD}\n{GOOD}\n",
        "sub/c.txt": "Agent: Hello\nCustomer: Hi\n",
        "sub/z.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>Hi\n",
        "sub/picture.png": "x",
        ".hidden.json": GOOD,
        ".git/d.json": GOOD,
        "with space.srt": "1\n00:00:01,000 --> 00:00:02,000\nAgent: Hi\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def _places(items: Iterable[ReadItem], folder: Path) -> list[str]:
    return [str(item.source).removeprefix(f"{folder}/") for item in items]


def test_a_folder_is_read_in_order_without_hidden_and_foreign_files(folder: Path) -> None:
    items = list(read_paths([str(folder)]))
    assert all(isinstance(item, ReadInteraction) for item in items)
    assert _places(items, folder) == ["a.jsonl:1", "a.jsonl:2", "b.json", "with space.srt", "sub/c.txt", "sub/z.vtt"]
    assert count_files([str(folder)]) == 5


def test_globs_are_expanded_and_each_file_is_read_once(folder: Path) -> None:
    paths = [str(folder / "b.json"), str(folder / "*.json*"), str(folder / "**" / "*.vtt")]
    assert _places(read_paths(paths), folder) == ["b.json", "a.jsonl:1", "a.jsonl:2", "sub/z.vtt"]
    assert count_files(paths) == 3


def test_a_named_file_may_have_any_extension(folder: Path) -> None:
    odd = folder / "[odd] call.dat"
    odd.write_text("Agent: Hello\nCustomer: Hi\n")
    (item,) = read_paths([str(odd)])
    assert isinstance(item, ReadInteraction)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("b.jsom", "Did you mean b.json"),
        ("nowhere/x.json", "There is no file"),
        ("*.xml", "No file matches"),
        ("empty", "no file in it ends in a known extension"),
    ],
)
def test_a_path_that_leads_to_nothing_is_an_error_in_its_place(folder: Path, path: str, says: str) -> None:
    (folder / "empty").mkdir()
    items = list(read_paths([str(folder / path), str(folder / "b.json")]))
    assert [type(item) for item in items] == [ReadFailure, ReadInteraction]
    assert says in str(items[0])
    assert items[0].source.path == str(folder / path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_an_error(folder: Path) -> None:
    (folder / "b.json").chmod(0)
    (item,) = read_paths([str(folder / "b.json")])
    assert isinstance(item, ReadFailure)
    assert "Permission denied" in item.message


def test_a_dangling_link_is_an_error(folder: Path) -> None:
    (folder / "gone.json").symlink_to(folder / "nothing")
    items = [item for item in read_paths([str(folder)]) if isinstance(item, ReadFailure)]
    assert len(items) == 1
    assert "No such file" in items[0].message


def test_folders_that_link_to_themselves_end(folder: Path) -> None:
    (folder / "sub" / "loop").symlink_to(folder)
    assert count_files([str(folder)]) == 5


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    (item,) = read_paths(["-"])
    assert isinstance(item, ReadInteraction)
    assert item.source.path == "-"


def test_a_pipe_is_read_without_seeking(folder: Path) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, f"{GOOD}\n{GOOD}\n".encode())
    os.close(write_end)
    items = list(read_paths([f"/dev/fd/{read_end}"]))
    os.close(read_end)
    assert [item.source.line for item in items] == [1, 2]


def test_files_are_opened_when_their_turn_comes(folder: Path) -> None:
    items = read_paths([str(folder / "b.json"), str(folder / "sub")])
    next(items)
    (folder / "sub" / "c.txt").write_text("Agent: changed\nCustomer: Hi\n")
    item = next(items)
    assert isinstance(item, ReadInteraction)
    assert item.interaction.turns[0].text == "changed"


def test_json_lines_are_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    line = '{"turns": [["agent", "%s"], ["customer", "Hi"]]}\n' % ("x" * 10_000)
    path.write_text(line * 2_000)
    tracemalloc.start()
    try:
        assert sum(isinstance(item, ReadInteraction) for item in read_paths([str(path)])) == 2_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_lines_that_are_turns_make_one_conversation(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_text('{"role": "user", "content": "Hi"}\n\n{"role": "assistant", "content": "Hello"}\n')
    (item,) = read_paths([str(path)])
    assert isinstance(item, ReadInteraction)
    assert len(item.interaction.turns) == 2
    path.write_text('{"role": "user", "content": "Hi"}\n{"role": "assistant", "content": "Hello"}\n{"role": \n')
    (item,) = read_paths([str(path)])
    assert isinstance(item, ReadFailure)
    assert item.source.line == 3


@pytest.mark.parametrize("extension", ["jsonl", "ndjson", "json", "dat"])
def test_json_lines_are_told_by_their_content(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"x.{extension}"
    path.write_text(f"\ufeff\n{GOOD}\n\n{GOOD}\n")
    assert [item.source.line for item in read_paths([str(path)])] == [2, 4]


def test_a_document_printed_over_many_lines_is_one_document_whatever_its_extension(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{\n"turns": [["agent", "Hello"]]\n}\n')
    assert [type(item) for item in read_paths([str(path)], ReadOptions())] == [ReadInteraction]
