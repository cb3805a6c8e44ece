"""The pairs of a group of records that look like one person, out of the item's evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workqueue.dossier.parts import Agreement, Pair


def pairs(evidence: Mapping[str, Any]) -> tuple[Pair, ...]:
    """The pairs that `workqueue.duplicates` wrote, the likeliest first; none for other items."""
    return tuple(
        Pair(
            left_id=told["a"],
            right_id=told["b"],
            weight=told["weight"],
            probability=told["probability"],
            start=told["start"],
            agreements=tuple(
                Agreement(
                    attribute=part["attribute"],
                    says=part["says"],
                    weight=part["weight"],
                    left=part["a"],
                    right=part["b"],
                )
                for part in told["parts"]
            ),
        )
        for told in evidence.get("pairs", ())
    )
