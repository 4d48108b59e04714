"""The nerves: bring events in, run the processor, send notices out."""
