"""What stands behind `make`: installing, the private PostgreSQL, running, serving, testing, checking."""
