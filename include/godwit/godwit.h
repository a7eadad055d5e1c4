/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that a device plugin may want. */
#ifndef GODWIT_GODWIT_H
#define GODWIT_GODWIT_H

#include <godwit/abi.h>
#include <godwit/block.h>
#include <godwit/chardev.h>
#include <godwit/clock.h>
#include <godwit/cpu.h>
#include <godwit/device.h>
#include <godwit/event.h>
#include <godwit/facts.h>
#include <godwit/fdt.h>
#include <godwit/field.h>
#include <godwit/fwcfg.h>
#include <godwit/hotplug.h>
#include <godwit/irq.h>
#include <godwit/memory.h>
#include <godwit/method.h>
#include <godwit/net.h>
#include <godwit/pci.h>
#include <godwit/riscv.h>
#include <godwit/run.h>
#include <godwit/virtio.h>
#include <godwit/vmstate.h>

#endif
