# The embedded server, reachable from other machines, without root:
#
#   docker build -t qstash .
#   docker run --rm -p 127.0.0.1:8080:8080 -v qstash:/data -v "$PWD/qstash.toml:/seed.toml:ro" qstash
#
# The volume /data contains the data and dev.env, the lines with the credentials to use. They are
# random, because other machines can reach the server, and they are printed at the start.
# A manifest at /seed.toml is applied before the server is ready. Arguments go to `qstash dev`.
#
# Untested: no image has been built from this file yet. tests/test_container.py runs the commands of
# ENTRYPOINT and HEALTHCHECK outside a container.
FROM python:3.13-slim AS build
COPY . /src
RUN python -m venv /qstash && /qstash/bin/pip install --no-cache-dir /src

FROM python:3.13-slim
COPY --from=build /qstash /qstash
RUN useradd --system --uid 10001 --no-create-home --home-dir /data qstash \
  && install -d -o qstash /data
ENV PATH=/qstash/bin:$PATH
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
  CMD ["sh", "-c", ". /data/dev.env && qstash queue list"]
ENTRYPOINT ["sh", "-c", "[ ! -f /seed.toml ] || set -- --seed /seed.toml \"$@\"; exec qstash dev --host 0.0.0.0 --db /data/qstash.db --ready-file /data/dev.env \"$@\"", "qstash"]
