"""Queries that are compiled once."""
