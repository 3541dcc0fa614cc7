/* How long mimalloc keeps freed memory before it gives it back: with its own 10 ms an import takes the same memory again and again,
   850 MB for a million lines, and each page comes back zeroed. The environment's MIMALLOC_PURGE_DELAY goes before this. */

#include <mimalloc.h>

enum { PURGE_DELAY_MS = 1000 };

__attribute__((constructor)) static void keep_freed_memory_for_a_while(void) {
    mi_option_set_default(mi_option_purge_delay, PURGE_DELAY_MS);
}
