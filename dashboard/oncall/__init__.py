"""Who is called when something cannot wait: a rota by program, messages without anybody in them, and their fate."""
