"""Writes exchanges in the formats of others: `warc_gz` for WARC tools, `har` for browsers, `mitm` for mitmproxy.

`selection` reads whole exchanges out of the vault for those that need more than the catalog has.
"""
