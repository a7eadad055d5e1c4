# tests/abi
dist_check_SCRIPTS += tests/abi/abi.py
EXTRA_DIST += tests/abi/headers.py
