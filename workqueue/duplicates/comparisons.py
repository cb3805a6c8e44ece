"""Splink's settings: which pairs are compared, which of them teach, and the shipped parameters."""

from __future__ import annotations

from typing import Any, Final

from workqueue.duplicates.attributes import ATTRIBUTES, Attribute, Level
from workqueue.duplicates.compared import KEYS

NEITHER: Final = "no comparison"
# One NPI means one person: in one source it is the business of NPI_DUPLICATE, in two no defect.
_OTHER_NPI: Final = "l.npi_key <> r.npi_key"
BLOCKING: Final = (
    *(
        f"l.{key} = r.{key} AND {_OTHER_NPI}"
        for key in KEYS
        if key not in {"key_former", "key_present"}
    ),
    f"l.key_former = r.key_present AND {_OTHER_NPI}",
    f"l.key_present = r.key_former AND {_OTHER_NPI}",
)
"""Pairs that are compared at all; a pair that several rules find is compared once."""

_ONE_NAME: Final = "l.last_name = r.last_name AND l.first_name = r.first_name"
TRAINING: Final = (
    f"l.licenses[1] = r.licenses[1] AND {_OTHER_NPI}",
    f"{_ONE_NAME} AND l.phone = r.phone AND {_OTHER_NPI}",
)
"""Pairs from which m is learnt, each for the attributes that it does not speak of: mostly of one
person. Colleagues, who have practice and profession in common, would pass for one."""

CERTAIN: Final = (
    f"l.key_license_low = r.key_license_low AND {_ONE_NAME} AND {_OTHER_NPI}",
    f"l.phone = r.phone AND {_ONE_NAME} AND l.middle = r.middle AND {_OTHER_NPI}",
)
"""Pairs that are nearly all of one person, for the share of pairs that are; and how many of all
such pairs they are thought to be."""
CERTAIN_SHARE: Final = 0.5


def _level(level: Level, asked: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "sql_condition": asked,
        "label_for_charts": level.says,
        "m_probability": level.m,
        "u_probability": level.u,
    }
    if level.given:
        told |= {"fix_m_probability": True, "fix_u_probability": True}
    if level.counted is not None:
        told |= {
            "tf_adjustment_column": level.counted,
            "disable_tf_exact_match_detection": True,
            "tf_minimum_u_value": level.rarest,
        }
    return told


def _comparison(attribute: Attribute) -> dict[str, Any]:
    blank = {
        "sql_condition": attribute.blank,
        "label_for_charts": NEITHER,
        "is_null_level": True,
    }
    return {
        "output_column_name": attribute.name,
        "comparison_levels": [blank, *(_level(one, one.condition) for one in attribute.levels)],
    }


def shipped(prior: float) -> dict[str, Any]:
    """Splink's settings with the shipped parameters; `prior` is the share of pairs that match."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "probability_two_random_records_match": prior,
        # From parameters that are good already a few steps suffice; many end at zero and one.
        "max_iterations": 5,
        "retain_intermediate_calculation_columns": True,
        "retain_matching_columns": True,
        "blocking_rules_to_generate_predictions": list(BLOCKING),
        "comparisons": [_comparison(attribute) for attribute in ATTRIBUTES],
    }
