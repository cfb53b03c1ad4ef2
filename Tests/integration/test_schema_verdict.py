"""The decoder's verdict against two independent opinions: a strict JSON reader, and the Python
package `jsonschema` on the schema that the service gives out."""

import calendar
import json
import os
import random
import re
import struct
import subprocess
from datetime import date

import jsonschema
import pytest

import report_mutants
import strict_json
from conftest import ROOT, binary

SCHEMA = ROOT / "Sources/Ingest/Decode/report.schema.json"
COUNT = int(os.environ.get("SCHEMA_VERDICT_COUNT", "30000"))
TIMEOUT = 120

RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def is_date_time(text):
    """The rule of the schema's description."""
    match = RFC3339.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second = (int(group) for group in match.groups()[:6])
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year + 400, month)[1]:
        return False
    if hour > 23 or minute > 59 or second > 60:
        return False
    offset = 0
    if match.group(8):
        hours, minutes = int(match.group(9)), int(match.group(10))
        if hours > 23 or minutes > 59:
            return False
        offset = (hours * 60 + minutes) * (1 if match.group(8) == "+" else -1)
    # 400 years are a whole cycle of the calendar: shift into what `date` knows, and back.
    shifted = year + 400 if year < 400 else year
    days = date(shifted, month, day).toordinal() - (146097 if year < 400 else 0)
    minutes = days * 1440 + hour * 60 + minute - offset
    if second == 60 and (minutes + 1) % 1440 != 0:
        return False
    seconds = minutes * 60 + second
    first, end = date(1, 1, 1).toordinal() * 86400, (date(9999, 12, 31).toordinal() + 1) * 86400
    return first <= seconds < end


CHECKER = jsonschema.FormatChecker(formats=[])
CHECKER.checks("date-time")(lambda value: not isinstance(value, str) or is_date_time(value))


def validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=CHECKER)


def pointer(parts):
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def violations(schema, value):
    """Paths of all violations; a missing member's is its own."""
    paths = set()
    for error in schema.iter_errors(value):
        path = list(error.absolute_path)
        if error.validator == "required":
            paths |= {
                pointer([*path, name])
                for name in error.validator_value
                if name not in error.instance
            }
        else:
            paths.add(pointer(path))
    return paths


def verdicts(bodies, *arguments):
    framed = b"".join(struct.pack("<I", len(body)) + body for body in bodies)
    run = subprocess.run(
        [binary("report-check"), *arguments], input=framed, capture_output=True, timeout=TIMEOUT
    )
    assert run.returncode == 0, run.stderr.decode()
    lines = [line.split("\t") for line in run.stdout.decode().split("\n")[:-1]]
    assert len(lines) == len(bodies)
    return lines


def disagreement(schema, body, line):
    """What is wrong with the decoder's verdict on `body`; None if nothing is."""
    try:
        value = strict_json.read(body)
    except strict_json.BadJSON as error:
        if line[0] != "json":
            return f"bad JSON ({error}), but {line}"
        return None if 0 <= int(line[1]) <= len(body) else f"offset outside: {line}"
    paths = violations(schema, value)
    if not paths:
        rows = len(value["pods"])
        return None if line == ["ok", str(rows)] else f"a good report of {rows} rows, but {line}"
    if line[0] != "schema":
        return f"violations at {sorted(paths)}, but {line}"
    return None if line[1] in paths else f"violations at {sorted(paths)}, not at {line[1]}: {line}"


@pytest.fixture(scope="module")
def mutants():
    seed = int(os.environ.get("SCHEMA_VERDICT_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SCHEMA_VERDICT_SEED={seed}")
    rng = random.Random(seed)
    return seed, [report_mutants.mutant(rng) for _ in range(COUNT)]


def test_verdict_is_the_validators(mutants):
    seed, bodies = mutants
    schema = validator()
    lines = verdicts(bodies)
    found = []
    counts = {"ok": 0, "json": 0, "schema": 0}
    for body, line in zip(bodies, lines, strict=True):
        counts[line[0]] += 1
        wrong = disagreement(schema, body, line)
        if wrong:
            found.append(f"{wrong}\n    {body!r}")
    print(f"seed {seed}: {counts}")
    assert not found, f"seed {seed}: {len(found)} of {COUNT}:\n" + "\n".join(found[:20])
    assert min(counts.values()) > COUNT // 20, f"seed {seed}: mutants of one kind only: {counts}"


def test_every_implementation_agrees(mutants):
    _, bodies = mutants
    run = subprocess.run([binary("report-check"), "none"], capture_output=True, timeout=TIMEOUT)
    names = re.findall(r'"(\w+)"', run.stderr.decode())
    assert run.returncode == 2 and "fallback" in names
    expected = verdicts(bodies)
    for name in names:
        assert verdicts(bodies, name) == expected, name


def body_of(**changes):
    members = {
        "timestamp": '"2026-11-24T13:55:00Z"',
        "node_name": '"n"',
        "hostname": '"h"',
        "pods": "[]",
    }
    members.update(changes)
    return (
        "{" + ",".join(f'"{k}":{v}' for k, v in members.items() if v is not None) + "}"
    ).encode()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (body_of(node_name=None), "/node_name"),
        (body_of(timestamp='"yesterday"'), "/timestamp"),
        (body_of(pods="{}"), "/pods"),
        (body_of(pods="[{},{}]"), "/pods/0/pod_id"),
        (body_of(pods="[1]"), "/pods/0"),
        (b"[]", ""),
    ],
)
def test_path_of_the_first_violation(body, path):
    line = verdicts([body])[0]
    assert line[:2] == ["schema", path]
    assert disagreement(validator(), body, line) is None


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b"", 0),
        (b"\xef\xbb\xbf{}", 0),
        (b'{"a":1,}', 7),
        (b'{"a":01}', 5),
        (b'{"a":"\xff"}', 6),
        (b'{"a":"\\ud800"}', 6),
        (body_of() + b"x", len(body_of())),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", 5 + 31),
    ],
)
def test_bad_json_names_the_byte(body, offset):
    line = verdicts([body])[0]
    assert line[0] == "json" and int(line[1]) == offset
