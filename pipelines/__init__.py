"""The stages in plain Python, from ingest to shard, and the audit. Nothing here knows a cluster."""
