"""The files to deploy with: linted, and true of the package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import yaml

import wikirank

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def bundle_script(*arguments: str) -> str:
    command = [sys.executable, str(ROOT / "scripts" / "mcp_bundle.py"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_dockerfile_is_linted() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_dockerfile_copies_what_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert {"pyproject.toml", "README.md", "plugin", "retrievers"} <= set(names)
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    assert set(names) == set(kept)
    assert all((ROOT / name).exists() for name in names)
    (extras,) = re.findall(r'"\.\[(.+)\]"', DOCKERFILE)
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()


def test_the_containers_are_closed_and_as_the_constraints_say() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    services = compose["services"]
    for name in ("index", "serve", "mcp"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    for name in ("serve", "mcp"):
        (port,) = services[name]["ports"]
        assert port.startswith("127.0.0.1:")
        (token,) = services[name]["environment"].values()
        assert token.startswith("${WIKIRANK_TOKEN:?")
    assert "ports" not in services["chroma"]
    assert services["chroma"]["networks"] == ["inside"]
    assert compose["networks"]["inside"]["internal"]
    version = services["chroma"]["image"].partition(":")[2]
    assert f"chromadb=={version}\n" in (ROOT / "constraints.txt").read_text("utf-8")


def test_the_registrys_entry_is_that_of_the_package() -> None:
    bundle_script("--check")
    entry = json.loads((ROOT / "server.json").read_text("utf-8"))
    (package,) = entry["packages"]
    assert entry["version"] == package["version"] == wikirank.__version__
    assert package["identifier"] == PROJECT["name"]
    assert package["identifier"] in PROJECT["scripts"]
    assert len(entry["description"]) <= 100
    # The registry looks for the name in the package's description.
    assert f"mcp-name: {entry['name']} " in (ROOT / "README.md").read_text("utf-8")


def test_the_bundle_starts_the_server(tmp_path: Path) -> None:
    file = Path(bundle_script("--output", str(tmp_path)).strip())
    with ZipFile(file) as bundle:
        bundle.extractall(tmp_path / "bundle")
        names = bundle.namelist()
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text("utf-8"))
    assert manifest["version"] == wikirank.__version__
    assert manifest["server"]["entry_point"] in names
    done = subprocess.run(
        [sys.executable, manifest["server"]["entry_point"]],
        cwd=tmp_path / "bundle",
        env={**os.environ, "WIKIRANK_INDEX": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    assert "There is no index in" in " ".join(done.stderr.split())
