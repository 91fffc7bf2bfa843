"""Izin: the consent gate for SMS and WhatsApp on a company's own AWS account."""
