"""Exports that somebody changed, and whether `izin verify` finds it."""
