/* SPDX-License-Identifier: BSD-2-Clause */
/* godwit-machine intersect. */
#ifndef TOOLS_MACHINE_INTERSECT_H
#define TOOLS_MACHINE_INTERSECT_H

extern const char tool_intersect_usage[];
int tool_intersect (int argc, char **argv);

#endif
