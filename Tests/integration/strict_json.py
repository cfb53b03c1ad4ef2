"""RFC 8259 read strictly, with nothing but the standard library, as the tests' own opinion.

Beyond the RFC: UTF-8 without a byte order mark, at most 32 levels, no lone surrogates, and of
members with equal names the last counts. Numbers with a fraction or exponent become floats.
"""

import re
import sys

MAXIMUM_DEPTH = 32
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
ESCAPES = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
HEX = re.compile(r"[0-9a-fA-F]{4}")

sys.set_int_max_str_digits(0)


class BadJSON(Exception):
    """The bytes are not a document."""


def read(body: bytes):
    """The document's value; raises BadJSON."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise BadJSON("byte order mark")
    try:
        text = body.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise BadJSON("not UTF-8") from error
    reader = _Reader(text)
    reader.space()
    value = reader.value(1)
    reader.space()
    if reader.at != len(text):
        raise BadJSON("something follows the document")
    return value


class _Reader:
    def __init__(self, text):
        self.text = text
        self.at = 0

    def peek(self):
        return self.text[self.at : self.at + 1]

    def space(self):
        while self.peek() and self.peek() in " \t\n\r":
            self.at += 1

    def expect(self, token):
        if not self.text.startswith(token, self.at):
            raise BadJSON(f"expected {token} at {self.at}")
        self.at += len(token)

    def value(self, depth):
        first = self.peek()
        if first == "{":
            return self.object(depth)
        if first == "[":
            return self.array(depth)
        if first == '"':
            return self.string()
        for word, value in (("true", True), ("false", False), ("null", None)):
            if first and first == word[0]:
                self.expect(word)
                return value
        match = NUMBER.match(self.text, self.at)
        if match is None:
            raise BadJSON(f"no value at {self.at}")
        self.at = match.end()
        if match.group(1) or match.group(2):
            return float(match.group())
        return int(match.group())

    def object(self, depth):
        if depth > MAXIMUM_DEPTH:
            raise BadJSON("too deep")
        members = {}
        self.expect("{")
        self.space()
        if self.peek() == "}":
            self.at += 1
            return members
        while True:
            name = self.string()
            self.space()
            self.expect(":")
            self.space()
            members[name] = self.value(depth + 1)
            self.space()
            if self.peek() == "}":
                self.at += 1
                return members
            self.expect(",")
            self.space()

    def array(self, depth):
        if depth > MAXIMUM_DEPTH:
            raise BadJSON("too deep")
        elements = []
        self.expect("[")
        self.space()
        if self.peek() == "]":
            self.at += 1
            return elements
        while True:
            elements.append(self.value(depth + 1))
            self.space()
            if self.peek() == "]":
                self.at += 1
                return elements
            self.expect(",")
            self.space()

    def unit(self):
        match = HEX.match(self.text, self.at)
        if match is None:
            raise BadJSON("bad escape")
        self.at = match.end()
        return int(match.group(), 16)

    def string(self):
        self.expect('"')
        parts = []
        while True:
            character = self.peek()
            if not character:
                raise BadJSON("a string does not end")
            self.at += 1
            if character == '"':
                return "".join(parts)
            if character < " ":
                raise BadJSON("control character")
            if character != "\\":
                parts.append(character)
                continue
            kind = self.peek()
            self.at += 1
            if kind in ESCAPES:
                parts.append(ESCAPES[kind])
                continue
            if kind != "u":
                raise BadJSON("bad escape")
            unit = self.unit()
            if 0xD800 <= unit <= 0xDBFF:
                self.expect("\\u")
                low = self.unit()
                if not 0xDC00 <= low <= 0xDFFF:
                    raise BadJSON("lone surrogate")
                unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
            elif 0xDC00 <= unit <= 0xDFFF:
                raise BadJSON("lone surrogate")
            parts.append(chr(unit))
