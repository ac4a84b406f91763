"""What the operator decided about those who watch: people their own accounts, and the operator the service."""

from dataclasses import dataclass
from typing import Final

from entrypoints.environment import Reader, Secret, SettingDescription, strong_secret, url_of

WATCHING_TABLE: Final = (
    SettingDescription(
        name="LIVE_STREAMS_MAX",
        default="1000",
        meaning="streams of live updates that one process keeps open; the next is answered 503",
    ),
    SettingDescription(
        name="LIVE_STREAMS_PER_PERSON",
        default="8",
        meaning="streams that one person may have open at one process; the next is answered 429",
    ),
    SettingDescription(
        name="METRICS_TOKEN",
        default=None,
        meaning="who may read `/metrics`: whoever brings it as a bearer token; 32 bytes or more; without it only "
        "clients on the machine itself",
        secret=True,
    ),
    SettingDescription(
        name="OTEL_EXPORTER_OTLP_ENDPOINT",
        default=None,
        meaning="where traces are sent, as `http://collector:4318`; needs the extra `otel`; else nothing is traced",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Who may look, and how many at a time."""

    streams_max: int
    streams_per_person: int
    metrics_token: Secret | None
    tracing_endpoint: str | None


def watching_of(reader: Reader, *, is_development: bool) -> Watching:
    """All of it, as the variables say."""
    token = "METRICS_TOKEN"  # noqa: S105 - the variable's name
    endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
    return Watching(
        streams_max=reader.integer("LIVE_STREAMS_MAX", least=0, most=100_000),
        streams_per_person=reader.integer("LIVE_STREAMS_PER_PERSON", least=1, most=1_000),
        metrics_token=reader.secret(token, strong_secret(example_allowed=is_development))
        if reader.has(token)
        else None,
        tracing_endpoint=reader.parsed(endpoint, _collector, placeholder=None) if reader.has(endpoint) else None,
    )


def _collector(written: str) -> str | None:
    url_of("http", "https")(written)
    return written
