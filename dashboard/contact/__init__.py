"""The local card: how to reach a person, kept on this machine alone and read by whoever opens it."""
