"""Every block marked bash in README, tutorial and how-tos runs, page by page, top to bottom in an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kindred.shell import environment
from tests.kindred.test_cli import free_port

ROOT = Path(__file__).parent.parent.parent
HOW_TO = ("docs/how-to/run-for-one-program.md", "docs/how-to/add-platform-events.md", "docs/how-to/import.md")
ON_KAFKA = tuple(f"docs/how-to/{name}.md" for name in ("deploy-on-kafka", "publish-events", "secure-kafka", "operate"))
WITH_OTHERS = tuple(  # nothing in them runs by itself
    f"docs/how-to/{name}.md" for name in ("sign-in", "call-whoever-is-on-call", "open-from-a-phone")
)
LINKING = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/index.md",
    "docs/tutorial/first-match.md",
    *HOW_TO,
    *ON_KAFKA,
    *WITH_OTHERS,
)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def blocks(page: str) -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```$", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)


def run(page: str, at: Path, **settings: str) -> str:
    """What the page's commands write to stdout; fails with the first command that fails."""
    script = "\n".join(["set -euo pipefail", *blocks(page)]).replace("8765", str(free_port()))
    plain = environment(**settings)
    path = os.pathsep.join([str(Path(sys.executable).parent), plain["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script], cwd=at, env=plain | {"PATH": path}, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


NEEDS_CURL = pytest.mark.skipif(shutil.which("curl") is None, reason="the page sends an event with curl: install curl")


@pytest.mark.slow
def test_importing_says_what_it_promises(tmp_path: Path) -> None:
    said = run(HOW_TO[2], tmp_path)
    assert said.count("changes nothing") == 1
    assert "exit code 3" in said


@pytest.mark.slow
@NEEDS_CURL
def test_the_readme_runs(tmp_path: Path) -> None:
    said = run("README.md", tmp_path)
    assert '"accepted":1' in said
    assert "kindred.newcomer.waiting.v1" in said


@pytest.mark.slow
def test_the_tutorial_runs_and_says_what_it_promises(tmp_path: Path) -> None:
    said = run("docs/tutorial/first-match.md", tmp_path)
    assert '"newcomer":"ash","mentor":"rose"' in said
    assert "ash and rose: active" in said
    assert "kit and rose: not paired" in said
    assert "no_common_language" in said


@pytest.mark.slow
@NEEDS_CURL
def test_how_to_run_it_runs(tmp_path: Path) -> None:
    said = run(HOW_TO[0], tmp_path)
    assert "change-me" not in said
    assert said.count('{"status":"ready"}') == 2
    assert "kindred_events" in (tmp_path / "metrics.txt").read_text()


@pytest.mark.slow
@NEEDS_CURL
def test_how_to_add_events_runs(tmp_path: Path) -> None:
    said = run(HOW_TO[1], tmp_path)
    assert '"accepted":1,"duplicates":0,"refused":[{"id":"h-2","code":"KND-unknown-member"}]' in said
    assert "exit code 3" in said
    assert "experiences.0.code" in said
    assert '"accepted":2,"duplicates":0,"refused":[]' in said


@pytest.mark.parametrize("page", LINKING)
def test_links_lead_somewhere(page: str) -> None:
    links = LINK.findall((ROOT / page).read_text())
    assert links or page == "CONTRIBUTING.md"
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_every_target_of_the_makefile_is_in_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[0].split()
    assert set(targets) == set(re.findall(r"^([a-z]+):.*## ", makefile, flags=re.MULTILINE))
