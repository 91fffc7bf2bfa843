"""Everything that talks to AWS. It reads, writes and calls; it decides nothing."""
