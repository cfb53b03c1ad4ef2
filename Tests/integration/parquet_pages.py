"""What readers do not show: pages, levels and the page index, read from a file's bytes.

A small reader of Thrift's compact protocol without a schema (fields by number) and of V1 pages,
enough to check that what the file says of itself is so.
"""

import struct

import cramjam

DATA_PAGE, DICTIONARY_PAGE = 0, 2
PLAIN, RLE, DELTA_BINARY_PACKED, RLE_DICTIONARY, BYTE_STREAM_SPLIT = 0, 3, 5, 8, 9


class Thrift:
    """Reads structs as {field number: value} from `data` at `position`."""

    def __init__(self, data, position=0):
        self.data = data
        self.position = position

    def byte(self):
        self.position += 1
        return self.data[self.position - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self):
        raw = self.varint()
        return (raw >> 1) ^ -(raw & 1)

    def value(self, kind):
        if kind in (1, 2):
            return self.byte() == 1
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            count = self.varint()
            self.position += count
            return bytes(self.data[self.position - count : self.position])
        if kind == 9:
            head = self.byte()
            count = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.value(head & 15) for _ in range(count)]
        assert kind == 12, kind
        return self.struct()

    def struct(self):
        fields, number = {}, 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self.value(kind)
        return fields


def hybrid(data, width, count):
    """`count` values of the hybrid of run length and bit packing."""
    values, thrift = [], Thrift(data)
    while len(values) < count:
        header = thrift.varint()
        if header & 1:
            size = (header >> 1) * width
            bits = int.from_bytes(data[thrift.position : thrift.position + size], "little")
            thrift.position += size
            mask = (1 << width) - 1
            for _ in range((header >> 1) * 8):
                values.append(bits & mask)
                bits >>= width
        else:
            size = (width + 7) // 8
            value = int.from_bytes(data[thrift.position : thrift.position + size], "little")
            thrift.position += size
            values += [value] * (header >> 1)
    return values[:count]


class File:
    def __init__(self, path):
        self.data = path.read_bytes()
        assert self.data[:4] == self.data[-4:] == b"PAR1"
        length = struct.unpack("<I", self.data[-8:-4])[0]
        self.footer = Thrift(self.data, len(self.data) - 8 - length).struct()

    @property
    def row_groups(self):
        return self.footer[4]

    def chunks(self):
        """(row group, chunk, dotted path) of every column chunk."""
        for group in self.row_groups:
            for chunk in group[1]:
                yield group, chunk, ".".join(p.decode() for p in chunk[3][3])

    def index(self, chunk, field):
        """The offset index (4) or column index (6) of a chunk; None without one."""
        return Thrift(self.data, chunk[field]).struct() if field in chunk else None

    def stored_pages(self, chunk):
        """(offset, header, compressed body) of each page of a chunk, in order."""
        meta = chunk[3]
        thrift = Thrift(self.data, meta.get(11, meta[9]))
        end = thrift.position + meta[7]
        while thrift.position < end:
            start = thrift.position
            header = thrift.struct()
            body = self.data[thrift.position : thrift.position + header[3]]
            thrift.position += header[3]
            yield start, header, body
        assert thrift.position == end

    def pages(self, chunk):
        """(offset, header, body) of each page of a chunk, in order."""
        for start, header, body in self.stored_pages(chunk):
            raw = bytes(cramjam.snappy.decompress_raw(body))
            assert len(raw) == header[2]
            yield start, header, raw


def snappy_copies(body):
    """(tag, offset, length) of each copy in a Snappy stream: tag 1, 2 or 3 has an offset of 11, 16
    or 32 bits."""
    thrift, copies, written = Thrift(body), [], 0
    count = thrift.varint()
    while thrift.position < len(body):
        head = thrift.byte()
        tag, length = head & 3, head >> 2
        if tag == 0:
            if length >= 60:
                size = length - 59
                start = thrift.position
                length = int.from_bytes(body[start : start + size], "little")
                thrift.position += size
            thrift.position += length + 1
            written += length + 1
            continue
        size = (1, 2, 4)[tag - 1]
        offset = int.from_bytes(body[thrift.position : thrift.position + size], "little")
        thrift.position += size
        if tag == 1:
            offset |= length >> 3 << 8
            length = (length & 7) + 3
        assert 0 < offset <= written
        copies.append((tag, offset, length + 1))
        written += length + 1
    assert written == count
    return copies


def levels(body, value_count, is_list):
    """Repetition (None for a flat column) and definition levels of a data page's body."""
    found, position = [], 0
    for width in (1, 2) if is_list else (1,):
        length = struct.unpack_from("<I", body, position)[0]
        found.append(hybrid(body[position + 4 : position + 4 + length], width, value_count))
        position += 4 + length
    return found if is_list else [None, *found]
