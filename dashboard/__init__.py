"""The face: what coordinators see and decide (its own milestone; today a room with a door)."""
