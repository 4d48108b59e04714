"""The memory: the append-only record of what was decided, and its homes."""
