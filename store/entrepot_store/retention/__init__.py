"""Retention: what stays, for how long, and what forbids to forget it.

`policy` decides on the versions of a document, `plan` puts policies, pins and holds together, `prune` does what the
plan says, `standing` places pins and legal holds. `facts` are the objects in the vault that say so, `recall` reads them
back for a rebuild.
"""
