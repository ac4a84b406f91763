"""What `/metrics` says, read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

_KINDS: Final = frozenset({"counter", "gauge", "histogram"})


@dataclass(frozen=True, slots=True)
class Figures:
    """The samples, by their name and labels."""

    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def read(cls, text: str) -> "Figures":
        """What the text says. Raises ValueError for what is no exposition."""
        families = list(text_string_to_metric_families(text))
        assert {family.type for family in families} <= _KINDS
        return cls(
            {(each.name, frozenset(each.labels.items())): each.value for one in families for each in one.samples}
        )

    def __call__(self, name: str, **labels: str) -> float:
        """The value of a sample; nothing was counted where there is none."""
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def labels_of(self, label: str) -> set[str]:
        """Every value that label has anywhere."""
        return {value for _, labels in self.samples for name, value in labels if name == label}

    @property
    def text(self) -> str:
        """All of it, for whoever looks for what must not stand there."""
        return re.sub(r"\s+", " ", str(self.samples))
