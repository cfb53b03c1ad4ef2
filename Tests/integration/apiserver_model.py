"""What the scripted API server serves: objects by kind, versions, history, snapshots."""

import base64
import json
import threading
import uuid
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures" / "kube"
KINDS = {
    "nodes": "Node",
    "pods": "Pod",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "persistentvolumes": "PersistentVolume",
}
NAMESPACED = {"pods", "persistentvolumeclaims"}


def recorded(name):
    """Head and body of a recording as bytes; the body keeps its chunk framing."""
    raw = (FIXTURES / f"{name}.http").read_bytes()
    head, _, body = raw.partition(b"\r\n\r\n")
    return head, body


def unchunked(body):
    """The body without chunk framing."""
    result = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            break
        result += rest[:count]
        body = rest[count + 2 :]
    return result


def recorded_body(name):
    """The body of a recording as text, framing removed."""
    head, body = recorded(name)
    return unchunked(body) if b"chunked" in head.lower() else body


def key_of(obj):
    """What an object is known by inside its kind."""
    metadata = obj["metadata"]
    return (metadata.get("namespace", ""), metadata["name"])


class Gone(Exception):
    """The version or the snapshot is no longer kept."""


class Cluster:
    """Objects and their history. All methods may be called from any thread."""

    def __init__(self, load_fixtures=True):
        self.condition = threading.Condition(threading.RLock())
        self.version = 1000
        self.compacted = 0
        self.objects = {kind: {} for kind in KINDS}
        self.history = []
        self.snapshots = {}
        if load_fixtures:
            for kind in KINDS:
                for item in json.loads(recorded_body(f"list/list-{kind}-json"))["items"]:
                    self.objects[kind][key_of(item)] = item

    def apply(self, kind, obj):
        """Creates or replaces an object and returns it with its new version."""
        with self.condition:
            self.version += 1
            obj = json.loads(json.dumps(obj))
            metadata = obj.setdefault("metadata", {})
            before = self.objects[kind].get(key_of(obj))
            uid = before["metadata"]["uid"] if before else str(uuid.uuid4())
            metadata.setdefault("uid", uid)
            metadata["resourceVersion"] = str(self.version)
            event = "MODIFIED" if before else "ADDED"
            self.objects[kind][key_of(obj)] = obj
            self.history.append((self.version, kind, event, obj))
            self.condition.notify_all()
            return obj

    def delete(self, kind, name, namespace=""):
        """Deletes an object; watches see its last state under a new version."""
        with self.condition:
            self.version += 1
            obj = json.loads(json.dumps(self.objects[kind].pop((namespace, name))))
            obj["metadata"]["resourceVersion"] = str(self.version)
            self.history.append((self.version, kind, "DELETED", obj))
            self.condition.notify_all()
            return obj

    def forget_silently(self, kind, name, namespace=""):
        """Deletes an object without a watch event: only a list tells."""
        with self.condition:
            self.version += 1
            return self.objects[kind].pop((namespace, name))

    def compact(self):
        """Forgets history and snapshots: every older version is gone."""
        with self.condition:
            self.compacted = self.version
            self.history.clear()
            self.snapshots.clear()

    def listed(self, kind):
        """All objects of a kind, in the server's order, and the version."""
        with self.condition:
            objects = [self.objects[kind][key] for key in sorted(self.objects[kind])]
            return self.version, objects

    def page(self, kind, limit, token):
        """One page: version, items and the token of the next one (or None)."""
        with self.condition:
            if token:
                place = json.loads(base64.urlsafe_b64decode(token))
                version, start = place["rv"], place["start"]
                if (kind, version) not in self.snapshots:
                    raise Gone
                objects = self.snapshots[kind, version]
            else:
                start = 0
                version, objects = self.listed(kind)
                self.snapshots[kind, version] = objects
            items = objects[start : start + limit] if limit else objects[start:]
            end = start + len(items)
            more = None
            if end < len(objects):
                place = json.dumps({"rv": version, "start": end}).encode()
                more = base64.urlsafe_b64encode(place).decode()
            return version, items, more

    def events_after(self, kind, version):
        """Events of a kind behind a version; Gone when it is no longer kept."""
        with self.condition:
            if version < self.compacted:
                raise Gone
            return [e for e in self.history if e[1] == kind and e[0] > version]

    def has_events_after(self, kind, version):
        """Whether anything happened to a kind behind a version."""
        with self.condition:
            if version < self.compacted:
                return True
            return any(e[1] == kind and e[0] > version for e in reversed(self.history))


def item_text(kind, obj):
    """A watch object: as in a list, with kind and apiVersion in front."""
    return {"kind": KINDS[kind], "apiVersion": "v1", **obj}


def event_line(kind, event, obj):
    """A watch event as the server writes it: one line, UTF-8 unescaped."""
    return compact({"type": event, "object": item_text(kind, obj)}) + b"\n"


def bookmark_line(kind, version, ends_initial_events=False):
    """A BOOKMARK, marked when it ends a streaming list's initial events."""
    metadata = {"resourceVersion": str(version)}
    if ends_initial_events:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return event_line(kind, "BOOKMARK", {"metadata": metadata})


def error_line(code, message="made up", reason="Expired"):
    """An ERROR event."""
    return compact({"type": "ERROR", "object": status(code, message, reason)}) + b"\n"


def status(code, message="made up", reason="Expired"):
    """A Status object."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


def compact(value):
    """JSON bytes without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
