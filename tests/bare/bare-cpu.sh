#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The part cpu/ of the bare-metal suite, one TAP line a program.
here=$(dirname "$0")
BARE_SET=cpu/ exec "$here/run-bare.sh" "$@"
