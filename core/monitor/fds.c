/* SPDX-License-Identifier: BSD-2-Clause */
/* QMP: descriptors that clients hand over (SCM_RIGHTS), by name.  Knows nothing of who uses them.
 */
#include "config.h"
#include "core/util/fds.h"

#include <string.h>
#include <unistd.h>

#include "core/monitor/qmp.h"

/* NULL with ERR set for a name with a NUL in it, which would be another one. */
static const char *
name_arg (struct json_object *args, struct gwt_error *err)
{
  struct json_object *value;
  json_object_object_get_ex (args, "fdname", &value);
  const char *name = json_object_get_string (value);
  if (strlen (name) == (size_t) json_object_get_string_len (value))
    return name;
  gwt_error_set (err, GWT_E_INVALID, "Parameter 'fdname' has a NUL in it; leave it out");
  return NULL;
}

static struct json_object *
getfd (struct json_object *args, struct gwt_error *err)
{
  int fd = gwt_qmp_take_fd ();
  if (fd < 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "No file descriptor supplied via SCM_RIGHTS");
      return NULL;
    }
  const char *name = name_arg (args, err);
  if (name == NULL)
    close (fd);
  return name != NULL && gwt_fd_put (name, fd, err) ? json_object_new_object () : NULL;
}

static struct json_object *
closefd (struct json_object *args, struct gwt_error *err)
{
  const char *name = name_arg (args, err);
  return name != NULL && gwt_fd_close (name, err) ? json_object_new_object () : NULL;
}

static const struct gwt_qmp_arg args[] = { { "fdname", "str", false }, { NULL, NULL, false } };
static const struct gwt_qmp_command commands[] = {
  { "closefd", closefd, args },
  { "getfd", getfd, args },
};

void
gwt_qmp_init_fds (void)
{
  gwt_qmp_add_commands (commands, G_N_ELEMENTS (commands));
}
