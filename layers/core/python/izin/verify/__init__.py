"""Does an export show that nobody changed it?

A program of its own: it shares no line with the code that writes ledgers and logs, so that a mistake
there is found here. `docs/verification.md` says what is read, what is proved, and what is not.
"""
