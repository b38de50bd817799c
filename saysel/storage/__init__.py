"""Files that appear whole or not at all, shards of records, and markers of finished directories."""

from saysel.storage.atomic import (
    discard,
    disk_error,
    encodable,
    intact,
    read_json,
    remove_tree,
    write_atomically,
    write_checked,
    write_json,
    write_text,
)
from saysel.storage.markers import (
    DONE,
    finish,
    finished,
    intact_record,
    read_record,
    verify,
    whole,
    write_record,
)
from saysel.storage.shards import Shards, read_records

__all__ = [
    "DONE",
    "Shards",
    "discard",
    "disk_error",
    "encodable",
    "finish",
    "finished",
    "intact",
    "intact_record",
    "read_json",
    "read_record",
    "read_records",
    "remove_tree",
    "verify",
    "whole",
    "write_atomically",
    "write_checked",
    "write_json",
    "write_record",
    "write_text",
]
