"""Text of the database as HTML: the one place where it is escaped.

Every template is rendered with autoescape on; nothing else in the desk builds HTML from values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboard import wording

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "day": wording.day,
    "minute": wording.minute,
    "age": wording.age,
    "span": wording.span,
}
_TEMPLATES.globals |= {"DASH": wording.DASH, "step": wording.step}


def markup(template: str, **values: Any) -> str:
    """The template filled in, every value escaped."""
    return _TEMPLATES.get_template(f"{template}.html").render(**values)
