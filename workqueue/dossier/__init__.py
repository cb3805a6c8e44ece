"""READ: everything there is to know of one work item, for the inspector and `workqueue show`."""

from workqueue.dossier.parts import (
    Correction,
    Disagreement,
    Dossier,
    Entry,
    FieldGroup,
    FieldValue,
    Item,
    Member,
    OtherItem,
    Side,
)
from workqueue.dossier.reading import dossier
from workqueue.dossier.words import in_words

__all__ = [
    "Correction",
    "Disagreement",
    "Dossier",
    "Entry",
    "FieldGroup",
    "FieldValue",
    "Item",
    "Member",
    "OtherItem",
    "Side",
    "dossier",
    "in_words",
]
