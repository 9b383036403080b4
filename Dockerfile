# One image for every part: `entrepot proxy`, `entrepot ship`, `entrepot serve`, `entrepot up`.
# Everything installed comes from requirements-runtime.txt, with hashes: the dependencies, and the build backend that
# `--no-build-isolation` uses. The image holds no compiler and no tests.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/entrepot
WORKDIR /source
COPY requirements-runtime.txt .
RUN /opt/entrepot/bin/pip install --require-hashes --requirement requirements-runtime.txt
COPY pyproject.toml README.md ./
COPY proxy proxy
COPY store store
COPY replay replay
COPY api api
RUN /opt/entrepot/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin entrepot \
 && install --directory --owner entrepot --group entrepot --mode 0700 /data
COPY --from=build /opt/entrepot /opt/entrepot
ENV PATH=/opt/entrepot/bin:$PATH PYTHONUNBUFFERED=1 ENTREPOT_DATA=/data
USER entrepot
WORKDIR /home/entrepot
VOLUME /data
EXPOSE 8080 8081
# SIGTERM drains: keep the stop timeout above proxy.drain_seconds plus --drain-seconds (`docker stop --time 90`).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s CMD ["entrepot", "status", "--require", "proxy", "--require", "ship", "--require", "api"]
CMD ["entrepot", "up", "--proxy", "0.0.0.0:8080", "--api", "0.0.0.0:8081"]
