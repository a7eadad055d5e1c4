#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The part dev/ of the bare-metal suite, one TAP line a program.
here=$(dirname "$0")
BARE_SET=dev/ exec "$here/run-bare.sh" "$@"
