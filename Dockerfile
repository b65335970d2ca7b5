# syntax=docker/dockerfile:1
# driftd as an image: no root, no compiler, nothing written outside /var/lib/driftd.
#
#   docker build -t driftd .
#   docker run --rm --read-only -v "$PWD:/etc/driftd:ro" -v driftd-state:/var/lib/driftd -p 127.0.0.1:9465:9465 driftd
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY config config
COPY detectors detectors
COPY monitor monitor
COPY sinks sinks
# Third-party code comes as wheels in tested versions; the environment gets no pip of its own. Bytecode is valid by
# itself: layers round the times of files, and a time that is a second off makes Python compile at every start.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /opt/driftd \
    && python3 -m pip wheel --quiet --no-deps --wheel-dir /tmp/wheels . \
    && python3 -m pip --python /opt/driftd/bin/python3 install --quiet --only-binary :all: --no-compile \
        --constraint constraints.txt /tmp/wheels/driftd-*.whl \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/driftd/lib

# hadolint ignore=DL3006 -- the tag stands in the ARG above
FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="driftd" \
      org.opencontainers.image.description="Watches machine-learning models in production" \
      org.opencontainers.image.licenses="Apache-2.0"
# The public image leaves out the bytecode of the standard library.
RUN python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash -x '/(test|tests|idlelib|lib2to3|site-packages)/' \
    "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/driftd /opt/driftd
# /var/lib/driftd is the one place that is written to: the state file and the dead letters beside it.
RUN install -d -o 10001 -g 10001 -m 0750 /var/lib/driftd && install -d -m 0755 /etc/driftd
# PYTHONSAFEPATH: a `monitor` folder in the working directory must not shadow the package of that name.
ENV PATH=/opt/driftd/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/var/lib/driftd \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1
USER 10001:10001
WORKDIR /var/lib/driftd
VOLUME /var/lib/driftd
EXPOSE 9465
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request as u; u.urlopen(os.environ.get('HEALTHCHECK_URL', 'http://127.0.0.1:9465/healthz'), timeout=4)"]
ENTRYPOINT ["driftd"]
CMD ["run", "--config", "/etc/driftd/driftd.yaml"]
