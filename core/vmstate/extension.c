/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "gwt.vmstate/1": what the code of a custom field, or of a section that is all code, writes and
 * reads with.  It must not know schemas.
 */
#include "config.h"
#include <string.h>
#include "core/util/extension.h"
#include "core/vmstate/stage.h"

static void
api_put (struct gwt_vm_out *out, const void *bytes, uint64_t size)
{
  gwt_vm_put (out, bytes, size);
}

static void
api_put_be (struct gwt_vm_out *out, uint32_t size, uint64_t value)
{
  if (size == 1 || size == 2 || size == 4 || size == 8)
    gwt_vm_put_be (out, size, value);
}

static int
api_get (struct gwt_vm_in *in, void *bytes, uint64_t size, struct gwt_error *err)
{
  if (!gwt_error_is_set (err) && gwt_vm_get (in, bytes, size, err))
    return 0;
  if (bytes != NULL)
    memset (bytes, 0, size);
  return -1;
}

static int
api_get_be (struct gwt_vm_in *in, uint32_t size, uint64_t *value, struct gwt_error *err)
{
  *value = 0;
  if (size != 1 && size != 2 && size != 4 && size != 8)
    {
      gwt_error_set (err, GWT_E_INVALID, "%u bytes are no integer; use 1, 2, 4 or 8", size);
      return -1;
    }
  return !gwt_error_is_set (err) && gwt_vm_get_be (in, size, value, err) ? 0 : -1;
}

static bool
is_loading (const struct gwt_vm_in *in, struct gwt_error *err)
{
  if (in->stage == NULL)
    gwt_error_set (err, GWT_E_INVALID, "this is for custom fields while they are read");
  return !gwt_error_is_set (err);
}

static int
api_commit_later (struct gwt_vm_in *in, void *target, const void *bytes, uint64_t size,
                  struct gwt_error *err)
{
  void *copy;

  if (!is_loading (in, err))
    return -1;
  copy = gwt_stage_memory (in->stage, size, false, err);
  if (copy == NULL)
    return -1;
  memcpy (copy, bytes, size);
  gwt_stage_add (in->stage, (struct gwt_commit){
                                .kind = GWT_COMMIT_BYTES, .to = target, .from = copy, .n = size });
  return 0;
}

static int
api_put_state (struct gwt_vm_out *out, const struct gwt_vmstate *vmstate, void *self,
               struct gwt_error *err)
{
  return gwt_vm_put_state (out, vmstate, self, err) ? 0 : -1;
}

static void *
api_get_state (struct gwt_vm_in *in, const struct gwt_vmstate *vmstate, void *self,
               struct gwt_error *err)
{
  return is_loading (in, err) ? gwt_vm_get_state (in, vmstate, self, err) : NULL;
}

static void *
api_alloc (struct gwt_vm_in *in, uint64_t size, struct gwt_error *err)
{
  return is_loading (in, err) ? gwt_stage_memory (in->stage, size, true, err) : NULL;
}

void
gwt_vmstate_register_extensions (void)
{
  static const struct gwt_vmstate_api api = {
    .struct_size = sizeof (struct gwt_vmstate_api),
    .put = api_put,
    .put_be = api_put_be,
    .get = api_get,
    .get_be = api_get_be,
    .commit_later = api_commit_later,
    .put_state = api_put_state,
    .get_state = api_get_state,
    .alloc = api_alloc,
  };
  GWT_AUTO_ERROR (err);

  if (gwt_extension_find (GWT_VMSTATE_EXT) == NULL)
    gwt_extension_add (GWT_VMSTATE_EXT, &api, "host", &err);
}
