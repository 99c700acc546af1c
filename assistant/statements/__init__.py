"""Financial statements as tables: line items and ratios read from the rows of filings, with the arithmetic shown."""

from assistant.statements.answer import StatementAnswer, StatementLine, answer

__all__ = ["StatementAnswer", "StatementLine", "answer"]
