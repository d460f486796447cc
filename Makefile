# `make help` lists the verbs. What they do stands in dev/, in Python.

# The first Python here that runs and is new enough; `make PYTHON=/path/to/python3.12 run` names another.
ifndef PYTHON
PYTHON := $(shell for python in .venv/bin/python python3.13 python3.12 python3.11 python3 python3.14; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$python" && break; \
	done)
endif
ifeq ($(PYTHON),)
$(error Python 3.11 or newer is needed, and none was found. Install one (Debian: apt-get install python3 python3-venv), \
	or name it: make PYTHON=/path/to/python3.12 run)
endif

export ARGS
export TWIN

.DEFAULT_GOAL := help
.PHONY: help run serve migrate test lint migrations-check messages schema bench bench-check clean

help run serve migrate test lint migrations-check messages schema bench bench-check clean:
	@$(PYTHON) -m dev $@
