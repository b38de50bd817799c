"""Run directories on shared storage: `s3://…`, `gs://…`, or a file system without locks.

    locations.py    from an address to the working copy on this machine
    store.py        what shared storage has to be able to do
    bucket.py       an object store, through fsspec
    folder.py       a directory of a file system without locks
    lease.py        one process at a time, without locks
    run_mirror.py   keeps working copy and store in step
    names.py        which files are copied
    index.py        which version of each was exchanged last

A run works in a directory of this machine, its working copy. Each file is uploaded whole once it
is written, a marker after the files that it is about, so that another machine can continue from
the store at any time.
"""

from saysel.mirror.locations import fetched_file, is_address, is_run, working_copy
from saysel.mirror.run_mirror import RunMirror

__all__ = ["RunMirror", "fetched_file", "is_address", "is_run", "working_copy"]
