"""READ: everything there is to know of one work item, for the inspector and `workqueue show`."""

from workqueue.dossier.naming import records_called
from workqueue.dossier.parts import (
    Correction,
    Dossier,
    Entry,
    FieldGroup,
    FieldValue,
    Item,
    Member,
    Named,
    OtherItem,
)
from workqueue.dossier.reading import dossier
from workqueue.dossier.words import in_words

__all__ = [
    "Correction",
    "Dossier",
    "Entry",
    "FieldGroup",
    "FieldValue",
    "Item",
    "Member",
    "Named",
    "OtherItem",
    "dossier",
    "in_words",
    "records_called",
]
