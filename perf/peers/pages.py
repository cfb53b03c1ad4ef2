"""The pages of a Parquet file before compression: pages.py FILE OUTPUT

Each behind its length in 32 bits. Reads page headers, Thrift's compact protocol, as the format's
own definition has them: type, uncompressed and compressed size come first.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class Thrift:
    """Walks one compact-protocol structure."""

    def __init__(self, data: memoryview, offset: int) -> None:
        self.data, self.offset = data, offset

    def byte(self) -> int:
        self.offset += 1
        return self.data[self.offset - 1]

    def number(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def structure(self) -> dict[int, int]:
        """The integers of the structure by field; others are walked over."""
        fields: dict[int, int] = {}
        field = 0
        while (head := self.byte()) != 0:
            field = field + (head >> 4) if head >> 4 else self.signed()
            kind = head & 15
            if kind in (4, 5, 6):
                fields[field] = self.signed()
            elif kind == 8:
                self.offset += self.number()
            elif kind == 12:
                self.structure()
            elif kind not in (1, 2):
                raise ValueError(f"a page header with a field of type {kind}")
        return fields

    def signed(self) -> int:
        value = self.number()
        return (value >> 1) ^ -(value & 1)


def pages(path: str) -> list[bytes]:
    data = memoryview(Path(path).read_bytes())
    footer = pq.read_metadata(path)
    snappy = pa.Codec("snappy")
    found = []
    for group in range(footer.num_row_groups):
        for column in range(footer.num_columns):
            chunk = footer.row_group(group).column(column)
            offset = chunk.dictionary_page_offset or chunk.data_page_offset
            end = offset + chunk.total_compressed_size
            while offset < end:
                header = Thrift(data, offset)
                fields = header.structure()
                offset = header.offset + fields[3]
                page = snappy.decompress(data[header.offset : offset], fields[2])
                found.append(page.to_pybytes())
    return found


if __name__ == "__main__":
    with open(sys.argv[2], "wb") as output:
        for body in pages(sys.argv[1]):
            output.write(struct.pack("<I", len(body)) + body)
