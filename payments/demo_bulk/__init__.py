"""The demo in bulk: customers and payments by the million, made set-based, that pass for ones that verbs made."""
