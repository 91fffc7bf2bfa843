"""The questions of auditors: SQL as files, for Athena and for DuckDB."""
