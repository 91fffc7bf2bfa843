"""The person's page: its handler over the double, and as a real browser shows it."""
