"""People: experience, profile, recovery and the roster of members and mentors."""
