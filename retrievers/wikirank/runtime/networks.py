"""Choose the ONNX file of a hub model for this machine."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from wikirank.runtime.model_folder import DESCRIPTION_FILE

CONFIG_FILE = "config.json"
# By CPU flag, best first. A network quantised for another CPU returns other scores.
_QUANTISED = (
    ("avx512_vnni", "onnx/model_qint8_avx512_vnni.onnx"),
    ("avx512f", "onnx/model_qint8_avx512.onnx"),
    ("avx2", "onnx/model_quint8_avx2.onnx"),
    ("arm64", "onnx/model_qint8_arm64.onnx"),
)
_ANY_CPU = ("onnx/model.onnx", "model.onnx")


def best_network(files: Iterable[str], *, on_gpu: bool = False) -> str | None:
    """Choose the ONNX file for this CPU, or for any GPU; None if there is none."""
    present = set(files)
    for flag, file in () if on_gpu else _QUANTISED:
        if flag in cpu_flags() and file in present:
            return file
    return next((file for file in _ANY_CPU if file in present), None)


def network_in(folder: Path, *, on_gpu: bool = False) -> Path | None:
    """Choose the ONNX file of a folder in the hub's layout; None for any other folder."""
    own_files = (folder / DESCRIPTION_FILE, folder / "onnx" / DESCRIPTION_FILE)
    if any(file.is_file() for file in own_files) or not (folder / CONFIG_FILE).is_file():
        return None
    files = (*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx"))
    present = (file.relative_to(folder).as_posix() for file in files)
    best = best_network(present, on_gpu=on_gpu)
    return None if best is None else folder / best


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """Return the CPU's features by their Linux names; empty on other systems."""
    machine = platform.machine().lower()
    if machine in ("arm64", "aarch64"):
        return frozenset({"arm64"})
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return frozenset()
    lines = (line.partition(":")[2] for line in text.splitlines() if line.startswith("flags"))
    return frozenset(next(lines, "").split())
