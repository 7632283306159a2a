"""On which device ONNX Runtime runs a network."""

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
    """Whether a device is an NVIDIA GPU: "cuda" or "cuda:1"."""
    return device is not None and _CUDA_DEVICE.fullmatch(device) is not None


def runs_onnx(device: str | None) -> bool:
    """Whether the installed ONNX Runtime runs networks on a device; None is the CPU."""
    return device in (None, "cpu") or (is_cuda(device) and CUDA in _available())


def execution_providers(
    device: str | None, available: Collection[str] | None = None
) -> list[Provider]:
    """What ONNX Runtime is to run a network by, the first choice first.

    Args:
        device: "cpu", "cuda" or "cuda:1"; None is the CPU.
        available: What the installed ONNX Runtime has; None asks it.

    Returns:
        Providers for `onnxruntime.InferenceSession`. On a GPU the CPU runs what the GPU cannot.

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
            f"{', '.join(available)}. Install onnxruntime-gpu in place of onnxruntime, or a model "
            'with weights for torch and "langchain-wikirank[torch]", or leave device out.'
        )
        raise MissingExtraError(msg)
    return [(CUDA, {"device_id": int(match[1] or 0)}), CPU]


def _available() -> list[str]:
    providers: list[str] = onnxruntime.get_available_providers()
    return providers
