"""What a reviewer has typed and not saved yet: kept for each item until it is saved."""

from __future__ import annotations

from typing import Any, Final

import param

from workqueue.dossier import FieldValue

VERIFIED: Final = (
    "Phone call with the practice",
    "Practice website",
    "State licence board",
    "NPPES registry",
    "Letter or e-mail from the provider",
)
MOST_FIELDS: Final = 6


class Draft(param.Parameterized):
    """The texts of the action form for one item."""

    values = param.Dict({}, doc="New values as typed, by field")
    verified = param.String("", doc="How the new values were verified")
    comment = param.String("", doc="Comment, or the reason of a decision")
    duplicate_of = param.String("", doc="Id of the record that this one is the same as")
    record = param.Integer(None, allow_None=True, doc="The member that is corrected")

    def texts(self) -> dict[str, Any]:
        """Everything typed, to be kept."""
        return {name: getattr(self, name) for name in _EMPTY}

    def load(self, texts: dict[str, Any] | None) -> None:
        """Show what was kept of an item, or nothing."""
        self.param.update(**(texts or {**_EMPTY, "values": {}}))

    @property
    def typed(self) -> bool:
        """Whether there is anything that would be lost."""
        return bool(self.values or self.comment.strip() or self.duplicate_of.strip())

    def changes(self, fields: dict[str, FieldValue]) -> dict[str, str]:
        """The values that differ from what the record has."""
        return {
            name: text
            for name, text in self.values.items()
            if name in fields and text.strip() != (fields[name].value or "")
        }


_EMPTY: Final[dict[str, Any]] = {
    "values": {},
    "verified": "",
    "comment": "",
    "duplicate_of": "",
    "record": None,
}
