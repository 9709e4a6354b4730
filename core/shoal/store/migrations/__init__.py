"""The history of the tables, one step per file in `versions`; run by `shoal.store.migrating`."""
