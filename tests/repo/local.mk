dist_check_SCRIPTS += tests/repo/harness.sh tests/repo/sources.py tests/repo/headers.py tests/repo/binaries.py \
	tests/repo/run-long.sh
