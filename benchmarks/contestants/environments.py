"""Virtual environments for the peers, so that none of them is a dependency of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ENVIRONMENTS = {
    "langchain": (
        "langchain-classic==1.0.8",
        "langchain-chroma==1.1.0",
        "langchain-community==0.4.2",
        "langchain-huggingface==1.2.3",
        "rank-bm25==0.2.2",
    ),
    # optimum-onnx needs a transformers that no sentence-transformers from version 6 on takes.
    "onnx": (
        "langchain-classic==1.0.8",
        "langchain-community==0.4.2",
        "datasets==4.8.5",
        "optimum-onnx[onnxruntime]==0.1.0",
        "sentence-transformers==5.7.0",
        "transformers==4.57.6",
    ),
    "sources": (
        "beautifulsoup4==4.15.0",
        "datasets==5.2.0",
        "jq==1.13.0",
        "langchain-chroma==1.1.0",
        "langchain-community==0.4.2",
        "langchain-text-splitters==1.1.3",
        "mwclient==0.11.0",
        "mwparserfromhell==0.7.2",
        "mwxml==0.3.8",
        "wikiextractor==3.1.0",
    ),
    "wikipedia": ("langchain-community==0.4.2", "wikipedia==1.4.0"),
    "rerankers": ("rerankers==0.10.0",),
    "flashrank": ("flashrank==0.2.10",),
    "fastembed": ("fastembed==0.9.1",),
}
_INSTALLED = ".installed"


def python_of(name: str, cache: Path) -> str:
    """Return the interpreter of a peer's environment; create the environment if missing.

    Environments also see the packages of the current one, so that torch and ONNX Runtime are the
    same for all and take no extra space. Packages that they install themselves come first.

    Args:
        name: One of `ENVIRONMENTS`.
        cache: Folder of the environments.

    Returns:
        Path of the interpreter.

    Raises:
        CalledProcessError: If pip fails.
    """
    folder = (cache / "environments" / name).absolute()
    python, installed = folder / "bin" / "python", folder / _INSTALLED
    wanted = "\n".join([sys.executable, *ENVIRONMENTS[name]])
    if installed.is_file() and installed.read_text("utf-8") == wanted:
        return str(python)
    print(f"Making the environment {name}: {', '.join(ENVIRONMENTS[name])}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    _share_packages(python)
    command = [str(python), "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name]]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        print(made.stderr, file=sys.stderr)
        made.check_returncode()
    installed.write_text(wanted, "utf-8")
    return str(python)


def _share_packages(python: Path) -> None:
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True)
    shared = Path(own.stdout.strip()) / "shared.pth"
    # All of them: the environment that runs this may share another one's packages itself.
    folders = [path for path in sys.path if Path(path).name == "site-packages"]
    shared.write_text("\n".join((*folders, "")), "utf-8")
