import json
from pathlib import Path
from typing import Any

import pytest

from journey import ROOT, Shell

DATA = ROOT.parent / "shared" / "data"
KEYS = {
    "analysis_id", "interaction_id", "scorecard", "status", "verdict", "overall_score", "coverage", "confidence",
    "categories", "violations", "recommendations", "audit_trail",
}  # fmt: skip
CHAT = "Agent: Hello, how can I help you?\nCustomer: My order 4711 has not come.\nAgent: I am sorry. I will check it.\n"


def quotes(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        evidence
        for category in analysis["categories"].values()
        for finding in category["findings"]
        for evidence in finding["evidence"]
    ]


class TestAFileOfTheirOwn:
    def test_is_scored_on_an_empty_home_with_one_command(self, shell: Shell) -> None:
        chat = shell.write("chat.txt", CHAT)
        result = shell.run("analyze", chat, "--scorecard", "support-quality", "--json")
        assert result.status == 0, result.err
        assert set(result.document) == {"analyses", "errors"}
        assert result.document["errors"] == []
        (analysis,) = result.document["analyses"]
        assert set(analysis) >= KEYS
        assert quotes(analysis)

    def test_quotes_stand_in_the_file_where_they_say(self, shell: Shell) -> None:
        turns = [
            {"role": "agent", "text": "Hi 👋🏽 déjà vu, how can I help?"},
            {"role": "customer", "text": "Naïve 🤷 question"},
        ]
        path = shell.write("emoji.json", json.dumps({"turns": turns}))
        (analysis,) = shell.run("analyze", path, "--scorecard", "support-quality", "--json").document["analyses"]
        found = quotes(analysis)
        assert found
        for evidence in found:
            assert turns[evidence["turn"]]["text"][evidence["start"] : evidence["end"]] == evidence["quote"]

    def test_a_report_is_written_without_the_personal_data(self, shell: Shell, tmp_path: Path) -> None:
        chat = shell.write("leak.txt", CHAT + "Customer: Write to jane.roe@example.com\n")
        report = tmp_path / "report.html"
        result = shell.run("analyze", chat, "--scorecard", "support-quality", "--html", str(report))
        assert result.status == 0, result.err
        page = report.read_text()
        assert "jane.roe@example.com" not in page
        assert len(page.encode()) < 400_000
        shell.run("analyze", chat, "--scorecard", "support-quality", "--html", str(report), "--show-personal-data")
        assert "jane.roe@example.com" in report.read_text()

    def test_a_report_that_cannot_be_written_is_said_before_anything_is_scored(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        taken = tmp_path / "file"
        taken.touch()
        chat = shell.write("chat.txt", CHAT)
        result = shell.run("analyze", chat, "--scorecard", "support-quality", "--html", str(taken / "x.html"), "--json")
        assert result.status == 1
        assert result.document["analyses"] == []
        (error,) = result.document["errors"]
        assert str(taken) in error["message"]

    def test_a_folder_of_reports_that_cannot_be_written_leaves_one_document(self, shell: Shell, tmp_path: Path) -> None:
        (tmp_path / "x-reports").touch()
        chats = [shell.write(f"chat-{number}.txt", f"{CHAT}Customer: {number}\n") for number in range(3)]
        report = str(tmp_path / "x.html")
        result = shell.run("analyze", *chats, "--scorecard", "support-quality", "--html", report, "--json")
        assert result.status == 1
        assert "x-reports" in result.document["errors"][0]["message"]

    def test_the_document_is_utf8_whatever_the_terminal_can_show(self, shell: Shell) -> None:
        chat = shell.write("chat.txt", CHAT + "Agent: Goodbye 👋🏽\n")
        arguments = ("analyze", chat, "--scorecard", "support-quality")
        result = shell.run(*arguments, "--json", PYTHONIOENCODING="ascii")
        assert result.status == 0, result.err
        assert len(result.document["analyses"]) == 1
        assert shell.run(*arguments, PYTHONIOENCODING="ascii").status == 0

    def test_good_files_are_done_although_others_are_not(self, shell: Shell) -> None:
        good = shell.write("good.txt", CHAT)
        bad = shell.write("bad.json", '{"turns": [\n{"role": "agent", "text": "Hi"},\n{"role": agent}]}')
        result = shell.run("analyze", good, bad, "--scorecard", "support-quality", "--json")
        assert result.status == 1
        assert len(result.document["analyses"]) == 1
        (error,) = result.document["errors"]
        assert error["file"].endswith("bad.json")
        assert error["line"] == 3

    def test_no_color_and_no_progress_in_a_pipe(self, shell: Shell) -> None:
        result = shell.run("analyze", shell.write("chat.txt", CHAT), "--scorecard", "support-quality")
        assert result.status == 0
        assert "\x1b" not in result.out + result.err
        assert "support-quality" in result.out


BAD_FILES = {
    "empty": (b"", "empty"),
    "binary": (bytes(range(256)) * 8, "text"),
    "broken.json": (b'{"turns": [}', "line 1"),
    "unknown.xyz": (b"\n\n   just words without any speaker\nand more of them\n", "speaker"),
    "null.json": (b'{"turns": [{"role": "agent", "text": "a\\u0000b"}]}', "null"),
    "nothing.json": (b"[]", "no interaction"),
}


class TestBadInput:
    @pytest.mark.parametrize("name", BAD_FILES)
    def test_is_refused_with_a_reason(self, shell: Shell, name: str) -> None:
        content, word = BAD_FILES[name]
        result = shell.run("analyze", shell.write(name, content), "--scorecard", "support-quality", "--json")
        assert result.status == 1
        assert result.document["analyses"] == []
        (error,) = result.document["errors"]
        assert word in json.dumps(error).lower()
        assert error["cure"] or error["message"]

    def test_a_misspelt_scorecard_is_answered_with_near_names(self, shell: Shell) -> None:
        result = shell.run("analyze", shell.write("chat.txt", CHAT), "--scorecard", "suport-quality")
        assert result.status in {1, 2}
        assert "support-quality" in result.err
        assert "Traceback" not in result.err

    def test_a_missing_file_is_named(self, shell: Shell) -> None:
        result = shell.run("analyze", "nowhere.json", "--scorecard", "support-quality")
        assert result.status in {1, 2}
        assert "nowhere.json" in result.err

    def test_a_scorecard_with_mistakes_names_each(self, shell: Shell) -> None:
        card = shell.write(
            "card.yaml",
            "name: mine\ncategories: {a: {weight: 0}}\nrequirements:\n"
            "  - {id: one, title: One, category: a, checks: [{type: patern, patterns: ['(']}]}\n",
        )
        result = shell.run("scorecards", "validate", card)
        assert result.status == 1
        assert "pattern" in result.out + result.err
        assert "card.yaml" in result.out + result.err

    def test_a_pattern_that_never_ends_is_reported_as_not_run(self, shell: Shell) -> None:
        card = shell.write(
            "slow.yaml",
            "name: slow\ncategories: {a: {}}\nrequirements:\n"
            "  - {id: one, title: One, category: a, checks: [{type: pattern, patterns: ['(a|aa)+$']}]}\n",
        )
        chat = shell.write("slow.txt", "Agent: " + "a" * 200 + "b\nCustomer: hm\n")
        result = shell.run("analyze", chat, "--scorecard", card, "--json", timeout=60)
        assert result.status == 0, result.err
        (analysis,) = result.document["analyses"]
        assert list(analysis["audit_trail"]["not_run"]) == ["one"]
        assert analysis["verdict"] == "review"

    def test_a_database_that_does_not_answer_is_named_without_its_password(self, shell: Shell) -> None:
        url = "postgresql://someone:s3cret@127.0.0.1:1/tahoe?schema=agent_engine"
        chat = shell.write("chat.txt", CHAT)
        result = shell.run("analyze", chat, "--scorecard", "support-quality", DATABASE_URL=url)
        assert result.status == 1
        assert "127.0.0.1:1" in result.err
        assert "s3cret" not in result.err + result.out


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")
class TestPublicCorpora:
    @pytest.mark.parametrize(("name", "count"), [("abcd_sample.json", 3), ("taskmaster4_dialogues.json", 60)])
    def test_are_read_and_scored_with_evidence(self, shell: Shell, name: str, count: int) -> None:
        result = shell.run("analyze", str(DATA / name), "--scorecard", "support-quality", "--json")
        assert result.status == 0, result.err
        assert len(result.document["analyses"]) == count
        for analysis in result.document["analyses"]:
            assert quotes(analysis)
