"""What the index should hold for given API objects: a second implementation, in fractions."""

import re
from fractions import Fraction

MAXIMUM = 2**63 - 1
SUFFIXES = {
    "": 1, "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000),
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip
QUANTITY = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+)|([a-zA-Z]*))$")


def quantity(text):
    """The exact value of a quantity."""
    sign, whole, fraction, exponent, suffix = QUANTITY.match(str(text)).groups()
    fraction = fraction or ""
    value = Fraction(int((whole + fraction) or "0"), 10 ** len(fraction))
    value *= Fraction(10) ** int(exponent) if exponent else SUFFIXES[suffix or ""]
    return -value if sign == "-" else value


def rounded(value, scale=1):
    """Rounded up once, capped."""
    return min(-((-value * scale) // 1), MAXIMUM)


def amounts(container, side):
    resources = (container.get("resources") or {}).get(side) or {}
    return {name: quantity(text) for name, text in resources.items()}


def added(*maps):
    result = {}
    for one in maps:
        for name, value in one.items():
            result[name] = result.get(name, 0) + value
    return result


def largest(*maps):
    result = {}
    for one in maps:
        for name, value in one.items():
            result[name] = max(result.get(name, value), value)
    return result


def effective(spec, side):
    """Effective requests or limits of a pod, by resource name."""
    total = added(*(amounts(c, side) for c in spec.get("containers") or []))
    sidecars, inits = {}, {}
    for container in spec.get("initContainers") or []:
        own = amounts(container, side)
        if container.get("restartPolicy") == "Always":
            total = added(total, own)
            sidecars = added(sidecars, own)
            inits = largest(inits, sidecars)
        else:
            inits = largest(inits, added(own, sidecars))
    total = largest(total, inits)
    for name, text in ((spec.get("resources") or {}).get(side) or {}).items():
        if name in ("cpu", "memory"):
            total[name] = quantity(text)
    for name, text in (spec.get("overhead") or {}).items():
        if side == "requests" or total.get(name):
            total[name] = total.get(name, 0) + quantity(text)
    return total


def owner_of(metadata):
    references = metadata.get("ownerReferences") or []
    return next(
        (r for r in references if r.get("controller")), references[0] if references else None
    )


def workload(pod):
    """Name and kind of what a person would call the pod's owner."""
    metadata = pod["metadata"]
    owner = owner_of(metadata)
    if owner is None:
        return metadata["name"], "Pod"
    name, kind = owner["name"], owner["kind"]
    template_hash = (metadata.get("labels") or {}).get("pod-template-hash")
    if kind == "ReplicaSet" and template_hash and name.endswith("-" + template_hash):
        return name[: -len(template_hash) - 1], "Deployment"
    cron_job = re.match(r"(.+)-\d{8,}$", name)
    if kind == "Job" and cron_job:
        return cron_job.group(1), "CronJob"
    return name, kind


def pairs(mapping):
    items = sorted((mapping or {}).items(), key=lambda item: item[0].encode())
    return [f"{key}={value}" for key, value in items]


def claim_names(pod):
    names = []
    for volume in pod["spec"].get("volumes") or []:
        if "persistentVolumeClaim" in volume:
            name = volume["persistentVolumeClaim"]["claimName"]
        elif "ephemeral" in volume:
            name = f"{pod['metadata']['name']}-{volume['name']}"
        else:
            continue
        if name not in names:
            names.append(name)
    return names


def pod_record(pod):
    metadata, spec = pod["metadata"], pod["spec"]
    requests, limits = effective(spec, "requests"), effective(spec, "limits")
    owner = owner_of(metadata)
    name, kind = workload(pod)
    gpus = [v for k, v in requests.items() if k.endswith("/gpu") or k.startswith("nvidia.com/mig-")]
    return {
        "uid": metadata["uid"],
        "namespace": metadata["namespace"],
        "owner": owner and owner["name"],
        "owner_kind": owner and owner["kind"],
        "workload": name,
        "workload_kind": kind,
        "labels": pairs(metadata.get("labels")),
        "annotations": pairs(metadata.get("annotations")),
        "claims": claim_names(pod),
        "qos_class": pod.get("status", {}).get("qosClass"),
        "priority_class": spec.get("priorityClassName") or None,
        "requests_cpu_millicores": rounded(requests.get("cpu", 0), 1000),
        "requests_memory_bytes": rounded(requests.get("memory", 0)),
        "limits_cpu_millicores": rounded(limits.get("cpu", 0), 1000),
        "limits_memory_bytes": rounded(limits.get("memory", 0)),
        "requests_storage_bytes": rounded(requests.get("ephemeral-storage", 0)),
        "limits_storage_bytes": rounded(limits.get("ephemeral-storage", 0)),
        "gpu_requests": rounded(sum(gpus)),
    }


def node_record(node):
    labels = node["metadata"].get("labels") or {}
    annotations = node["metadata"].get("annotations") or {}
    provider = node.get("spec", {}).get("providerID", "")
    instance = provider.rsplit("/", 1)[-1]
    capacity = labels.get(
        "eks.amazonaws.com/capacityType", labels.get("karpenter.sh/capacity-type")
    )
    is_aws = provider.startswith("aws://") and instance.startswith("i-")
    return {
        "name": node["metadata"]["name"],
        "cluster_name": annotations.get("cluster.x-k8s.io/cluster-name") or None,
        "instance_id": instance if is_aws else None,
        "instance_type": labels.get("node.kubernetes.io/instance-type"),
        "zone": labels.get("topology.kubernetes.io/zone"),
        "capacity_type": capacity and capacity.lower().replace("_", "-"),
    }


def claim_record(claim):
    requests = (claim["spec"].get("resources") or {}).get("requests") or {}
    return {
        "namespace": claim["metadata"]["namespace"],
        "name": claim["metadata"]["name"],
        "storage_bytes": rounded(quantity(requests.get("storage", "0"))),
        "volume_name": claim["spec"].get("volumeName") or None,
    }


def volume_record(volume):
    spec = volume["spec"]
    if spec.get("csi", {}).get("driver") == "ebs.csi.aws.com":
        handle = spec["csi"]["volumeHandle"]
    else:
        handle = spec.get("awsElasticBlockStore", {}).get("volumeID", "")
    handle = handle.rsplit("/", 1)[-1]
    name = volume["metadata"]["name"]
    return {"name": name, "volume_id": handle if handle.startswith("vol-") else None}


RECORDS = {
    "nodes": ("nodes", node_record, lambda r: r["name"]),
    "pods": ("pods", pod_record, lambda r: r["uid"]),
    "persistentvolumeclaims": ("claims", claim_record, lambda r: (r["namespace"], r["name"])),
    "persistentvolumes": ("volumes", volume_record, lambda r: r["name"]),
}


def expected(kind, objects):
    """The records of these objects, sorted."""
    _, record, key = RECORDS[kind]
    return sorted((record(o) for o in objects), key=key)


def found(kind, dump):
    """The records of a dump of `kube-check`, sorted the same way."""
    name, _, key = RECORDS[kind]
    return sorted(dump[name], key=key)
