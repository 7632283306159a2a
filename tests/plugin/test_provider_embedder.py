"""`--embedder provider:model`: embeddings by LangChain names, recorded in an index."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from langchain_wikirank import WikiRetriever
from langchain_wikirank.cli import app
from wikirank.cli.build import embedder_factory
from wikirank.embed import load, load_any_embedder, load_embedder
from wikirank.errors import InvalidArgumentError, MissingExtraError, ModelError

# Warnings of cohere's client.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MODEL = "cohere:embed-v4.0"
LINES = [
    {"title": "Dew", "text": "Dew is water that condenses on grass at night."},
    {"title": "Violin", "text": "A violin has four strings."},
]


class _Embed(BaseHTTPRequestHandler):
    """Serve Cohere's embed API with the bundled embedder."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        vectors = load_embedder().embed_passages(asked["texts"])
        answer = {
            "id": "1",
            "texts": asked["texts"],
            "response_type": "embeddings_by_type"
            if asked.get("embedding_types")
            else "embeddings_floats",
            "embeddings": {"float": vectors.tolist()}
            if asked.get("embedding_types")
            else vectors.tolist(),
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cohere_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point the real client at a local server."""
    import cohere.base_client

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Embed)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(cohere.base_client, "_get_base_url", lambda **_: url)
    monkeypatch.setenv("COHERE_API_KEY", "secret")
    monkeypatch.setattr(load, "_loaded", {})
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    file = tmp_path / "wiki.jsonl"
    file.write_text("\n".join(map(json.dumps, LINES)), "utf-8")
    return file


@pytest.mark.usefixtures("cohere_server")
def test_an_index_is_made_and_opened_with_it(
    wiki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    made = CliRunner().invoke(
        app, ["index", str(wiki), "--into", str(index), "-q", "--embedder", MODEL]
    )
    assert made.exit_code == 0, made.output
    monkeypatch.setattr(load, "_loaded", {})  # as in a new process
    retriever = WikiRetriever.from_index(index, search_type="dense", k=1)
    assert retriever.invoke("water on grass")[0].metadata["title"] == "Dew"
    embedder = retriever.index.embedder
    assert embedder.recipe == {"model": MODEL}
    assert "CohereEmbeddings" in retriever.index.info().embedder
    assert "CohereEmbeddings" in retriever._get_ls_params()["ls_embedding_provider"]
    vector = embedder.embed_query("dew")
    np.testing.assert_allclose(vector, load_embedder().embed_query("dew"), atol=1e-5)
    assert pickle.loads(pickle.dumps(embedder)) is embedder
    retriever.index.close()


def test_what_a_provider_answers_wrongly_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import cohere.base_client

    monkeypatch.setattr(cohere.base_client, "_get_base_url", lambda **_: "http://127.0.0.1:9")
    monkeypatch.setenv("COHERE_API_KEY", "secret")
    monkeypatch.setattr(load, "_loaded", {})
    embedder = load_any_embedder(MODEL)
    with pytest.raises(ModelError, match=f"Expected vectors from {MODEL}"):
        embedder.embed_query("dew")


def test_a_key_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_loaded", {})
    monkeypatch.delenv("COHERE_API_KEY", raising=False)
    with pytest.raises(ModelError, match="that LangChain can load"):
        load_any_embedder(MODEL)


def test_a_missing_package() -> None:
    with pytest.raises(MissingExtraError, match="not installed"):
        load_any_embedder("mistralai:mistral-embed")


def test_an_unknown_provider() -> None:
    with pytest.raises(ModelError, match="nobody:model"):
        load_any_embedder("nobody:model")


def test_workers_of_a_cluster_load_it_though_they_have_imported_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COHERE_API_KEY", "secret")
    maker = pickle.dumps(embedder_factory({"model": MODEL})).hex()
    code = f"import pickle\nprint(pickle.loads(bytes.fromhex({maker!r}))().recipe)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout == f"{ {'model': MODEL} }\n", run.stderr
    monkeypatch.delenv("COHERE_API_KEY")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Expected an embedder that LangChain can load" in run.stderr


def test_a_device_is_the_providers_own() -> None:
    with pytest.raises(InvalidArgumentError, match="device"):
        load_any_embedder(MODEL, device="cuda")


def test_prompts_are_the_providers_own() -> None:
    with pytest.raises(InvalidArgumentError, match="query_prompt"):
        load_any_embedder(MODEL, query_prompt="query: ")


def test_the_engine_alone_says_what_is_missing() -> None:
    code = f"from wikirank.embed import load_any_embedder\nload_any_embedder({MODEL!r})\n"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Import langchain_wikirank first" in run.stderr
