"""This program, a FastAPI twin and plain SQL beside one another, by turns in one run: what `make bench` is made of."""
