import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from journey import ROOT, Result, Shell
from tahoe_core.postgres.provision import ServiceDatabase, provision_service

UNKNOWN = "0197a2c1-7d3e-4b52-9a41-0c6d2f8e1b77"
RECORD_KEYS = {"id", "root_id", "version", "content", "memory_type", "status", "tier", "created_at", "superseded_by"}


def add(shell: Shell, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    result = shell.run("memory", "add", *arguments, "--json")
    assert result.status == 0, result.err
    return result.document


def search(shell: Shell, *arguments: str) -> list[str]:
    result = shell.run("memory", *arguments, "--json")
    assert result.status == 0, result.err
    return [found["memory"]["content"] for found in result.document["results"]]


def refused(result: Result, status: int, *words: str) -> None:
    assert result.status == status, result.out + result.err
    assert result.out == ""
    assert "Traceback" not in result.err
    for word in words:
        assert word in " ".join(result.err.split())


class TestAFact:
    def test_is_learned_corrected_and_asked_for_now_and_as_of_before(self, own: Shell) -> None:
        """From an empty home: the first command starts, migrates and seeds it."""
        first = add(own, "Ann prefers tea.", "--subject", "ann.drink", "--tag", "drinks")
        assert first["outcome"] == "created"
        assert set(first["memory"]) >= RECORD_KEYS
        moment = datetime.now(UTC).isoformat()

        corrected = own.run(
            "memory", "supersede", first["memory"]["id"], "Ann drinks coffee now.", "--reason", "she said so", "--json"
        )
        assert corrected.status == 0, corrected.err
        assert corrected.document["version"] == 2
        assert corrected.document["tags"] == ["drinks"]

        assert search(own, "search", "What does Ann drink?") == ["Ann drinks coffee now."]
        assert search(own, "as-of", moment, "What does Ann drink?") == ["Ann prefers tea."]
        assert search(own, "as-of", "2020-01-01", "What does Ann drink?") == []

        history = own.run("memory", "history", first["memory"]["id"], "--json").document
        assert [version["version"] for version in history["versions"]] == [1, 2]
        assert [event["event"] for event in history["events"]] == ["created", "superseded", "created"]
        assert {event["reason"] for event in history["events"][1:]} == {"she said so"}
        assert all(event["actor"].startswith("cli") for event in history["events"])

        shown = own.run("memory", "show", first["memory"]["id"], "--as-of", moment, "--json").document
        assert (shown["content"], shown["status"]) == ("Ann prefers tea.", "active")

    def test_is_told_readably_with_who_and_why(self, shell: Shell) -> None:
        fact = add(shell, "The office in Bergen opens at eight.", "--subject", "bergen.opens")["memory"]
        changed = shell.run("memory", "supersede", fact["id"], "The office in Bergen opens at nine.", "--reason", "new")
        assert "The office in Bergen opens at nine." in changed.out
        told = shell.run("memory", "history", fact["id"]).out
        assert told.index("opens at eight") < told.index("by cli") < told.index("opens at nine")
        assert ": new" in told
        first, *_ = re.findall(r"(\S+ \S+)  created", told)
        question = ("What opens in Bergen, and when?", "--limit", "1")
        assert search(shell, "as-of", first, *question) == [fact["content"]], "a time is taken as it stands there"

    def test_that_is_known_becomes_its_next_version(self, shell: Shell) -> None:
        add(shell, "The lift is serviced on Mondays.")
        again = shell.run("memory", "add", "The lift is serviced on Mondays.")
        assert again.status == 0
        assert "version 2" in again.out

    def test_cannot_be_changed_where_another_version_stands(self, shell: Shell) -> None:
        fact = add(shell, "The canteen closes at two.")["memory"]
        assert shell.run("memory", "supersede", fact["id"], "The canteen closes at three.").status == 0
        refused(shell.run("memory", "supersede", fact["id"], "The canteen closes at four."), 1, "superseded by")

    def test_is_pinned_tagged_and_erased(self, shell: Shell) -> None:
        fact = add(shell, "Carla's desk drawer sticks.")["memory"]
        assert shell.run("memory", "pin", fact["id"], "--json").document["is_pinned"] is True
        assert shell.run("memory", "tag", fact["id"], "desk", "urgent", "--json").document["tags"] == ["desk", "urgent"]
        assert shell.run("memory", "erase", fact["id"], "--reason", "asked for").status == 130, "nobody said yes"
        erased = shell.run("memory", "erase", fact["id"], "--reason", "asked for", "--yes", "--json").document
        assert erased == {"erased": [fact["id"]]}
        told = shell.run("memory", "history", fact["id"]).out
        assert "[erased]" in told
        assert "Carla" not in told


class TestText:
    def test_comes_from_a_pipe(self, shell: Shell) -> None:
        for arguments, text in (((), "Dora speaks Norwegian.\n"), (("-",), "Dora\nspeaks Danish.")):
            result = shell.run("memory", "add", *arguments, "--json", stdin=text)
            assert result.document["memory"]["content"] == text.strip()

    def test_cannot_play_tricks_on_a_terminal(self, shell: Shell) -> None:
        result = shell.run("memory", "add", stdin="Eve says \x1b[31mred\x1b[0m and [bold]bold[/bold].")
        assert "Eve says ␛[31mred␛[0m and [bold]bold[/bold]." in result.out


class TestAnAgent:
    def test_that_is_not_there_is_answered_with_near_names_and_how_to_make_one(self, shell: Shell) -> None:
        rule = ("Never promise a refund.", "--type", "procedural", "--agent", "concierge")
        refused(shell.run("memory", "add", *rule), 1, "no agent 'concierge'", "--create-agent")
        assert add(shell, *rule, "--create-agent")["memory"]["memory_type"] == "procedural"
        refused(shell.run("memory", "search", "refund", "--agent", "concierg"), 1, "Did you mean concierge?")

    def test_keeps_its_own_memories_from_others(self, shell: Shell) -> None:
        secret = "The safe word of the night desk is marmalade."
        add(shell, secret, "--agent", "night-desk", "--create-agent", "--type", "agent_private")
        assert secret in search(shell, "search", "safe word", "--agent", "night-desk")
        assert secret not in search(shell, "search", "safe word")
        listed = shell.run("memory", "list", "--agent", "night-desk").out
        assert secret in listed
        assert "agent night-desk" in listed


class TestWhatIsNotThere:
    @pytest.mark.parametrize("command", ["show", "history"])
    def test_is_said(self, shell: Shell, command: str) -> None:
        refused(shell.run("memory", command, UNKNOWN), 1, f"no memory with the id {UNKNOWN}")


class TestTheWhole:
    def test_is_counted(self, shell: Shell) -> None:
        add(shell, "Finn waters the plants.")
        stats = shell.run("memory", "stats", "--json").document
        assert stats["live"] == stats["statuses"]["active"] + stats["statuses"].get("disputed", 0)
        assert stats["versions"] == sum(stats["statuses"].values())
        assert stats["events"]["created"] == stats["versions"]
        assert sum(stats["types"].values()) == sum(stats["tiers"].values()) == stats["live"]
        assert f"{stats['live']:,} memories in use" in shell.run("memory", "stats").out

    def test_is_listed_newest_first(self, shell: Shell) -> None:
        days = "".join(
            f'{{"content": "The bins are emptied on {day}.", "tags": ["bins"]}}\n' for day in ("Monday", "Friday")
        )
        assert shell.run("memory", "import", "--new", "-", stdin=days).status == 0
        listed = shell.run("memory", "list", "--tag", "bins", "--json").document["memories"]
        assert [record["content"].split()[-1] for record in listed] == ["Friday.", "Monday."]


class TestAnExport:
    def test_comes_in_elsewhere_once(self, own: Shell, shell: Shell) -> None:
        whose = ("--agent", "porter", "--create-agent")
        old = add(own, "The gate code is 4711.", "--subject", "gate.code", *whose)["memory"]
        add(own, "The gate code is 1147.", "--subject", "gate.code", "--tag", "gate", *whose)
        exported = own.run("memory", "export")
        assert (exported.status, exported.err) == (0, "Exported 2 versions.\n")

        refused(shell.run("memory", "import", "-", stdin=exported.out), 1, "belongs to the agent", "--agent")
        imported = shell.run("memory", "import", "-", *whose, "--json", stdin=exported.out)
        assert imported.status == 0, imported.err
        assert imported.document["added"] == 2
        again = shell.run("memory", "import", "-", *whose, "--json", stdin=exported.out)
        assert (again.document["added"], again.document["known"]) == (0, 2)

        [record] = shell.run("memory", "list", "--tag", "gate", "--json").document["memories"]
        assert record["content"] == "The gate code is 1147."
        history = shell.run("memory", "history", record["id"], "--json").document
        assert [version["content"] for version in history["versions"]] == [old["content"], "The gate code is 1147."]

    def test_goes_to_a_file_whole_or_not_at_all(self, shell: Shell, tmp_path: Path) -> None:
        add(shell, "Greta has the spare key.")
        file = tmp_path / "memories.jsonl"
        assert shell.run("memory", "export", str(file)).status == 0
        assert "Greta has the spare key." in file.read_text()
        refused(shell.run("memory", "export", str(tmp_path / "nowhere" / "x")), 1, "nowhere")

    def test_with_a_line_that_is_none_leaves_nothing_behind(self, shell: Shell) -> None:
        refused(shell.run("memory", "import", "-", stdin='{"content": "Hidden words"}\n'), 1, "Line 1 is no memory")


class TestNewMemories:
    def test_come_one_a_line(self, shell: Shell) -> None:
        lines = 'Hanna keeps bees.\n\n{"content": "Hanna sells honey.", "importance": 8}\n'
        result = shell.run("memory", "import", "--new", "-", "--json", stdin=lines)
        assert result.document == {"created": 2, "known": 0, "merged": 0, "superseded": 0, "disputed": 0}
        assert set(search(shell, "search", "What does Hanna keep or sell?", "--limit", "2")) == {
            "Hanna keeps bees.",
            "Hanna sells honey.",
        }

    def test_are_refused_whole_where_one_is_none_without_repeating_it(self, shell: Shell) -> None:
        lines = 'Ivo plays chess.\n{"content": "Secret", "importance": 11}\n'
        result = shell.run("memory", "import", "--new", "-", stdin=lines)
        refused(result, 1, "Line 2 is no new memory: importance")
        assert "Secret" not in result.err
        assert "Ivo plays chess." not in shell.run("memory", "list", "--limit", "1").out


class TestTheGuide:
    def test_shows_a_program_that_runs(self, shell: Shell) -> None:
        shell.run("memory", "stats")  # starts and migrates
        names = ServiceDatabase("agent_engine", "agent_engine_owner", "agent_engine_app")
        url = provision_service(shell.home, names).app_url
        guide = (ROOT / "docs" / "guides" / "memory.md").read_text()
        [program] = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=shell.environment(DATABASE_URL=url),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == re.findall(r"```text\n(.*?)```", guide, re.DOTALL)[0].splitlines()
