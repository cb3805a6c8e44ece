"""READ: everything there is to know of one work item, for the inspector and `workqueue show`."""

from workqueue.dossier.naming import records_called
from workqueue.dossier.parts import (
    Agreement,
    Correction,
    Disagreement,
    Dossier,
    Entry,
    FieldGroup,
    FieldValue,
    Item,
    Member,
    Named,
    OtherItem,
    Pair,
    Side,
)
from workqueue.dossier.reading import dossier
from workqueue.dossier.words import in_words

__all__ = [
    "Agreement",
    "Correction",
    "Disagreement",
    "Dossier",
    "Entry",
    "FieldGroup",
    "FieldValue",
    "Item",
    "Member",
    "Named",
    "OtherItem",
    "Pair",
    "Side",
    "dossier",
    "in_words",
    "records_called",
]
