# tests/cli
dist_check_SCRIPTS += tests/cli/run.py
dist_check_SCRIPTS += tests/cli/manual.sh
dist_check_SCRIPTS += tests/cli/options.sh
