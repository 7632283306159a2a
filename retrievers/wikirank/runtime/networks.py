"""Which of the ONNX files of a model in the hub's layout this machine runs."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from wikirank.runtime.model_folder import DESCRIPTION_FILE

CONFIG_FILE = "config.json"
# By the flag of a CPU, the best first; a network quantised for another CPU gives other scores.
_QUANTISED = (
    ("avx512_vnni", "onnx/model_qint8_avx512_vnni.onnx"),
    ("avx512f", "onnx/model_qint8_avx512.onnx"),
    ("avx2", "onnx/model_quint8_avx2.onnx"),
    ("arm64", "onnx/model_qint8_arm64.onnx"),
)
_ANY_CPU = ("onnx/model.onnx", "model.onnx")


def best_network(files: Iterable[str], *, on_gpu: bool = False) -> str | None:
    """Of a model's files the ONNX one for this CPU, or for any GPU; None if there is none."""
    present = set(files)
    for flag, file in () if on_gpu else _QUANTISED:
        if flag in cpu_flags() and file in present:
            return file
    return next((file for file in _ANY_CPU if file in present), None)


def network_in(folder: Path, *, on_gpu: bool = False) -> Path | None:
    """The ONNX file to run of a folder in the hub's layout; None if it is no such folder."""
    ours = ((folder / DESCRIPTION_FILE), (folder / "onnx" / DESCRIPTION_FILE))
    if any(file.is_file() for file in ours) or not (folder / CONFIG_FILE).is_file():
        return None
    files = (*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx"))
    present = (file.relative_to(folder).as_posix() for file in files)
    best = best_network(present, on_gpu=on_gpu)
    return None if best is None else folder / best


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """What the CPU can do, in Linux's names; empty where the system does not tell."""
    machine = platform.machine().lower()
    if machine in ("arm64", "aarch64"):
        return frozenset({"arm64"})
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return frozenset()
    lines = (line.partition(":")[2] for line in text.splitlines() if line.startswith("flags"))
    return frozenset(next(lines, "").split())
