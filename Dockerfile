# syntax=docker/dockerfile:1
# wikirank with its serve, mcp and source extras; see docs/deploy.md.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY plugin ./plugin
COPY retrievers ./retrievers
RUN python -m venv /opt/wikirank \
    && /opt/wikirank/bin/pip install --no-cache-dir --constraint constraints.txt \
        ".[serve,mcp,sample,parquet,zim,dumps]"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin wikirank \
    && install --directory --owner=10001 --group=10001 /data
COPY --from=build /opt/wikirank /opt/wikirank
ENV PATH=/opt/wikirank/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ANONYMIZED_TELEMETRY=False
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8765 8766
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
ENTRYPOINT ["wikirank"]
CMD ["serve", "--index", "/data/index", "--host", "0.0.0.0", "--no-open"]
