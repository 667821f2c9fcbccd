# Two commands: `make demo` and `make test`; each sets up whatever it needs.
PYTHON ?= python3
PROVINCE ?= zhejiang
REGION ?= cn-north-1
# The tests of `make check`; `make test` runs the properties once, with many examples, instead of twice.
UNIT ?= not stack and not slow
BIN := $(CURDIR)/.venv/bin
UV_VERSION := $(shell sed -n 's/^ *"uv==\(.*\)",$$/\1/p' pyproject.toml)
export PATH := $(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0

.PHONY: demo test check static unit thorough stack bench schemas requirements up down clean

demo: .venv/.ready .ministack/.ready
	haochaping demo --province $(PROVINCE)

test: .ministack/.ready
	$(MAKE) --no-print-directory check UNIT="$(UNIT) and not property"
	sam validate --region $(REGION)
	cfn-lint template.yaml
	$(MAKE) --no-print-directory --jobs 2 --output-sync=target thorough stack

# The whole stack mostly waits for its emulator; what only computes runs beside it.
thorough: .venv/.ready
	HYPOTHESIS_PROFILE=thorough pytest -q -m "property or slow"

stack: .venv/.ready .ministack/.ready
	pytest -q -m stack

# The fast part: some ninety seconds on two cores.
check: .venv/.ready
	$(MAKE) --no-print-directory --jobs 2 --output-sync=target static unit

static: .venv/.ready
	ruff format --check --quiet
	ruff check --quiet
	mypy
	mkdir -p .haochaping && lint-imports --no-cache > .haochaping/import-linter.log || { cat .haochaping/import-linter.log; exit 1; }
	sam validate --lint --region $(REGION)

unit: .venv/.ready
	pytest -q -n 2 -m "$(UNIT)"

bench: .venv/.ready
	haochaping bench

schemas: .venv/.ready
	haochaping schemas

# After a change of the dependencies in pyproject.toml.
requirements: .venv/.ready
	uv lock
	uv export --frozen --no-dev --no-emit-project -q -o services/requirements.txt

up: .venv/.ready .ministack/.ready
	haochaping local up --province $(PROVINCE)

down: .venv/.ready
	haochaping local down

clean:
	rm -rf .venv .ministack .aws-sam .haochaping .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Haochaping needs Python 3.11 to 3.13: make PYTHON=python3.12")'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	test -x .venv/bin/uv || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	.venv/bin/uv sync --frozen --quiet
	touch $@

# The emulator's pins differ from ours, and functions run in its interpreter: an environment of its own, of the same Python.
.ministack/.ready: .venv/.ready
	UV_PROJECT_ENVIRONMENT=.ministack .venv/bin/uv sync --frozen --quiet --only-group emulator --no-install-project --python .venv/bin/python
	touch $@
