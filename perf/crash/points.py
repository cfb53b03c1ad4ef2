"""The faults of a crash run: where the service is killed, and what its disk answers.

A disk point is a rule of diskfault.c, a store point a request at which the proxy kills. `{n}` is
drawn for each use, so that every use meets another moment.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    name: str
    # When: "load" while reports come, "start" during recovery, "drain" after SIGTERM.
    phase: str = "load"
    # A rule of diskfault.c without what to do, or None.
    rule: str | None = None
    # (kind of request, "before" or "after" the store has done it), or None.
    request: tuple | None = None
    # The largest n.
    most: int = 1
    # Objects must be large enough for a multipart upload.
    heavy: bool = False
    # "kill", or a scenario of its own by name.
    scenario: str = "kill"
    # How often it is drawn, against the others.
    weight: int = 2

    @property
    def stage(self):
        """Where in a segment's life it strikes: what its name begins with."""
        return self.name.partition(":")[0]


def disk(name, calls, files, when, most=1, **more):
    rule = f"call={calls} name={files} when={when} at={{n}}"
    return Fault(name, rule=rule, most=most, **more)


FAULTS = [
    Fault("kill -9 at a random moment", weight=30),
    Fault("kill -9 while a body is half sent", scenario="half_body"),
    disk("log: half of a write", "pwritev", "*.log", "middle", 150),
    disk("log: written, not synced", "pwritev", "*.log", "after", 150),
    disk("log: before the sync", "fdatasync", "*.log", "before", 150),
    disk("log: synced, before the answer", "fdatasync", "*.log", "after", 150, weight=4),
    disk("log: a new file's header", "pwrite", "*.log", "after", 2),
    disk("log: a new file's room", "fallocate", "*.log", "after", 2),
    disk("encode: half of a row group", "pwrite", "*.parquet.tmp", "middle", 12),
    disk("encode: between two writes", "pwrite", "*.parquet.tmp", "after", 12),
    disk("seal: object written, not synced", "fdatasync", "*.parquet.tmp", "before", 4),
    disk("seal: object synced", "fdatasync", "*.parquet.tmp", "after", 4),
    disk("seal: object before its rename", "renameat", "*.parquet", "before", 4),
    disk("seal: object renamed", "renameat", "*.parquet", "after", 4),
    disk("seal: half written", "pwrite", "*.seal.tmp", "middle", 3),
    disk("seal: synced, before its rename", "renameat", "*.seal", "before", 3),
    disk("seal: renamed, directory not synced", "renameat", "*.seal", "after", 3, weight=4),
    disk("directory: before a sync", "fsync", ".", "before", 12),
    disk("directory: after a sync", "fsync", ".", "after", 12),
    disk("committed: before the log goes", "renameat", "*.log.tmp", "before", 3),
    disk("committed: the log is gone", "renameat", "*.log.tmp", "after", 3),
    disk("committed: before the log's bytes go", "unlinkat", "*.log.tmp", "before", 3),
    disk("upload: half of its record", "pwrite", "*.upload*", "middle", 4, heavy=True),
    disk("upload: its record written", "pwrite", "*.upload*", "after", 4, heavy=True),
    disk("upload: its record synced", "fdatasync", "*.upload*", "after", 4, heavy=True),
    Fault("upload: Create sent", request=("create", "before"), most=2, heavy=True),
    Fault("upload: Create done, answer lost", request=("create", "after"), most=2, heavy=True),
    Fault("upload: a part sent", request=("part", "before"), most=3, heavy=True),
    Fault("upload: between parts", request=("part", "after"), most=3, heavy=True),
    Fault("upload: Complete sent", request=("complete", "before"), most=2, heavy=True),
    Fault("upload: Complete done, answer lost", request=("complete", "after"), most=2, heavy=True),
    Fault("upload: PUT sent", request=("put", "before"), most=4),
    Fault("upload: PUT done, answer lost", request=("put", "after"), most=4),
    disk("stored: before the object goes", "unlinkat", "*.parquet", "before", 4),
    disk("stored: the object is gone", "unlinkat", "*.parquet", "after", 4),
    disk("stored: the upload's record is gone", "unlinkat", "*.upload", "after", 3),
    disk("stored: before the seal goes", "unlinkat", "*.seal", "before", 3),
    disk("stored: the seal is gone", "unlinkat", "*.seal", "after", 3),
    disk(
        *(
            "recovery: any change, three in a row",
            "pwrite,pwritev,fdatasync,fsync,renameat,unlinkat,ftruncate",
        ),
        *("*", "before", 9),
        phase="start",
        weight=6,
    ),
    disk("recovery: while logs are read", "pread", "*.log", "after", 5, phase="start"),
    disk("recovery: while seals are read", "pread", "*.seal", "after", 3, phase="start"),
    Fault("drain: kill -9 at a random moment", phase="drain", weight=6),
    disk("drain: before a rename", "renameat", "*", "before", 3, phase="drain"),
    Fault("drain: SIGTERM twice", scenario="second_signal"),
    Fault("drain: the disk is full", scenario="full_drain"),
    Fault("disk: full for a while", scenario="full_disk"),
    Fault("disk: a log sync fails once", scenario="failed_sync"),
    Fault("disk: a log write fails once", scenario="failed_write"),
    Fault("disk: an object write fails once", scenario="failed_object"),
    Fault("disk: a directory sync fails once", scenario="failed_directory"),
    Fault("disk: log syncs fail for ever", scenario="dead_disk"),
]
