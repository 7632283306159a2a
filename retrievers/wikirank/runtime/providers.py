"""The devices that ONNX Runtime can run a network on."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import onnxruntime

from wikirank.errors import MissingExtraError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
_CUDA_DEVICE = re.compile(r"cuda(?::(\d+))?")

Provider = str | tuple[str, dict[str, Any]]


def is_cuda(device: str | None) -> bool:
    """Return whether a device is an NVIDIA GPU, such as "cuda" or "cuda:1"."""
    return device is not None and _CUDA_DEVICE.fullmatch(device) is not None


def runs_onnx(device: str | None) -> bool:
    """Return whether the installed ONNX Runtime can use a device; None is the CPU."""
    return device in (None, "cpu") or (is_cuda(device) and CUDA in _available())


def execution_providers(
    device: str | None, available: Collection[str] | None = None
) -> list[Provider]:
    """Return ONNX Runtime's execution providers for a device, first choice first.

    Args:
        device: "cpu", "cuda" or "cuda:1"; None for the CPU.
        available: The providers of the installed ONNX Runtime; None asks it.

    Returns:
        Providers for `onnxruntime.InferenceSession`. With a GPU, the CPU runs what the GPU cannot.

    Raises:
        MissingExtraError: If ONNX Runtime cannot run on the device.
    """
    if device in (None, "cpu"):
        return [CPU]
    match = _CUDA_DEVICE.fullmatch(str(device))
    available = _available() if available is None else available
    if match is None or CUDA not in available:
        msg = (
            f"Expected an ONNX Runtime that runs on {device!r}, got one with "
            f"{', '.join(available)}. Install onnxruntime-gpu in place of onnxruntime, or install "
            '"langchain-wikirank[torch]" and name a model with torch weights, or leave device out.'
        )
        raise MissingExtraError(msg)
    return [(CUDA, {"device_id": int(match[1] or 0)}), CPU]


def _available() -> list[str]:
    providers: list[str] = onnxruntime.get_available_providers()
    return providers
