"""What k8s/ promises an operator, asserted on what `kubectl kustomize` renders."""

import json
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from conftest import ROOT, binary

KUBERNETES_VERSION = "1.37"
KUBECTL = ROOT / ".build" / "venv" / "bin" / "kubectl"
GIB = 1 << 30


def kustomize(path):
    kubectl = KUBECTL if KUBECTL.exists() else shutil.which("kubectl")
    result = subprocess.run(
        [kubectl, "kustomize", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return [d for d in yaml.safe_load_all(result.stdout) if d]


@pytest.fixture(scope="module")
def rendered():
    names = {"base": "base", "emptydir": "overlays/emptydir", "collector": "collector"}
    return {name: kustomize(ROOT / "k8s" / path) for name, path in names.items()}


def one(objects, kind):
    found = [o for o in objects if o["kind"] == kind]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]


def pod_spec(workload):
    return workload["spec"]["template"]["spec"]


def environment(container):
    return {e["name"]: e.get("value") for e in container.get("env", [])}


@pytest.mark.parametrize("name", ["base", "emptydir", "collector"])
def test_objects_are_valid_against_the_schemas_of_kubernetes(rendered, name):
    for o in rendered[name]:
        kubernetes_validate.validate(o, KUBERNETES_VERSION, strict=True)


@pytest.mark.parametrize("name", ["base", "emptydir", "collector"])
def test_namespaced_objects_are_in_kube_system(rendered, name):
    for o in rendered[name]:
        if not o["kind"].startswith("Cluster"):
            assert o["metadata"]["namespace"] == "kube-system", o["metadata"]["name"]


def test_the_aggregator_may_read_four_kinds_and_nothing_else(rendered):
    role = one(rendered["base"], "ClusterRole")
    (rule,) = role["rules"]
    assert rule["apiGroups"] == [""]
    assert sorted(rule["resources"]) == [
        "nodes",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
    ]
    assert sorted(rule["verbs"]) == ["get", "list", "watch"]
    assert set(rule) == {"apiGroups", "resources", "verbs"}


@pytest.mark.parametrize("name", ["base", "collector"])
def test_the_binding_joins_role_account_and_workload(rendered, name):
    objects = rendered[name]
    binding = one(objects, "ClusterRoleBinding")
    account = one(objects, "ServiceAccount")["metadata"]
    assert binding["roleRef"]["name"] == one(objects, "ClusterRole")["metadata"]["name"]
    assert binding["roleRef"]["kind"] == "ClusterRole"
    (subject,) = binding["subjects"]
    assert (subject["kind"], subject["name"], subject["namespace"]) == (
        "ServiceAccount",
        account["name"],
        "kube-system",
    )
    workload = one(objects, "Deployment" if name == "base" else "DaemonSet")
    assert pod_spec(workload)["serviceAccountName"] == account["name"]


def test_the_deployment_is_one_replica_that_stops_before_its_successor_starts(rendered):
    deployment = one(rendered["base"], "Deployment")
    assert deployment["metadata"]["name"] == "aggregator"
    assert deployment["metadata"]["labels"]["app"] == "aggregator"
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["selector"]["matchLabels"] == {"app": "aggregator"}
    assert deployment["spec"]["template"]["metadata"]["labels"]["app"] == "aggregator"
    assert pod_spec(deployment)["terminationGracePeriodSeconds"] == 40


@pytest.mark.parametrize("name", ["base", "emptydir"])
def test_the_pod_runs_restricted(rendered, name):
    spec = pod_spec(one(rendered[name], "Deployment"))
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        assert not spec.get(key)


@pytest.mark.parametrize("name", ["base", "emptydir"])
def test_nothing_is_writable_but_data_dir(rendered, name):
    spec = pod_spec(one(rendered[name], "Deployment"))
    (container,) = spec["containers"]
    (mount,) = container["volumeMounts"]
    assert mount["mountPath"] == "/var/lib/aggregator"
    assert "DATA_DIR" not in environment(container)  # its default is that path
    assert [v["name"] for v in spec["volumes"]] == [mount["name"]]


def test_the_volume_is_above_what_the_spool_may_take(rendered):
    spec = pod_spec(one(rendered["base"], "Deployment"))
    claim = one(rendered["base"], "PersistentVolumeClaim")
    (volume,) = spec["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    size = claim["spec"]["resources"]["requests"]["storage"]
    assert size == "12Gi"
    environment_names = environment(spec["containers"][0])
    assert "SPOOL_MAX_BYTES" not in environment_names and "FLUSH_MAX_BYTES" not in environment_names
    assert 12 * GIB > 10 * GIB + 2 * 128 * (1 << 20) + 256 * (1 << 20)


def test_requests_and_limits_cover_the_largest_row_of_the_sizing_table(rendered):
    """Protects from a table that is measured anew and manifests that stay behind."""
    text = (ROOT / "README.md").read_text().split("## How big should it be?")[1]
    rows = re.findall(r"^\| [\d,]+ \| [\d,]+ \| ([\d.]+) \| (\d+) \| (\d+) \|", text, re.M)
    cores, memory, disk = (float(figure) for figure in rows[-1])
    resources = pod_spec(one(rendered["base"], "Deployment"))["containers"][0]["resources"]
    cpu_request = int(resources["requests"]["cpu"].removesuffix("m"))
    memory_request = int(resources["requests"]["memory"].removesuffix("Mi"))
    memory_limit = int(resources["limits"]["memory"].removesuffix("Gi")) * 1024
    assert cpu_request >= 2 * cores * 1000
    assert memory_request >= 1.25 * memory
    assert memory_limit >= 4 * memory
    assert 10 * 1024 >= 10 * disk


def test_the_overlay_swaps_only_the_volume_and_says_what_is_given_up(rendered):
    assert not [o for o in rendered["emptydir"] if o["kind"] == "PersistentVolumeClaim"]
    base = one(rendered["base"], "Deployment")
    overlay = one(rendered["emptydir"], "Deployment")
    (volume,) = pod_spec(overlay)["volumes"]
    assert volume == {"name": "data", "emptyDir": {"sizeLimit": "12Gi"}}
    pod_spec(overlay)["volumes"] = pod_spec(base)["volumes"]
    assert overlay == base
    text = (ROOT / "k8s/overlays/emptydir/kustomization.yaml").read_text()
    assert "given up" in text and "lost" in text


def test_the_service_is_where_collectors_post(rendered):
    service = one(rendered["base"], "Service")
    assert service["metadata"]["name"] == "aggregator"
    assert service["spec"]["selector"] == {"app": "aggregator"}
    (port,) = service["spec"]["ports"]
    assert port["port"] == 8888
    (container,) = pod_spec(one(rendered["base"], "Deployment"))["containers"]
    named = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert named[port["targetPort"]] == 8888
    daemonset = one(rendered["collector"], "DaemonSet")
    endpoint = environment(pod_spec(daemonset)["containers"][0])["PUSH_ENDPOINT"]
    assert endpoint == "http://aggregator.kube-system.svc.cluster.local:8888/metrics"


def test_prometheus_finds_the_pod(rendered):
    template = one(rendered["base"], "Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8888",
        "prometheus.io/path": "/metrics",
    }


def test_probes_ask_the_process_and_never_the_watchers(rendered):
    (container,) = pod_spec(one(rendered["base"], "Deployment"))["containers"]
    paths = {p: container[p]["httpGet"]["path"] for p in container if p.endswith("Probe")}
    assert paths["livenessProbe"] == "/livez"
    assert paths["readinessProbe"] == "/readyz"
    assert set(paths.values()) <= {"/livez", "/readyz"}


def test_credentials_come_from_an_optional_secret(rendered):
    (container,) = pod_spec(one(rendered["base"], "Deployment"))["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "aggregator-s3", "optional": True}}]
    assert not [o for o in rendered["base"] if o["kind"] == "Secret"]
    # A variable named here would hide the Secret's.
    assert not [n for n in environment(container) if n.startswith("AWS_") and n != "AWS_REGION"]


def test_the_commands_of_the_description_work_on_these_names(rendered):
    deployment = one(rendered["base"], "Deployment")
    assert "DEBUG_K8S_API" in environment(pod_spec(deployment)["containers"][0])
    assert deployment["metadata"]["name"] == "aggregator"


def test_the_collector_reaches_kubelet_and_cluster_dns(rendered):
    daemonset = one(rendered["collector"], "DaemonSet")
    spec = pod_spec(daemonset)
    assert spec["hostNetwork"] is True
    assert spec["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert spec["tolerations"] == [{"operator": "Exists"}]
    kubelet = environment(spec["containers"][0])["KUBELET_ENDPOINT"]
    assert kubelet == "https://127.0.0.1:10250/stats/summary"


def test_the_collector_may_read_node_stats_only(rendered):
    role = one(rendered["collector"], "ClusterRole")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["nodes/stats"], "verbs": ["get"]}]


def test_image_names_are_placeholders(rendered):
    for name, kind in (("base", "Deployment"), ("collector", "DaemonSet")):
        (container,) = pod_spec(one(rendered[name], kind))["containers"]
        assert container["image"].startswith("registry.example.com/")


def test_the_readme_sets_both_images(tmp_path):
    """The README's sed, run on a copy: it changes both images and nothing else."""
    command = re.search(r"^sed -i .*kustomization\.yaml$", (ROOT / "README.md").read_text(), re.M)
    assert command, "the README has no command that sets the images"
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s")
    subprocess.run(
        ["bash", "-euc", command.group(0)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "REGISTRY": "ghcr.io/me"},
        check=True,
        timeout=20,
    )
    for path, kind, image in (
        ("base", "Deployment", "ghcr.io/me/aggregator:"),
        ("overlays/emptydir", "Deployment", "ghcr.io/me/aggregator:"),
        ("collector", "DaemonSet", "ghcr.io/me/collector:"),
    ):
        (container,) = pod_spec(one(kustomize(tmp_path / "k8s" / path), kind))["containers"]
        assert container["image"].startswith(image)


def dockerfile_stages():
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    stages = []
    for line in lines:
        if line.startswith("FROM "):
            stages.append([])
        stages[-1].append(line)
    return stages


def test_the_image_is_built_in_stages_and_runs_as_the_pod_does():
    build, final = dockerfile_stages()
    assert build[0] == "FROM swift:6.3-bookworm AS build"
    assert final[0] == "FROM debian:bookworm-slim"
    assert "USER 65532:65532" in final
    assert any(line.startswith("COPY --from=build ") for line in final)
    assert "EXPOSE 8888" in final


def test_the_image_has_the_shared_libraries_of_the_binary():
    """Each shared library that the binary loads directly is of the C library, of Swift (linked
    statically in the image), or of a package that the final stage installs."""
    _, final = dockerfile_stages()
    installed = set(
        re.search(r"apt-get install \S+ \S+ (.*?) &&", "\n".join(final)).group(1).split()
    )
    listing = subprocess.run(
        ["readelf", "-d", binary("aggregator")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+?)\]", listing)
    assert needed
    paths = dict(
        re.findall(
            r"^\s*(\S+) => (/\S+)",
            subprocess.run(
                ["ldd", binary("aggregator")],
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            ).stdout,
            re.M,
        )
    )
    for library in needed:
        if library.startswith(("libswift", "lib_", "libFoundation", "libdispatch", "libBlocks")):
            continue
        if library.startswith("ld-linux"):
            continue
        path = paths[library]
        owner = ""
        for spelling in (path, path.removeprefix("/usr"), "/usr" + path):
            found = subprocess.run(
                ["dpkg", "-S", spelling], capture_output=True, text=True, check=False, timeout=60
            )
            if found.returncode == 0:
                owner = found.stdout.split(":")[0]
                break
        assert owner in installed | {"libc6", "libgcc-s1"}, f"{library} ({path}) is of {owner!r}"


def test_alerts_name_metrics_that_exist():
    (group,) = yaml.safe_load((ROOT / "k8s" / "alerts.yaml").read_text())["groups"]
    renderer = (ROOT / "Sources/Service/Observability/MetricsRenderer.swift").read_text()
    readme = (ROOT / "README.md").read_text()
    names = {n for rule in group["rules"] for n in re.findall(r"aggregator_\w+", rule["expr"])}
    for name in names:
        assert f'"{name}"' in renderer, name
    # Every figure that the README says deserves an alert has one.
    for name in re.findall(r"^\| `(aggregator_\w+)", readme, flags=re.M):
        assert name in names, name


def test_the_policy_allows_what_the_readme_says():
    policy = json.loads((ROOT / "k8s" / "s3-policy.json").read_text())
    allowed = {action for s in policy["Statement"] for action in s["Action"]}
    assert allowed == set(re.findall(r"`(s3:\w+)`", (ROOT / "README.md").read_text()))
