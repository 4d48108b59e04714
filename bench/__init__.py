"""Benchmarks: `python -m bench NAME… [--json]`; each row runs beside its peer on the same work."""
