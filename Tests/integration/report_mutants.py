"""Report bodies, good and bad: random reports, and mutations of them by member, value and byte."""

import random
import string

NAMES = ["timestamp", "node_name", "hostname", "ec2_instance_id", "pods"]
POD_NAMES = [
    "pod_id", "namespace", "name", "pod_start_time", "cpu_usage_cores", "memory_usage_bytes",
    "net_tx_bytes", "net_rx_bytes",
]  # fmt: skip
TEXTS = [
    '""', '"a"', '"\\u0000"', '"x\\u0000y"', '"\\u0001"', '"\\ud83d\\ude00"', '"\\ud800"',
    '"\\udc00"', '"\\ud800\\u0041"', '"\\uD800x"', '"a\\/b\\"c\\\\"', '"\\x"', '"\\u12g4"',
    '"tab\there"', '"line\\n"', '"é中😀"', '"\\u00e9"', '"null"', '" "', '"\\ud83d\\ud83d"',
    '"\\\\"', '"\\u005c"', '"a\\"', '"quote\\\\\\""',
]  # fmt: skip
NUMBERS = [
    "0", "-0", "-0.0", "1", "-1", "0.5", "-0.5", "1.0", "1e3", "1E+3", "1e-3", "1.5e1", "15e-1",
    "9223372036854775807", "9223372036854775808", "9.223372036854775807e18", "9.3e18",
    "9223372036854774784.0", "18446744073709551616", "1e400", "-1e400", "1e-400", "-1e-400",
    "1.7976931348623157e308", "1.7976931348623159e308", "1.8e308", "123456789012345678901234567890",
    "0.1234567890123456789012345", "00", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x10", "1_0",
    "Infinity", "NaN", "-Infinity", "1" + "0" * 400, "0." + "0" * 400 + "1", "1.0e0", "4.9e-324",
    "2.5e-324", "2.4e-324", "0e999", "0.0e-999", "100e-2", "9007199254740993", "1e18", "1e19",
    "99999999999999999999e-1", "-9223372036854775808", "1e00000000000000000000001", "00.5",
    "0.30000000000000004", "12345678", "123456789", "1234567.25", "1 2", "1\u00a0",
]  # fmt: skip
OTHERS = [
    "null", "true", "false", "{}", "[]", "[1,2]", '{"a":{"b":[null]}}', "nul", "True", "truex",
    "[1,]", "{,}", '{"a"}', '{"a":}', "{'a':1}", "[", "]", "{", "}", "[[]", "", "undefined",
    '{"\\ud800":1}', '["\\udfff"]', '{"a":1,"a":2}', "[tru]", '{"a":1 "b":2}', "[1 2]", '"a" "b"',
    "nullnull", '"a"null', 'null"a"', "[1]2", "{}{}", "/*c*/1", '{"x":"\\q"}', '{"x":01}',
    '{"x":"\\u00"}', '[{"pods":[{"pod_id":1}]}]',
]  # fmt: skip


def nested(depth, kind):
    if kind == "array":
        return "[" * depth + "]" * depth
    return '{"a":' * depth + "1" + "}" * depth


def date_time(rng):
    """Mostly near the edges of what RFC 3339 allows."""
    if rng.random() < 0.3:
        return rng.choice(
            [
                "2026-11-24T13:55:00Z", "2026-11-24t13:55:00z", "2026-11-24 13:55:00Z",
                "2026-11-24T13:55:00", "2026-11-24T13:55Z", "2026-11-24", "20261124T135500Z",
                "0001-01-01T00:00:00Z", "0000-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01",
                "0000-12-31T23:59:60Z", "9999-12-31T23:59:59.999999999Z",
                "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01", "2016-12-31T23:59:60Z",
                "2016-12-31T23:59:60.5Z", "2017-01-01T00:59:60+01:00", "2016-12-31T23:59:60+01:00",
                "2016-06-15T23:59:60Z", "1990-12-31T15:59:60-08:00", "2026-02-29T00:00:00Z",
                "2024-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2000-02-29T00:00:00Z",
                "2026-11-24T24:00:00Z", "2026-11-24T13:60:00Z", "2026-11-24T13:55:61Z",
                "2026-11-24T13:55:00.Z", "2026-11-24T13:55:00,5Z", "2026-11-24T13:55:00+0100",
                "2026-11-24T13:55:00+24:00", "2026-11-24T13:55:00+23:59",
                "2026-11-24T13:55:00-23:60", "2026-11-24T13:55:00.1234567890123456789Z",
                "2026-11-24T13:55:00Z ", " 2026-11-24T13:55:00Z", "+2026-11-24T13:55:00Z",
                "2026-11-24T13:55:00Z\\n", "2026-11-24T13:55:00\\u005a", "２026-11-24T13:55:00Z",
                "-001-11-24T13:55:00Z", "10000-01-01T00:00:00Z", "2026-11-24T13:55:00+1:00",
                "2026-11-24T13:55:00ZZ", "2026-11-24T13:55:00+00:00Z", "1899-12-31T23:59:59Z",
            ]
        )  # fmt: skip
    year = rng.choice([0, 1, 2, 1899, 1900, 1970, 2000, 2024, 2026, 9998, 9999, 10000])
    text = f"{year:04}-{rng.randint(0, 13):02}-{rng.choice([0, 1, 15, 28, 29, 30, 31, 32]):02}"
    text += rng.choice("TTTTt ") + f"{rng.choice([0, 1, 12, 22, 23, 23, 24]):02}"
    text += f":{rng.choice([0, 1, 30, 58, 59, 59, 60]):02}:{rng.choice([0, 1, 59, 60, 60, 61]):02}"
    text += rng.choice(["", "", ".5", ".000001", ".999999999", ".", ".5x"])
    offsets = ["Z", "Z", "z", "+00:00", "-00:00", "+00:01", "-00:01", "+01:00", "-08:00", "+23:59"]
    return text + rng.choice([*offsets, "-23:59", "+24:00", "+00:60", "", "+0100"])


def good_date_time(rng):
    text = f"{rng.randint(1890, 2099):04}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T"
    text += f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    if rng.random() < 0.7:
        text += "." + "".join(rng.choices(string.digits, k=rng.choice([1, 3, 6, 6, 9, 20])))
    return text + rng.choice(["Z", "+00:00", "+00:00", "+05:30", "-08:00"])


def word(rng):
    return "".join(rng.choices(string.ascii_lowercase + string.digits + "-.", k=rng.randint(1, 40)))


def uuid(rng):
    digits = "".join(rng.choices("0123456789abcdef", k=32))
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


class Object:
    """Members in order, name and value as JSON text or a node."""

    def __init__(self, members):
        self.members = members


class Array:
    def __init__(self, elements):
        self.elements = elements


def quoted(text):
    return f'"{text}"'


def pod(rng):
    members = [
        ["pod_id", quoted(uuid(rng) if rng.random() < 0.8 else word(rng))],
        ["namespace", quoted(word(rng))],
        ["name", quoted(word(rng))],
    ]
    for name in POD_NAMES[3:]:
        if rng.random() < 0.2:
            continue
        if rng.random() < 0.15:
            value = "null"
        elif name == "pod_start_time":
            value = quoted(good_date_time(rng))
        elif name == "cpu_usage_cores":
            value = repr(round(rng.random() * 8, 9))
        else:
            value = str(rng.randint(0, 10 ** rng.randint(1, 18)))
        members.append([name, value])
    return Object([[quoted(name), value] for name, value in members])


def report(rng):
    members = [
        ["timestamp", quoted(good_date_time(rng))],
        ["node_name", quoted(word(rng))],
        ["hostname", quoted(word(rng))],
        ["pods", Array([pod(rng) for _ in range(rng.choice([0, 1, 1, 2, 3]))])],
    ]
    if rng.random() < 0.7:
        value = rng.choice([quoted("i-0123456789abcdef0"), "null", '""'])
        members.insert(3, ["ec2_instance_id", value])
    if rng.random() < 0.2:
        rng.shuffle(members)
    return Object([[quoted(name), value] for name, value in members])


def write(node, rng, spaced):
    """The node as JSON text, now and then with whitespace wherever it may be."""

    def gap():
        if spaced == "compact":
            return ""
        return "" if rng.random() < 0.5 else rng.choice([" ", "\n", "\t", "\r", "  \n"])

    after = " " if spaced == "python" else ""
    if isinstance(node, str):
        return node
    if isinstance(node, Array):
        if spaced == "wild":
            inner = ",".join(gap() + write(e, rng, spaced) + gap() for e in node.elements)
            return "[" + (inner or gap()) + "]"
        return "[" + ("," + after).join(write(e, rng, spaced) for e in node.elements) + "]"
    parts = []
    for name, value in node.members:
        text = write(value, rng, spaced)
        if spaced == "wild":
            parts.append(gap() + name + gap() + ":" + gap() + text + gap())
        else:
            parts.append(name + ":" + after + text)
    return "{" + ("," + ("" if spaced == "wild" else after)).join(parts) + "}"


def any_value(rng):
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(NUMBERS)
    if kind < 0.5:
        return rng.choice(TEXTS)
    if kind < 0.65:
        return quoted(date_time(rng))
    if kind < 0.7:
        return nested(rng.choice([1, 28, 29, 30, 31, 32, 33, 40]), rng.choice(["array", "object"]))
    return rng.choice(OTHERS)


def escaped(name, rng):
    """The quoted name with some of its characters spelled as escapes."""
    letters = [f"\\u{ord(c):04x}" if rng.random() < 0.3 else c for c in name[1:-1]]
    return '"' + "".join(letters) + '"'


def mutate_members(root, rng):
    objects = [root]
    for _, value in root.members:
        if isinstance(value, Array):
            objects += [e for e in value.elements if isinstance(e, Object)]
    target = rng.choice(objects)
    names = NAMES if target is root else POD_NAMES
    kind = rng.choice(
        ["replace", "replace", "replace", "typed", "typed", "remove", "duplicate", "duplicate",
         "unknown", "escape", "shuffle", "element", "rename"]
    )  # fmt: skip
    if kind == "element":
        for _, value in root.members:
            if isinstance(value, Array):
                value.elements.insert(rng.randint(0, len(value.elements)), any_value(rng))
        return
    if kind == "unknown":
        name = rng.choice(['"extra"', '"pod"', '""', '"\\ud800"', '"é"', '"name\\u0000"', '"Name"'])
        target.members.insert(rng.randint(0, len(target.members)), [name, any_value(rng)])
        return
    if not target.members:
        return
    place = rng.randrange(len(target.members))
    member = target.members[place]
    if kind == "replace":
        member[1] = any_value(rng)
    elif kind == "typed":
        # A value of the right kind, near the edge of what is allowed.
        if "time" in member[0]:
            member[1] = quoted(date_time(rng))
        elif member[0].endswith('bytes"') or "cpu" in member[0]:
            member[1] = rng.choice(NUMBERS)
        else:
            member[1] = rng.choice(TEXTS)
    elif kind == "remove":
        del target.members[place]
    elif kind == "duplicate":
        name = escaped(quoted(rng.choice(names)), rng)
        value = member[1] if rng.random() < 0.3 else any_value(rng)
        target.members.insert(rng.randint(0, len(target.members)), [name, value])
    elif kind == "escape":
        member[0] = escaped(member[0], rng)
    elif kind == "rename":
        member[0] = rng.choice([member[0].upper(), member[0][:-1] + ' "', '"a"', "a", "1", "null"])
    else:
        rng.shuffle(target.members)


PIECES = [
    b"\xef\xbb\xbf", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe4\xb8",
    b"\x00", b"\x1f", b"\x7f", b"\\", b'"', b"'", b",", b":", b"{", b"}", b"[", b"]", b" ", b"\n",
    b"0", b"-", b".", b"e", b"\\u", b"\\ud800", b"null", b"true", b"//", b"\xc3\xa9",
    b"\xf0\x9f\x98\x80", b"\x0b", b"\xc2\xa0", b"\xe2\x80\xa8", b"\\\"", b"\\\\", b"1", b"a",
]  # fmt: skip


def mutate_bytes(body, rng):
    body = bytearray(body)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        kind = rng.choice(
            ["flip", "insert", "delete", "swap", "truncate", "append", "prepend", "copy"]
        )
        if not body:
            return bytes(body)
        at = rng.randrange(len(body))
        if kind == "flip":
            body[at] = rng.choice([rng.randrange(256), body[at] ^ (1 << rng.randrange(8))])
        elif kind == "insert":
            body[at:at] = rng.choice(PIECES)
        elif kind == "delete":
            del body[at : at + rng.choice([1, 1, 2, 5, 30])]
        elif kind == "swap":
            body[at : at + 1] = rng.choice(PIECES)
        elif kind == "truncate":
            if rng.random() < 0.5:
                del body[at:]
        elif kind == "append":
            body += rng.choice([*PIECES, b"{}", b"  \n", bytes(body)])
        elif kind == "prepend":
            body[0:0] = rng.choice([*PIECES, b" \t\r\n"])
        else:
            length = rng.choice([1, 5, 20, 100])
            other = rng.randrange(len(body))
            body[at:at] = body[other : other + length]
    return bytes(body)


def mutant(rng: random.Random):
    """One body: a good report, or one that was changed in a few places."""
    root = report(rng)
    kind = rng.random()
    if kind < 0.75:
        for _ in range(rng.choice([1, 1, 1, 1, 2, 3])):
            mutate_members(root, rng)
    text = write(root, rng, rng.choice(["compact", "python", "wild"]))
    if rng.random() < 0.01:
        text = any_value(rng)
    body = text.encode("utf-8", "surrogatepass")
    if 0.65 < kind < 0.95:
        body = mutate_bytes(body, rng)
    return body
