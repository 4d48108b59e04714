"""What each page shows: models and pure functions, no HTML."""
