dist_check_SCRIPTS += tests/repo/sources.py
