"""The simulated cluster's API does what a real API server does."""

import json
import re
from collections import Counter

import pytest

from conftest import binary, wait_until
from fleet_support import API

KINDS = ["nodes", "pods", "persistentvolumeclaims", "persistentvolumes"]


@pytest.fixture
def api(start, disk_dir):
    """api(*options): a `fleet` that only serves the API, and a client of it."""

    def launch(*options):
        kubeconfig = disk_dir / "kubeconfig"
        fleet = start(
            [binary("fleet"), "--no-post", "--kubeconfig-out", kubeconfig, *map(str, options)]
        )
        wait_until(kubeconfig.exists, 20, f"the kubeconfig:\n{fleet.tail()}")
        return API(kubeconfig.read_text())

    return launch


def test_lists_and_pages_agree(api):
    client = api("--nodes", 15, "--pods", 600, "--interval", 3600)
    for kind in KINDS:
        whole = client.get(f"/api/v1/{kind}")
        pages = client.pages(kind, 50)
        items = [item for page in pages for item in page["items"]]
        assert [i["metadata"]["uid"] for i in items] == [
            i["metadata"]["uid"] for i in whole["items"]
        ]
        left = len(items)
        for page in pages:
            assert page["metadata"]["resourceVersion"] == whole["metadata"]["resourceVersion"]
            left -= len(page["items"])
            assert page["metadata"].get("remainingItemCount", 0) == left
    assert len(client.get("/api/v1/pods")["items"]) == 600


def test_metadata_is_believable(api):
    client = api("--nodes", 30, "--pods", 1500, "--interval", 3600)
    pods = client.get("/api/v1/pods")["items"]
    claims = {
        (c["metadata"]["namespace"], c["metadata"]["name"]): c
        for c in client.get("/api/v1/persistentvolumeclaims")["items"]
    }
    volumes = {v["metadata"]["name"]: v for v in client.get("/api/v1/persistentvolumes")["items"]}
    nodes = {n["metadata"]["name"]: n for n in client.get("/api/v1/nodes")["items"]}
    claiming, kinds, long_annotations = 0, Counter(), set()
    for pod in pods:
        metadata = pod["metadata"]
        labels, annotations = metadata["labels"], metadata["annotations"]
        assert 6 <= len(labels) <= 10 and list(labels) == sorted(labels)
        assert 2 <= len(annotations) <= 5 and list(annotations) == sorted(annotations)
        assert pod["spec"]["nodeName"] in nodes
        kinds[metadata.get("ownerReferences", [{"kind": None}])[0]["kind"]] += 1
        long_annotations.update(a for a in annotations.values() if len(a) >= 400)
        mounted = [v for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
        ephemeral = [v for v in pod["spec"]["volumes"] if "ephemeral" in v]
        claiming += bool(mounted or ephemeral)
        names = [v["persistentVolumeClaim"]["claimName"] for v in mounted]
        names += [f"{metadata['name']}-{v['name']}" for v in ephemeral]
        for name in names:
            claim = claims[metadata["namespace"], name]
            assert volumes[claim["spec"]["volumeName"]]["spec"]["claimRef"]["name"] == name
    # A tenth, and what is left of the workload that makes it full, which may be a large one.
    assert 0.08 <= claiming / len(pods) <= 0.2
    assert set(kinds) >= {"ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Node", None}
    assert len(long_annotations) > 100
    handles = [json.dumps(v["spec"]) for v in volumes.values()]
    assert all(re.search(r"vol-[0-9a-f]{17}", h) for h in handles)


def test_a_watch_continues_a_list(api):
    client = api("--nodes", 10, "--pods", 400, "--interval", 0.2, "--churn", 20)
    first = client.pages("pods", 30)
    state = {i["metadata"]["uid"]: i for page in first for i in page["items"]}
    assert len(state) == 400
    version = first[0]["metadata"]["resourceVersion"]
    events = client.watch("pods", 4, resourceVersion=version, allowWatchBookmarks="true")
    counts = Counter(event["type"] for event in events)
    assert counts["ADDED"] >= 100 and counts["DELETED"] >= 100
    for event in events:
        if event["type"] == "BOOKMARK":
            continue
        uid = event["object"]["metadata"]["uid"]
        assert (uid in state) == (event["type"] != "ADDED")
        if event["type"] == "DELETED":
            del state[uid]
        else:
            state[uid] = event["object"]
    # Events come in the order of their versions, without a gap or a repetition.
    versions = [
        int(e["object"]["metadata"]["resourceVersion"]) for e in events if e["type"] != "BOOKMARK"
    ]
    assert versions == sorted(set(versions))
    exact = client.get(f"/api/v1/pods?resourceVersion={versions[-1]}&resourceVersionMatch=Exact")
    assert {i["metadata"]["uid"] for i in exact["items"]} == set(state)


def test_a_streaming_list_ends_with_its_bookmark(api):
    client = api("--nodes", 10, "--pods", 300, "--interval", 3600)
    for kind in KINDS:
        events = client.watch(
            kind,
            1,
            sendInitialEvents="true",
            resourceVersionMatch="NotOlderThan",
            allowWatchBookmarks="true",
        )
        listed = client.get(f"/api/v1/{kind}")
        assert [e["type"] for e in events] == ["ADDED"] * len(listed["items"]) + ["BOOKMARK"]
        end = events[-1]["object"]["metadata"]
        assert end["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert end["resourceVersion"] == listed["metadata"]["resourceVersion"]
        for event, item in zip(events, listed["items"], strict=False):
            assert event["object"] == {"kind": event["object"]["kind"], "apiVersion": "v1", **item}
    status, body = client.status("/api/v1/pods?watch=true&sendInitialEvents=true")
    assert status == 422 and body["reason"] == "Invalid"


def test_bookmarks_come_before_the_end(api):
    client = api("--nodes", 5, "--pods", 100, "--interval", 3600)
    version = client.get("/api/v1/pods?limit=1")["metadata"]["resourceVersion"]
    events = client.watch("pods", 3, resourceVersion=version, allowWatchBookmarks="true")
    assert [e["type"] for e in events] == ["BOOKMARK"]
    assert events[0]["object"]["metadata"] == {"resourceVersion": version}
    assert client.watch("pods", 3, resourceVersion=version) == []


def test_old_versions_are_gone(api):
    client = api("--nodes", 10, "--pods", 400, "--interval", 0.1, "--churn", 40, "--history", 256)
    page = client.get("/api/v1/pods?limit=10")
    version, token = page["metadata"]["resourceVersion"], page["metadata"]["continue"]

    def expired():
        return client.status(f"/api/v1/pods?limit=10&continue={token}")[0] == 410

    wait_until(expired, 20, "the continue token to expire", interval=0.2)
    status, body = client.status(f"/api/v1/pods?limit=10&continue={token}")
    assert (status, body["reason"]) == (410, "Expired")
    rest = client.status(f"/api/v1/pods?limit=10&continue={body['metadata']['continue']}")
    assert rest[0] == 200 and len(rest[1]["items"]) == 10
    events = client.watch("pods", 5, resourceVersion=version)
    assert [(e["type"], e["object"]["code"]) for e in events] == [("ERROR", 410)]
    status, body = client.status(
        f"/api/v1/pods?resourceVersion={version}&resourceVersionMatch=Exact"
    )
    assert (status, body["reason"]) == (410, "Expired")


def test_refusals_are_those_of_an_api_server(api):
    client = api("--nodes", 3, "--pods", 60, "--interval", 3600)
    for path, code, options in [
        ("/api/v1/pods", 401, {"token": "wrong"}),
        ("/api/v1/secrets", 404, {}),
        ("/api/v1/pods?limit=7&continue=abc", 400, {}),
        ("/api/v1/pods?resourceVersion=999999999", 504, {}),
        ("/api/v1/pods", 405, {"method": "DELETE"}),
        ("/api/v1/pods?watch=true&resourceVersion=abc", 500, {}),
    ]:
        status, body = client.status(path, **options)
        assert (status, body["kind"], body["code"]) == (code, "Status", code)
    pod = client.get("/api/v1/pods?limit=1")["items"][0]["metadata"]
    one = client.get(f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}")
    assert one["metadata"] == pod
    own = client.get(f"/api/v1/namespaces/{pod['namespace']}/pods")["items"]
    assert own and all(p["metadata"]["namespace"] == pod["namespace"] for p in own)
