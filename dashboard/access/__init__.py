"""Who may come in: accounts, sessions, what they are granted, and a record of what they did."""
