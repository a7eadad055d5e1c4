/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interface "gwt.facts/1": what a guest sees of a device and no property says: the size of its
 * disk, bytes of its configuration space.  They are told before a guest is moved, and where they
 * differ between both ends the move is refused by name, before any memory is sent.
 *
 * What follows from properties alone need not be told.  Bytes may follow from properties in part;
 * integers and texts must not, for they are compared also where properties are yet to be taken over
 * from the other end.  What a guest or the host changes while the
 * machine runs must not be, but as bits that are not compared.
 */
#ifndef GODWIT_FACTS_H
#define GODWIT_FACTS_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_FACTS_INTERFACE "gwt.facts/1"

/* The most bytes that one fact may have. */
#define GWT_FACT_BYTES_MAX 65536

struct gwt_facts; /* what has been told, the host's */

/* What a device says its facts with.  NAME is lower case with dashes, as of a property, once for
   each device, with its parent's; texts and bytes are copied.  What breaks these rules is logged
   and left out.  All [main], during `tell` alone. */
struct gwt_facts_api
{
  uint64_t struct_size;
  void (*integer) (struct gwt_facts *facts, const char *name, uint64_t value);
  void (*text) (struct gwt_facts *facts, const char *name, const char *value);
  /* SIZE bytes of registers as they are now.  A bit counts where it is set in COMPARE (NULL: all)
     and not in WRITE, the bits that a guest can change (NULL: none); WRITE itself has to be the
     same at both ends. */
  void (*bytes) (struct gwt_facts *facts, const char *name, const void *value, const void *compare,
                 const void *write, uint64_t size);
  /* SIZE bytes from AT on of the fact NAME, told before, are the register LABEL ("class code"). For
     messages; where registers overlap the first one told has the byte. */
  void (*label) (struct gwt_facts *facts, const char *name, uint64_t at, uint64_t size,
                 const char *label);
};

/* What a device type offers under GWT_FACTS_INTERFACE. */
struct gwt_facts_interface
{
  uint64_t struct_size;
  /* [main] The device is realized; vCPUs may run, so take the lock that its registers need.  SELF
     is the instance of the type that offers this. */
  void (*tell) (void *self, const struct gwt_facts_api *api, struct gwt_facts *facts);
};

#ifdef __cplusplus
}
#endif

#endif
