# Each target does its own set-up; later set-up is a no-op. Needs Python 3.11 to 3.13 and nothing else.
PYTHON ?= auto
VENV   := .venv
READY  := $(VENV)/.ready
BIN    := $(VENV)/bin

.PHONY: demo test cover lint types imports check soak lock wheel docs clean

demo: $(READY)          ## one event each for three sellers, through four channels, to real servers here
	$(BIN)/livery demo

test: $(READY)          ## every test
	$(BIN)/python -m pytest

cover: $(READY)         ## every test, with branch coverage; takes half as long again
	$(BIN)/python -m pytest --cov --cov-report=term

lint: $(READY)          ## style, and docs that are generated
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python docs/generate.py --check

types: $(READY)
	$(BIN)/mypy

imports: $(READY)       ## the layers
	$(BIN)/lint-imports

check: test lint types imports

soak: $(READY)          ## the long versions: crashes, hostile input, plans on a million rows, the API by its description, odd text in pages, every e-mail for axe
	LIVERY_SOAK=1 $(BIN)/python -m pytest -n 0 tests/crash tests/hostile tests/store/test_plans.py \
	  tests/service/test_openapi.py tests/service/test_pages_matrix.py tests/a11y/test_emails.py

docs: $(READY)          ## write the generated passages of the docs
	$(BIN)/python docs/generate.py

lock: $(READY)          ## pin every dependency anew
	$(BIN)/python -m pip --quiet install uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-header --no-annotate \
	  --all-extras --group dev -o .ci/requirements.txt pyproject.toml

wheel: $(READY)
	$(BIN)/python -m hatchling build -t wheel

clean:
	rm -rf $(VENV) dist livery-demo

$(READY): pyproject.toml .ci/requirements.txt .ci/setup .ci/build_hook.py .ci/htmx/package-lock.json
	.ci/setup $(PYTHON) $(VENV)
