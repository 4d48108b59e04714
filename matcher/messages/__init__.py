"""Messages: the envelope, inbound events, facts, notices, and the catalog of them all."""
