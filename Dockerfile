# One image for every part: `entrepot proxy`, `entrepot ship`, `entrepot serve`, `entrepot up`.
# Everything comes with hashes: the image's dependencies from requirements-runtime.txt, the build backend from
# requirements.txt. The final image holds neither compiler nor build backend nor tests.

FROM python:3.13-slim AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY requirements.txt .
RUN pip install --require-hashes --requirement requirements.txt
COPY pyproject.toml README.md ./
COPY proxy proxy
COPY store store
COPY replay replay
COPY api api
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .

FROM python:3.13-slim AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/entrepot
COPY requirements-runtime.txt .
RUN /opt/entrepot/bin/pip install --require-hashes --requirement requirements-runtime.txt
COPY --from=wheel /wheel /wheel
RUN /opt/entrepot/bin/pip install --no-deps /wheel/*.whl

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin entrepot \
 && install --directory --owner entrepot --group entrepot --mode 0700 /data
COPY --from=environment /opt/entrepot /opt/entrepot
ENV PATH=/opt/entrepot/bin:$PATH PYTHONUNBUFFERED=1 ENTREPOT_DATA=/data
USER entrepot
WORKDIR /home/entrepot
VOLUME /data
EXPOSE 8080 8081
# SIGTERM drains: keep the stop timeout above proxy.drain_seconds plus --drain-seconds (`docker stop --time 90`).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s CMD ["entrepot", "status", "--require", "proxy", "--require", "ship", "--require", "api"]
CMD ["entrepot", "up", "--proxy", "0.0.0.0:8080", "--api", "0.0.0.0:8081"]
