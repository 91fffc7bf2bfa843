"""The commands of `izin`, one module each: `add` says what it takes, and its function carries it out."""
