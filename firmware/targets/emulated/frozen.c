// Imports of frozen modules. Replaces upstream's py/frozenmod.c, which computes the length of every name at every
// search; an import searches three times for each part of a dotted name, which would delay the start.
#include <string.h>

#include "py/builtin.h"
#include "py/emitglue.h"
#include "py/frozenmod.h"
#include "py/objmodule.h"
#include "py/runtime.h"

#define MOST_MODULES (160)

// Zero-terminated names, followed by an empty one; and the modules in the same order.
extern const char mp_frozen_names[];
extern const mp_frozen_module_t *const mp_frozen_mpy_content[];

static struct {
    uint16_t start;
    uint8_t length;
} names[MOST_MODULES];
static size_t known;
static size_t found; // by the last search; the next one is often for a neighbour

static void measure_names(void) {
    const char *name = mp_frozen_names;
    while (*name != 0) {
        size_t length = strlen(name);
        if (known == MOST_MODULES || length > UINT8_MAX) {
            mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("too many frozen modules"));
        }
        names[known].start = name - mp_frozen_names;
        names[known++].length = length;
        name += length + 1;
    }
}

mp_import_stat_t mp_find_frozen_module(const char *path, int *frozen_type, void **data) {
    if (known == 0) {
        measure_names();
    }
    if (frozen_type != NULL) {
        *frozen_type = MP_FROZEN_NONE;
    }
    size_t length = strlen(path);
    size_t left = length > 0 ? known : 0;
    for (size_t i = found; left > 0; left--, i = i + 1 < known ? i + 1 : 0) {
        const char *name = mp_frozen_names + names[i].start;
        if (names[i].length < length || name[length - 1] != path[length - 1] || memcmp(name, path, length) != 0) {
            continue;
        }
        if (names[i].length == length) {
            found = i;
            if (frozen_type != NULL) {
                *frozen_type = MP_FROZEN_MPY;
                *data = (void *)mp_frozen_mpy_content[i];
            }
            return MP_IMPORT_STAT_FILE;
        }
        if (name[length] == '/') {
            found = i;
            return MP_IMPORT_STAT_DIR;
        }
    }
    return MP_IMPORT_STAT_NO_EXIST;
}

// Fast path of `from a.b import c` for a loaded module, the most frequent case: one lookup instead of one for each part
// of the name. All other imports use upstream's code.
mp_obj_t jz_import(size_t n_args, const mp_obj_t *args) {
    bool absolute = n_args < 5 || args[4] == MP_OBJ_NEW_SMALL_INT(0);
    if (absolute && n_args >= 4 && args[3] != mp_const_none) {
        mp_map_elem_t *loaded = mp_map_lookup(&MP_STATE_VM(mp_loaded_modules_dict).map, args[0], MP_MAP_LOOKUP);
        if (loaded != NULL) {
            return loaded->value;
        }
        mp_obj_t built_in = mp_module_get_builtin(mp_obj_str_get_qstr(args[0]), false);
        if (built_in != MP_OBJ_NULL) {
            return built_in;
        }
    }
    return mp_builtin___import___default(n_args, args);
}
