# tools
EXTRA_DIST += tools/setup.sh tools/packages.txt tools/guest/make-guest tools/guest/init \
	tools/guest/modules.txt tools/guest/session.py
