"""Random resources as QStash could have them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from qstash_cli.manifest.resources import DesiredEndpoint, Manifest, Pin, Queue, Schedule, UrlGroup
from qstash_cli.protocol.headers import as_defaults
from qstash_cli.protocol.options import MessageOptions

NAMES = st.text("abcXYZ019._-", min_size=1, max_size=12)
URLS = st.builds(
    "https://{}.io/{}".format, st.sampled_from("abc"), st.sampled_from(["", "x?y=${z}"])
)
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "X-A", "X-Trace-Id"]),
    st.lists(
        st.text("az09 ${}é,;=", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=2
    ),
    max_size=2,
).map(lambda lists: tuple((name, value) for name in sorted(lists) for value in lists[name]))
SPANS = st.none() | st.integers(1, 10**6)
FLOWS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"flow_key": st.sampled_from(["k", "tenant:1"]), "rate": st.integers(1, 99)},
        optional={"period_s": st.integers(2, 9999), "parallelism": st.integers(1, 9)},
    ),
)
LABELS = st.lists(NAMES, max_size=3, unique=True).map(tuple)
FAMILIES = st.none() | st.builds(
    MessageOptions, retries=st.integers(0, 5), delay_s=SPANS, headers=HEADERS
).filter(lambda options: options != MessageOptions())  # fmt: skip


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    callback = draw(st.none() | URLS)
    options = MessageOptions(
        method=draw(st.sampled_from([None, "GET", "PUT"])),
        delay_s=draw(SPANS),
        timeout_s=draw(SPANS),
        retries=draw(st.sampled_from([None, 0, 5])),
        retry_delay=draw(st.sampled_from([None, "1000 * retried"])),
        label=draw(LABELS),
        redact=draw(st.sampled_from([(), ("body",), ("header[X-A]", "body")])),
        callback=callback,
        queue=draw(st.none() | NAMES),
        headers=draw(HEADERS),
        on_callback=draw(FAMILIES) if callback else None,
        **draw(FLOWS),
    )
    return Schedule(
        destination=draw(URLS | NAMES),
        cron=draw(st.sampled_from(["0 3 * * *", "CRON_TZ=Europe/Berlin */5 * * * 1-5", "@daily"])),
        body=draw(st.binary(max_size=9) | st.text(max_size=30).map(str.encode)),
        paused=draw(st.booleans()),
        options=options,
    )


ENDPOINTS = st.builds(DesiredEndpoint, url=URLS, name=st.sampled_from(["", "one", "two words"]))


def _are_apart(endpoints: list[DesiredEndpoint]) -> bool:
    names = [one.name for one in endpoints if one.name]
    urls = [one.url for one in endpoints]
    return len(set(names)) == len(names) and len(set(urls)) == len(urls)


GROUPS = st.builds(
    UrlGroup,
    endpoints=st.lists(ENDPOINTS, min_size=1, max_size=3).filter(_are_apart).map(tuple),
    headers=HEADERS.map(as_defaults),
)
QUEUES = st.builds(Queue, parallelism=st.integers(1, 9), paused=st.booleans())
PINS = st.builds(Pin, rate=st.integers(1, 9), period_s=st.integers(1, 99)) | st.builds(
    Pin, parallelism=st.integers(1, 9)
)


def manifests() -> st.SearchStrategy[Manifest]:
    return st.builds(
        Manifest,
        queues=st.none() | st.dictionaries(NAMES, QUEUES, max_size=2),
        flow=st.none() | st.dictionaries(st.sampled_from(["k", "a b", "ü:1"]), PINS, max_size=2),
        urlgroups=st.none() | st.dictionaries(NAMES, GROUPS, max_size=2),
        schedules=st.dictionaries(NAMES, schedules(), max_size=2),
    )
