# tests/bench: the benchmark runs; its figures are not looked at.
dist_check_SCRIPTS += tests/bench/bench.py
