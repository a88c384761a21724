# make demo     train a small network on the digits until 70 % of it is zero, and remove that
# make test     everything that CI runs
# make docs     the website, in docs/_build/html
# make export   package, tests and README.md from notebooks and settings.ini
# make outputs  run the notebooks (NB=nbs/masks, or one notebook, for some) and save what they show
VENV ?= .venv
PYTHON ?= python3
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n>4?4:n)))
NB ?= nbs
bin := $(abspath $(VENV))/bin
stamp := $(VENV)/.installed
export OMP_NUM_THREADS ?= 1

.PHONY: demo test docs env export outputs browser clean

demo: env
	$(bin)/python -m fasterprune.demo

env: $(stamp)

$(stamp): pyproject.toml
	test -x $(bin)/python || $(PYTHON) -m venv $(VENV)
	$(bin)/python -m pip --version >/dev/null 2>&1 || $(bin)/python -m ensurepip
	test -x $(bin)/uv || $(bin)/python -m pip install -q --disable-pip-version-check uv
	VIRTUAL_ENV=$(abspath $(VENV)) $(bin)/uv pip install -e '.[dev]' || $(bin)/python -m pip install -e '.[dev]'
	touch $(stamp)

export: env
	$(bin)/python dev/export.py

# A browser for the tests of the website; without one they are skipped
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null \
	  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver; } >/dev/null 2>&1 \
	  || echo 'chromium could not be installed: the tests that need it are skipped'

# Drift, notebooks, tests generated from them, website (warnings are errors) and browser: all are tests
test: env browser
	$(bin)/python -m pytest -n $(WORKERS)

docs: env
	$(bin)/python dev/docs.py

outputs: env
	$(bin)/python dev/outputs.py $(NB)

clean:
	rm -rf docs/_build build dist *.egg-info .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
