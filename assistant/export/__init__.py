"""Papers to keep, send and print: answers and conversations as Markdown, HTML and PDF. Pure; only ``pdf`` loads fpdf2.

What is said -> ``blocks.Paper`` (``answers``) -> ``markdown.write``, ``page.write``, ``pdf.write``.
"""
