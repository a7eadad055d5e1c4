/* SPDX-License-Identifier: BSD-2-Clause */
/* What saving and loading share. */
#ifndef CORE_VMSTATE_INTERNAL_H
#define CORE_VMSTATE_INTERNAL_H

#include "core/vmstate/vmstate.h"

/* An element of an array of pointers that is NULL at both ends; where elements come and go, one
   that follows. */
#define GWT_VM_NULL_MARKER 0x30
#define GWT_VM_VALID_MARKER 0x31

/* Is FIELD there in VERSION of the struct at SELF?  DEVICE has the properties it may hang on. */
bool gwt_vm_present (const struct gwt_vm_field *f, const void *self, struct gwt_device *device,
                     uint32_t version);
/* What a description calls FIELD's shape: "uint32", "buffer", "struct". */
const char *gwt_vm_type_name (const struct gwt_vm_field *f);
/* DEVICE (may be NULL) has PROPERTY, and it is on. */
bool gwt_vm_property_is_on (struct gwt_device *device, const char *property);
/* Elements of FIELD in the struct at SELF, by its count; false with ERR set where that is none that
   the field may have.  For buffers: bytes; for bitmaps: words. */
bool gwt_vm_elements (const struct gwt_vm_field *f, const void *self, uint64_t *n,
                      struct gwt_error *err);
/* Do markers say which elements there are, whatever there is at the other end? */
static inline bool
gwt_vm_is_marked (const struct gwt_vm_field *f)
{
  return (f->flags & GWT_VM_POINTERS) && (f->flags & GWT_VM_ALLOC);
}
/* put_state () of gwt.vmstate/1, see save.c. */
bool gwt_vm_put_state (struct gwt_vm_out *out, const struct gwt_vmstate *vmstate, void *self,
                       struct gwt_error *err);
/* get_state (), see load.c; IN is being read. */
void *gwt_vm_get_state (struct gwt_vm_in *in, const struct gwt_vmstate *vmstate, void *self,
                        struct gwt_error *err);
/* Is it one thing on the wire, however many elements it has? */
static inline bool
gwt_vm_is_whole (const struct gwt_vm_field *f)
{
  return f->form == GWT_VM_BUFFER || f->form == GWT_VM_UNUSED || f->form == GWT_VM_BITMAP;
}

#endif
