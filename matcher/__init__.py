"""The mind: pure rules of pairing. No clock, no randomness, no I/O, no asyncio, no Kafka, no HTTP, no environment."""
