"""Pairing: blockers, fit, the market, its checker and its explanations."""
