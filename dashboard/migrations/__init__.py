"""How the dashboard's schema came to be, step by step; ``dashboard.database.migrate`` takes those that are missing."""
