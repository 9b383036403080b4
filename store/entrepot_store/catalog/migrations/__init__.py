"""The history of the catalog's schema, run by `sql.migrate`. `versions/NNNN_name.py` holds revision `NNNN`."""
