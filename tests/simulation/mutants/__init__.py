"""Would the simulator notice? The safety core with one line broken, for each line that matters.

Each patch begins with what it breaks. One that cannot be noticed has a line `equivalent: …` with the reason.
"""
