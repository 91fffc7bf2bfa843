"""Every test reads the pinned time-zone data, never the older one of the machine."""

import zoneinfo

zoneinfo.reset_tzpath(to=[])
