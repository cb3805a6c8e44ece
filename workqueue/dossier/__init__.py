"""READ: everything there is to know of one work item, for the inspector and `workqueue show`."""

from workqueue.dossier.parts import (
    Agreement,
    Correction,
    Dossier,
    Entry,
    FieldGroup,
    FieldValue,
    Item,
    Member,
    OtherItem,
    Pair,
)
from workqueue.dossier.reading import dossier
from workqueue.dossier.words import in_words

__all__ = [
    "Agreement",
    "Correction",
    "Dossier",
    "Entry",
    "FieldGroup",
    "FieldValue",
    "Item",
    "Member",
    "OtherItem",
    "Pair",
    "dossier",
    "in_words",
]
