"""Every test reads the pinned time-zone data, never the machine's older one; none is judged by its speed."""

import zoneinfo

from hypothesis import settings

zoneinfo.reset_tzpath(to=[])

# How fast it is, is for the bench to say: a busy machine must not make a property false.
settings.register_profile("izin", deadline=None)
settings.load_profile("izin")
