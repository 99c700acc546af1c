"""Does a claim stand in its evidence? Pure functions: no model, no network, no files.

``check(claim, evidence)`` -> Claim with a verdict, a score in 0..1 (0.5 and more: supported), the reason in plain words and its numbers, each
traced to the evidence or with the calculation that gives it. ``check_cited`` does the same for a sentence with [S1] and [T1] markers.
How it decides is told in docs/grounding.md.
"""

from assistant.grounding.judge import check, check_cited

__all__ = ["check", "check_cited"]
