"""Apache Kafka's jars, fetched through Maven into a cache folder once: 54 MB."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tools.parts import Unavailable, fetched

VERSION: Final = "4.3.1"
ARTIFACTS: Final = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.kafka", "kafka-tools", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
)
HOW_TO_GET: Final = "apt-get install default-jre-headless maven"
FETCH_SECONDS: Final = 300  # 54 MB; ten seconds where this was written


def jars() -> Path:
    """The folder with Kafka's jars, fetched into the cache if they are not there. Raises ``Unavailable``."""
    if shutil.which("java") is None:
        raise Unavailable(f"Kafka needs Java: {HOW_TO_GET}")
    return fetched(f"kafka-{VERSION}", _fetch)


def _fetch(libs: Path) -> None:
    """Let Maven copy the artifacts and all they depend on; under another name first, so that ``libs`` is whole."""
    if shutil.which("mvn") is None:
        raise Unavailable(f"Kafka's jars are fetched with Maven: {HOW_TO_GET}")
    with tempfile.TemporaryDirectory(dir=libs.parent) as folder:
        (Path(folder) / "pom.xml").write_text(_pom())
        copy = ("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs")
        done = subprocess.run(copy, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        if done.returncode != 0:
            raise Unavailable(f"Maven could not fetch Kafka's jars: {(done.stdout + done.stderr).strip()[:300]}")
        (Path(folder) / "libs").rename(libs)


def _pom() -> str:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in ARTIFACTS
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>kindred</groupId>'
        "<artifactId>broker-for-tests</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )
