"""A file system without locks, such as some network drives have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: Replaces functions of the C library. Locks fail in $NO_LOCKS_BELOW, by default everywhere.
SOURCE = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int fails(int fd) {
  const char *below = getenv("NO_LOCKS_BELOW");
  char link[64], path[4096];
  if (below == NULL) return 1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path);
  return length >= (ssize_t)strlen(below) && strncmp(path, below, strlen(below)) == 0;
}
int fcntl(int fd, int cmd, ...) {
  va_list rest; va_start(rest, cmd); void *arg = va_arg(rest, void *); va_end(rest);
  if ((cmd == F_SETLK || cmd == F_SETLKW || cmd == F_GETLK) && fails(fd)) {
    errno = ERROR; return -1;
  }
  return ((int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl"))(fd, cmd, arg);
}
int fcntl64(int fd, int cmd, ...) {
  va_list rest; va_start(rest, cmd); void *arg = va_arg(rest, void *); va_end(rest);
  return fcntl(fd, cmd, arg);
}
int flock(int fd, int operation) {
  if (fails(fd)) { errno = ERROR; return -1; }
  return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(fd, operation);
}
"""


def no_locks_library(folder: Path, error: str = "ENOLCK") -> str:
    """A library for LD_PRELOAD; skips the test where it cannot be built.

    Args:
        error: what locks fail with.
    """
    if sys.platform != "linux":
        pytest.skip("replaces functions of the C library of Linux")
    source, library = folder / "locks.c", folder / "locks.so"
    source.write_text(SOURCE.replace("ERROR", error))
    command = ["cc", "-shared", "-fPIC", str(source), "-o", str(library), "-ldl"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no C compiler")
    return str(library)
