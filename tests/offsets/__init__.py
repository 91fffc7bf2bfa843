"""Every change of every clock, against every window of every pack."""
