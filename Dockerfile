# The service's image. The classic builder and BuildKit both build it, and neither fetches anything but the base image
# and the locked packages. No secret goes into it: those come from the environment when a container starts.

ARG PYTHON_TAG=3.13-slim

# --- Build: a venv from the lock, and the code compiled -----------------------------------------------------------------

FROM python:${PYTHON_TAG} AS build

# For a network with a package mirror of its own; without them pip asks where it always asks.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

# The venv gets no pip of its own: nothing is installed in a running container.
RUN python -m venv --without-pip /opt/venv

# `extras` also holds what sends text messages by Twilio and what traces.
ARG REQUIREMENTS=service
COPY requirements/${REQUIREMENTS}.txt /tmp/requirements.txt
# --no-deps: the lock is complete, and leaves out a framework that one package names but that we do not use.
RUN pip --python /opt/venv/bin/python install --no-deps --require-hashes --requirement /tmp/requirements.txt

WORKDIR /app
COPY wallet_core wallet_core
COPY adapters adapters
COPY entrypoints entrypoints
COPY sql sql
# Compiled here, because a container cannot write. Readable for everybody, whatever the umask of the checkout was.
RUN python -m compileall -q --invalidation-mode unchecked-hash wallet_core adapters entrypoints && chmod -R a+rX .

# --- Run ----------------------------------------------------------------------------------------------------------------

FROM python:${PYTHON_TAG}

# A number that is fixed, so that volumes and security policies can name it.
RUN groupadd --gid 10001 wallet \
    && useradd --uid 10001 --gid wallet --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin wallet

COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

# PROBE_PATH is what the health check asks for: /healthz, because a restart, which is what most platforms answer with,
# mends a stuck process but never an unreachable database. /readyz tells of both.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    PROBE_PATH=/healthz

WORKDIR /app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM

# http.client and not urllib: it heeds no proxy settings.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-I", "-S", "-c", "import http.client, os, sys; probe = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=3); probe.request('GET', os.environ['PROBE_PATH']); sys.exit(probe.getresponse().status != 200)"]

ENTRYPOINT ["python", "-m", "entrypoints"]
CMD ["serve"]

# Last, so that another version or revision rebuilds nothing.
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="wallet" \
      org.opencontainers.image.description="A peer-to-peer wallet: double entry, exact money, limits that cannot be raced." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
