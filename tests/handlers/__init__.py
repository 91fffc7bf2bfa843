"""The real handlers against an emulated AWS and a carrier that speaks the carrier's own protocol."""
