"""WorkQueue's data layer: from a provider file to an audited, exported decision.

The path of one item, and the room in which each step lives:

    NPPES file ─ load (`intake`) ─▶ source row ─▶ provider (`models`)
      ─ rule (`rules`) ─▶ finding ─ reconcile (`detection`, `verbs.reconcile`) ─▶ work item
      ─ inbox (`inbox`) ─▶ row ─ claim, a lease (`verbs`) ─▶ inspector (`dossier`)
      ─ act (`verbs`) ─▶ action row ─▶ audit, export (`audit`, `export`)

`lifecycle` says as data which steps are legal and who may take them; `tests/test_journey.py`
walks the whole path. This package knows no user interface.
"""
