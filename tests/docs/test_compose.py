"""The container files against their specifications and our own rules. No container engine is needed, and none runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kindred.cli import application
from kindred.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent
COMPOSE = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ONE_SHOT = {"topics"}


def checked(*command: str) -> None:
    bin_ = Path(sys.executable).parent
    done = subprocess.run([bin_ / command[0], *command[1:]], cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_compose_file_is_as_the_specification_has_it() -> None:
    checked("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


@pytest.mark.slow
def test_hadolint_has_nothing_to_say() -> None:
    checked("hadolint", "Dockerfile")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert not service.keys() & {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"}
    assert "no-new-privileges:true" in service["security_opt"]
    assert name == "postgres" or service["cap_drop"] == ["ALL"]  # its image starts as root, to give its files away
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    for volume in service.get("volumes", []):
        assert volume.partition(":")[0] in COMPOSE["volumes"], "named volumes only"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_watched_and_waits_for_what_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"kindred:local|[a-z/]+:\d+(\.\d+)+[a-z-]*", service["image"])
    assert name in ONE_SHOT or {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()
    for other, needed in service.get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert needed["condition"] == expected


def test_who_runs() -> None:
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert set(SERVICES["worker"]["depends_on"]) == {"kafka", "topics"}
    assert {name for name, service in SERVICES.items() if service.get("profiles")} == {"postgres", "dashboard"}


def test_no_secret_is_in_the_files() -> None:
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            secret = re.search("PASSWORD|TOKEN|SECRET|PASSFILE", key)
            assert secret is None or (value.startswith("/run/secrets/") and key.endswith("FILE"))
            assert not re.search(r"://[^/@]*:[^/@]*@", value), "a URL with a password"
        for secret_name in service.get("secrets", []):
            assert COMPOSE["secrets"][secret_name]["file"].startswith("secrets/")
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_settings_and_commands_are_kindreds_own() -> None:
    import typer

    commands = set(typer.main.get_command(application()).commands)  # type: ignore[attr-defined]
    for service in SERVICES.values():
        ours = [key.removeprefix(PREFIX).lower() for key in service.get("environment", {}) if key.startswith(PREFIX)]
        assert set(ours) <= set(Settings.model_fields)
        if service["image"].startswith("kindred:") and "dashboard" not in service.get("profiles", []):
            assert service["command"][0] in commands


def test_the_image_is_made_in_two_stages_and_runs_as_nobody_special() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base) for base in bases)
    users = re.findall(r"^USER (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert users == ["10001:10001"]
    assert "market.prepare()" in DOCKERFILE.partition("USER ")[2], "compiled by the user who will read it"


def test_what_is_copied_is_what_is_let_in() -> None:
    copied = {
        each
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, flags=re.MULTILINE)
        for each in line.split()
    }
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == let_in
    assert all((ROOT / each).exists() for each in copied)
