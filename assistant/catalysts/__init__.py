"""The catalyst board: a thesis as a thing that can be tracked."""
