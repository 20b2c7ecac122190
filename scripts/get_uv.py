"""Prints the path of uv, fetching the pinned release from the package index when the machine has none.

Runs on any Python from 3.8 with nothing but the standard library: a bare Debian has neither pip nor ensurepip. The
wheel is a zip with one binary in it; its SHA-256 is pinned below, so the index is trusted for nothing.
`PIP_INDEX_URL` is honoured.
"""

import hashlib
import html
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

VERSION = "0.13.9"
OLDEST = (0, 9)
WHEELS = {
    ("linux", "x86_64", "glibc"): (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    ("linux", "x86_64", "musl"): (
        "musllinux_1_1_x86_64",
        "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25",
    ),
    ("linux", "aarch64", ""): (
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ),
    ("darwin", "arm64", ""): (
        "macosx_11_0_arm64",
        "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
    ),
    ("darwin", "x86_64", ""): (
        "macosx_10_12_x86_64",
        "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
    ),
}
INSTALL_BY_HAND = "Install uv yourself (https://docs.astral.sh/uv/) and run make again."
TIMEOUT_SECONDS = 60


def find_installed() -> "str | None":
    """Returns a uv on PATH that is new enough."""
    found = shutil.which("uv")
    if not found:
        return None
    printed = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - the user's own uv
    match = re.search(r"(\d+)\.(\d+)", printed)
    return found if match and (int(match[1]), int(match[2])) >= OLDEST else None


def wheel() -> "tuple[str, str]":
    """Returns name and SHA-256 of the wheel for this machine."""
    system, machine = sys.platform, platform.machine()
    libc = (
        ("glibc" if platform.libc_ver()[0] == "glibc" else "musl") if (system, machine) == ("linux", "x86_64") else ""
    )
    try:
        tags, digest = WHEELS[system, machine, libc]
    except KeyError:
        sys.exit(f"No pinned uv for {system} on {machine}. {INSTALL_BY_HAND}")
    return f"uv-{VERSION}-py3-none-{tags}.whl", digest


def fetch(url: str) -> bytes:
    """Downloads `url`."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - https, checked by the caller
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, OSError) as error:
        sys.exit(f"Could not fetch {url}: {error}. Check the network, or: {INSTALL_BY_HAND}")


def download() -> bytes:
    """Returns the pinned wheel."""
    name, digest = wheel()
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/uv/"
    if not index.startswith("https://"):
        sys.exit(f"PIP_INDEX_URL is not https: {index}")
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', fetch(index).decode())]
    link = next((link for link in links if link.split("#")[0].endswith("/" + name)), None)
    if link is None:
        sys.exit(f"{index} does not list {name}. {INSTALL_BY_HAND}")
    content = fetch(urllib.parse.urljoin(index, link.split("#")[0]))
    if hashlib.sha256(content).hexdigest() != digest:
        sys.exit(f"{name} does not have the pinned SHA-256: nothing was installed. {INSTALL_BY_HAND}")
    return content


def install(target: Path) -> None:
    """Puts the binary at `target`, whole or not at all."""
    print(f"Fetching uv {VERSION} …", file=sys.stderr)
    with zipfile.ZipFile(io.BytesIO(download())) as archive:
        binary = archive.read(f"uv-{VERSION}.data/scripts/uv")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"uv.{os.getpid()}")
    partial.write_bytes(binary)
    partial.chmod(0o755)
    partial.replace(target)


def main() -> None:
    """Finds or installs uv, and prints where it is."""
    own = Path(__file__).resolve().parent.parent / ".tools" / f"uv-{VERSION}" / "uv"
    found = find_installed()
    if found is None and not own.exists():
        install(own)
    print(found or own)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
