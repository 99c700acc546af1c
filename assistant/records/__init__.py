"""What is kept of each question: the audit, the conversations, the feedback (docs/audit.md)."""

from assistant.records.records import Records

__all__ = ["Records"]
