"""What does a stranger need to see, to know that a person agreed? One document, from a ledger."""

from izin.certificate.document import Shown, document
from izin.certificate.html import headers, page

__all__ = ["Shown", "document", "headers", "page"]
