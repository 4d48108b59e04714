# Kindred as an image: `docker build --tag kindred .`, then `docker run kindred version`.
# The first stage installs what requirements.lock pins; the second has that and no tools to build with.

FROM python:3.11.14-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/kindred
COPY requirements.lock pyproject.toml README.md ./
COPY matcher matcher
COPY journal journal
COPY streams streams
COPY dashboard dashboard
COPY kindred kindred
RUN /opt/kindred/bin/pip install --constraint requirements.lock . \
 && /opt/kindred/bin/pip install --no-deps "$(grep ^django-htmx requirements.lock)"

FROM python:3.11.14-slim-bookworm
RUN groupadd --system --gid 10001 kindred \
 && useradd --system --uid 10001 --gid kindred --no-create-home --home-dir /var/lib/kindred kindred \
 && install --directory --owner kindred --group kindred /var/lib/kindred /var/cache/kindred
COPY --from=build /opt/kindred /opt/kindred
# Compiled code is kept by the kind of processor: "generic" is the same here and wherever the image runs.
ENV PATH=/opt/kindred/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/cache/kindred \
    NUMBA_CPU_NAME=generic
USER 10001:10001
WORKDIR /var/lib/kindred
RUN python -c "from matcher.pairing import market; market.prepare()"
STOPSIGNAL SIGTERM
ENTRYPOINT ["kindred"]
CMD ["worker"]
