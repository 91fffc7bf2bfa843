"""Lists of people that other systems hold, as files: what they say, and the way into the API."""
