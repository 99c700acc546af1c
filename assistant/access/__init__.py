"""Who asks, and what they may do and read."""

from assistant.access.user import LOCAL, Action, Role, User

__all__ = ["LOCAL", "Action", "Role", "User"]
