"""Writing and parsing a manifest are inverses."""

from __future__ import annotations

import tomllib

from hypothesis import given

from qstash_cli.manifest.resources import KINDS, Manifest
from qstash_cli.manifest.schema import parse
from qstash_cli.manifest.tables import document_of, to_toml
from qstash_cli.manifest.validation import Validation
from tests.manifest.strategies import manifests


def read(text: str) -> Manifest:
    return parse(text.encode(), "qstash.toml", {}, Validation(is_on=False))


@given(manifests())
def test_a_written_manifest_parses_to_the_same_manifest(manifest: Manifest) -> None:
    text = to_toml(manifest)

    found = read(text)

    assert document_of(found) == document_of(manifest)
    assert to_toml(found) == text
    for kind in KINDS:
        assert (manifest.of(kind) is None) == (found.of(kind) is None)


def test_output_is_sorted_and_omits_defaults() -> None:
    text = """
[queues.b]
parallelism = 1
paused = false
[queues.a]
[schedules.s]
retries = 3
method = "POST"
period = "1s"
rate = 5
flow_key = "k"
cron = "CRON_TZ=UTC 0 3 * * *"
destination = "https://example.com"
callback = {url = "https://example.com/done"}
body = "line\\n$${HOME}\\n"
"""

    assert (
        to_toml(read(text))
        == '''\
[queues.a]

[queues.b]

[schedules.s]
destination = "https://example.com"
cron = "0 3 * * *"
tz = "UTC"
flow_key = "k"
rate = 5
callback = "https://example.com/done"
body = """
line
$${HOME}
"""
'''
    )


def test_an_empty_account_produces_a_table_for_every_kind() -> None:
    text = to_toml(Manifest(queues={}, flow={}, urlgroups={}, schedules={}))

    assert tomllib.loads(text) == {"queues": {}, "flow": {}, "urlgroups": {}, "schedules": {}}
