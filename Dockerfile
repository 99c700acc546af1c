# The web chat with its embedded store. Build: docker build -t thesis .   Run: docs/deploy.md
# Where packages come from, and torch's CPU build (2 GB smaller), is pip's setting: docker build --secret id=pip,src=pip.conf
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock pyproject.toml README.md app.py ./
COPY assistant ./assistant
COPY ingest ./ingest
COPY vectorstore ./vectorstore
COPY prompts ./prompts
RUN --mount=type=secret,id=pip,target=/etc/pip.conf python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -r requirements.lock \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 thesis && install -d -o thesis /data
COPY --from=build /opt/venv /opt/venv
COPY --chown=root:root knowledge /srv/knowledge
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    THESIS_STORE=/data/store \
    THESIS_CACHE=/data/cache \
    THESIS_KNOWLEDGE=/srv/knowledge \
    THESIS_HOST=0.0.0.0 \
    THESIS_PORT=7860
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
# An address that others reach needs a mode of sign-in: THESIS_AUTH=users, proxy or oidc.
CMD ["thesis", "serve"]
