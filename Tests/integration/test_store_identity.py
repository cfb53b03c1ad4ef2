"""Whom the store trusts, as whom it signs: private CAs, each source of credentials, the clock."""

import datetime
import json

from store_flow import ERROR, check_delivered, check_stored, client, keys_for
from store_servers import FaultProxy, Server, private_ca

pytest_plugins = ("store_flow",)


def test_private_ca(flow, moto):
    ca, tls = private_ca(flow.directory)
    proxy = FaultProxy(moto, tls=tls)
    for host in ("localhost", "127.0.0.1"):
        env = keys_for(f"https://{host}:{proxy.port}")
        refused = flow.order((1024,), env, timeout=1.5)
        assert "AWS_CA_BUNDLE" in refused["text"] and not refused["isDrained"]
        assert not [r for r in proxy.requests if "w-1" in r]
        (flow.directory / "data" / "00000000000000000001-0.parquet").unlink()
    result = flow.order((1024, 9 << 20), env | {"AWS_CA_BUNDLE": str(ca)})
    check_delivered(result, (1024, 9 << 20))
    check_stored(client(moto), (1024, 9 << 20))
    proxy.close()


def test_certificate_for_another_name_is_refused(flow, moto):
    ca, tls = private_ca(flow.directory)
    proxy = FaultProxy(moto, tls=tls)
    env = keys_for(f"https://127.0.0.2:{proxy.port}") | {"AWS_CA_BUNDLE": str(ca)}
    result = flow.order((1024,), env, timeout=1.5)
    assert not result["isDrained"]
    assert proxy.requests == []
    proxy.close()


def stamp(seconds):
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(headers):
    return headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]


def only_key(key_id):
    """A fault: whoever signs with another key id is told that his token has expired."""

    def fault(proxy):
        line, headers = proxy.seen_headers[-1]
        if key_of(headers) == key_id:
            return None
        return ("answer", 400, ERROR % b"ExpiredToken")

    return fault


def test_web_identity_with_refresh(flow, moto):
    """The first credentials are refused as expired: new ones are asked for, once, with the token of
    that moment."""
    tokens = flow.directory / "token"
    tokens.write_text("jwt-1")
    seen = []

    def sts(request):
        seen.append(request.body().decode())
        body = f"""<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
        <AccessKeyId>KEY{len(seen)}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
        <SessionToken>t</SessionToken><Expiration>{stamp(3600)}</Expiration>
        </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
        request.answer(200, body.encode())

    server = Server(sts)
    check = only_key("KEY2")
    proxy = FaultProxy(moto, lambda line, n: check(proxy))
    env = {
        "AWS_ENDPOINT_URL": proxy.url,
        "AWS_ENDPOINT_URL_STS": server.url,
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/usage",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tokens),
    }
    result = flow.order((1024,), env)
    check_delivered(result, (1024,))
    assert len(seen) == 2
    assert all("WebIdentityToken=jwt-1" in body for body in seen)
    assert "credentials=web identity result=ok" in result["text"]
    assert proxy.seen_headers[-1][1]["x-amz-security-token"] == "t"
    proxy.close()
    server.close()


def test_container_credentials_with_refresh(flow, moto):
    """EKS Pod Identity: an answer that expires soon is renewed before it does."""
    token = flow.directory / "pod-token"
    token.write_text("pod-token-1\n")
    seen = []

    def agent(request):
        seen.append(request.headers["Authorization"])
        # The first answer is good for less than the time for renewal in advance.
        expiration = stamp(300 if len(seen) == 1 else 3600)
        document = {
            "AccessKeyId": f"KEY{len(seen)}",
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": expiration,
        }
        request.answer(200, json.dumps(document).encode())

    server = Server(agent)
    proxy = FaultProxy(moto)
    env = {
        "AWS_ENDPOINT_URL": proxy.url,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
    }
    result = flow.order((1024,), env)
    check_delivered(result, (1024,))
    assert seen == ["pod-token-1"] * 2
    assert key_of(proxy.seen_headers[-1][1]) == "KEY2"
    proxy.close()
    server.close()


def test_profile_file_is_read_again(flow, moto):
    """Rotated keys in the file are used as soon as the old ones are refused."""
    path = flow.directory / "aws-credentials"
    write = lambda key: path.write_text(  # noqa: E731
        f"[prod]\naws_access_key_id = {key}\naws_secret_access_key = s\n"
    )
    write("OLD")
    check = only_key("NEW")

    def fault(line, _):
        write("NEW")
        return check(proxy)

    proxy = FaultProxy(moto, fault)
    env = {
        "AWS_ENDPOINT_URL": proxy.url,
        "AWS_PROFILE": "prod",
        "AWS_SHARED_CREDENTIALS_FILE": str(path),
    }
    result = flow.order((1024,), env)
    check_delivered(result, (1024,))
    assert "credentials=shared profile files result=ok" in result["text"]
    proxy.close()


def test_no_credentials_lists_every_place(flow, moto):
    env = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{moto}"}
    result = flow.order((1024,), env, timeout=1)
    line = next(entry for entry in result["lines"] if "no credentials" in entry)
    for place in (
        "environment:",
        "web identity:",
        "shared profile files:",
        "container credentials:",
        "instance metadata (IMDSv2): AWS_EC2_METADATA_DISABLED",
    ):
        assert place in line


def test_clock_is_corrected_by_the_answer(flow, moto):
    """S3 says that the time is too far off: the request gets its clock's date, once more."""
    done = []

    def handle(request):
        line = f"{request.command} {request.path}"
        sent = request.headers["x-amz-date"]
        off = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        near = sent[:11] == off.strftime("%Y%m%dT%H")
        request.body()
        done.append((line, near))
        date = off.strftime("%a, %d %b %Y %H:%M:%S GMT")
        if near:
            return request.answer(200, b"<ListBucketResult/>", [("ETag", '"e"')])
        request.send_response_only(403)
        body = ERROR % b"RequestTimeTooSkewed"
        request.send_header("Date", date)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        return request.wfile.write(body)

    server = Server(handle)
    result = flow.order((1024,), keys_for(server.url))
    assert result["isDrained"], result["text"]
    assert "clock is off by" in result["text"]
    assert [near for _, near in done].count(False) <= 2
    server.close()


def test_region_is_taken_from_the_answer(flow, moto):
    """Signed for the wrong region: the right one, which the answer names, is used from then on."""

    def fault(line, _):
        if "/eu-west-3/s3/" in proxy.seen_headers[-1][1].get("Authorization", ""):
            return None
        error = ERROR.replace(b"</Code>", b"</Code><Region>eu-west-3</Region>")
        return ("answer", 400, error % b"AuthorizationHeaderMalformed")

    proxy = FaultProxy(moto, fault)
    result = flow.order((1024,), keys_for(proxy.url))
    check_delivered(result, (1024,))
    assert "S3 bucket is in region eu-west-3, not us-east-1" in result["text"]
    proxy.close()


def test_redirect_to_another_host_is_not_followed(flow):
    """No request, and so no credential, goes to a host that the endpoint's name does not cover."""
    other = Server(lambda r: r.answer(200, b"<ListBucketResult/>"))

    def handle(request):
        request.body()
        location = f"http://localhost:{other.port}{request.path}"
        request.answer(307, b"", [("Location", location)])

    server = Server(handle)
    result = flow.order((1024,), keys_for(server.url), timeout=1)
    assert not result["isDrained"]
    assert "307" in result["text"]
    assert other.requests == []
    server.close()
    other.close()


def test_a_servers_words_stay_on_one_line(flow):
    body = (
        b"<Error><Code>AccessDenied</Code><Message>a\n2026 forged line\r\x1b[2J</Message></Error>"
    )
    server = Server(lambda r: (r.body(), r.answer(403, body)))
    result = flow.order((1024,), keys_for(server.url), timeout=1)
    assert "403 AccessDenied a 2026 forged line" in result["text"]
    assert all(character >= " " for line in result["lines"] for character in line)
    server.close()
