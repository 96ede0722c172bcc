# SPDX-License-Identifier: ISC
"""A client reaches the verdict through mitmd that it would have reached alone."""
import shutil
import time

import pytest

from env.bad_origins import BY_LABEL, GOOD, HUGE, MANGLED, OWN, ROWS, World
from env.fidelity import PROXIED, Table
from env.known_differences import KNOWN
from env.mitmd import SANITIZED
from env.tls_clients import CurlClient, PythonClient, Target, run
from env.tls_origins import Origins

LABELS = [row.label for row in ROWS]
GO = shutil.which("go") is not None
# What mitmd calls bad: the clients are not of one mind about the rest.
BAD = [row.label for row in ROWS if row.verdict]
FINE = [row.label for row in GOOD if row.verdict == 0]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("authorities"))


@pytest.fixture(scope="module")
def origins(world, tmp_path_factory):
    origins = Origins(world, tmp_path_factory.mktemp("origins"))
    yield origins
    origins.close()


@pytest.fixture(scope="module")
def fidelity(start_mitmd, world):
    """The mitmd of the table: it trusts what the clients trust when they are alone."""
    mitmd = start_mitmd({"origin": {"ca": [str(world.store())]}}, start=False)
    retired = mitmd.directory / "retired.pem"
    mitmd.ctl("ca", "init")
    shutil.copy(mitmd.ca_dir / "mitmd-ca.pem", retired)
    mitmd.ctl("ca", "retire", "--yes")
    mitmd.start()
    world.adopt(mitmd.ca_dir / "mitmd-ca.pem", retired)
    return mitmd


@pytest.fixture(scope="module")
def table(world, origins, fidelity, tmp_path_factory):
    table = Table(world, origins, fidelity, tmp_path_factory.mktemp("clients"))
    yield table
    table.close()


def row_of(label):
    row = BY_LABEL[label]
    if row.raw and not GO:
        pytest.skip("go is not installed")
    return row


# -- the table -------------------------------------------------------------------------
@pytest.mark.parametrize("label", LABELS)
def test_the_origin_is_as_bad_as_it_says(table, label):
    """The other tests would pass with an origin that nobody objects to."""
    row = row_of(label)
    alone = table[row].both["openssl s_client"].direct
    assert alone.ok == (row.verdict == 0), alone
    if row.verdict:
        assert alone.code == str(row.verdict), alone


@pytest.mark.parametrize("label", LABELS)
def test_every_client_says_what_it_says_alone(table, label):
    """A known difference that is gone fails too: then it has to leave the list."""
    both = table[row_of(label)].both
    known = KNOWN.get(label)
    said = known.said & set(both) if known else set()
    flipped = known.flipped & set(both) if known else set()
    assert {n: b for n, b in both.items() if b.flipped != (n in flipped)} == {}
    either = known.either if known else set()
    assert {n: b for n, b in both.items()
            if n not in flipped | either and b.equal == (n in said)} == {}


@pytest.mark.parametrize("label", LABELS)
def test_only_who_accepts_is_heard(table, label):
    outcome = table[row_of(label)]
    assert outcome.heard == outcome.accepted


# -- what the recording says --------------------------------------------------------------
RECIPES = {0: "good", 9: "good", 10: "good", 26: "good", 34: "good", 62: "good", 64: "good",
           66: "good", 67: "good", 18: "self", 19: "untrusted-root", 7: "forged",
           68: "forged-sha1", 25: "not-ca", 47: "not-ca", 48: "not-ca", 79: "not-ca"}
WORDS = {62: "certificate is not for", 64: "certificate is not for"}
# Where the nearest that can be shown is another.
ELSE = {"future-far": "untrusted", "rsa768": "untrusted", "time-malformed": "untrusted"}


@pytest.fixture(scope="module")
def recorded(table, fidelity):
    """recorded(row): the entry of what curl was told."""
    def find(row):
        tag = table.target(row, table.clients[0], PROXIED).tag
        assert table[row]
        har = fidelity.har(tag, lambda har: len(har) == 1)
        return har.entries[0]
    return find


@pytest.mark.parametrize("label", [row.label for row in ROWS if row.verdict is not None])
def test_the_entry_names_the_defect(recorded, table, label):
    row = row_of(label)
    entry = recorded(row)
    shown, origin = entry["_tls"], entry["_tls"]["origin"]
    assert shown["recipe"].startswith(ELSE.get(label, RECIPES.get(row.verdict, "untrusted")))
    assert origin["chain"]
    if row.verdict:
        words = WORDS.get(row.verdict) or table[row].both["openssl s_client"].direct.text
        assert not origin["verified"]
        assert words.split(";")[0] in origin["verify"]
        if not table[row].both["curl"].proxied.ok:
            assert words.split(";")[0] in entry.error


STAPLES = {"staple-good": ("good", "good"), "staple-revoked": ("revoked", "revoked"),
           "staple-expired": ("invalid", "invalid"), "staple-other": ("invalid", "invalid"),
           "staple-unknown": ("unknown", None), "good": (None, None)}


@pytest.mark.parametrize("label", STAPLES)
def test_the_entry_names_both_staples(fidelity, origins, label):
    """The origin's, and ours."""
    row = BY_LABEL[label]
    tag = f"both-{label}"
    authority = f"{row.host}:{origins[row].port}"
    request = f"GET / HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
    run(["openssl", "s_client", "-quiet", "-status", "-proxy", fidelity.proxy, "-proxy_user", tag,
         "-proxy_pass", "pass:x", "-servername", row.host, "-connect", authority],
        request.encode())
    shown = fidelity.har(tag, lambda har: len(har) == 1).entries[0]["_tls"]
    assert (shown["origin"].get("staple"), shown.get("staple")) == STAPLES[label]


# -- the other modes ----------------------------------------------------------------------
class Asker:
    """One client, asked through a mitmd of its own."""

    def __init__(self, kind, mitmd, origins, directory):
        self.client = kind(directory)
        self.mitmd = mitmd
        self.origins = origins

    def ask(self, row):
        served = self.origins[row]
        served.paths.clear()
        verdict = self.client.ask(Target(row.host, served.port, str(self.mitmd.ca), "/mode",
                                         self.mitmd.proxy))
        return verdict, served.settle()


@pytest.fixture(scope="module")
def asker(start_mitmd, world, origins, tmp_path_factory, fidelity):
    assert fidelity, "its CA signs some of the origins"

    def make(kind, **options):
        mitmd = start_mitmd({"origin": {"ca": [str(world.store())], **options}})
        return Asker(kind, mitmd, origins, tmp_path_factory.mktemp("asker"))
    return make


@pytest.fixture(scope="module")
def rejecting(asker):
    return asker(PythonClient, verify="reject")


@pytest.fixture(scope="module")
def trusting(asker):
    return asker(CurlClient, verify="off")


@pytest.fixture(scope="module")
def strict(asker):
    """Mirrored, a finding of the strict is a leaf that the strict refuse: so reject."""
    return asker(PythonClient, verify="reject", strict=True)


@pytest.mark.parametrize("label", BAD)
def test_reject_ends_with_access_denied(rejecting, label):
    verdict, heard = rejecting.ask(row_of(label))
    assert (verdict.ok, verdict.text) == (False, "TLSV1_ALERT_ACCESS_DENIED")
    assert heard == []


@pytest.mark.parametrize("label", FINE)
def test_reject_passes_what_is_good(rejecting, label):
    verdict, heard = rejecting.ask(row_of(label))
    assert verdict.ok and heard == ["/mode"], verdict


@pytest.mark.parametrize("label", [row.label for row in ROWS if row.verdict is not None])
def test_off_trusts_everything(trusting, label):
    verdict, heard = trusting.ask(row_of(label))
    assert verdict.ok and heard == ["/mode"], verdict


@pytest.mark.parametrize("label", FINE)
def test_strict_refuses_what_strict_python_refuses(strict, table, label):
    """Python with VERIFY_X509_STRICT stands for what the flag finds."""
    row = row_of(label)
    verdict, heard = strict.ask(row)
    assert verdict.ok == table[row].both["python strict"].direct.ok, verdict
    assert heard == (["/mode"] if verdict.ok else [])


# -- a CA of mitmd's is nobody an origin may come from -----------------------------------
@pytest.fixture(scope="module")
def trusting_itself(start_mitmd, tmp_path_factory):
    """
    Its own CA and the one before are among the roots, and a root of the world has
    signed its own CA's key: (mitmd, {what: origin}).
    """
    world = World(tmp_path_factory.mktemp("authorities"))
    mitmd = start_mitmd(start=False)
    retired = mitmd.directory / "retired.pem"
    mitmd.ctl("ca", "init")
    shutil.copy(mitmd.ca_dir / "mitmd-ca.pem", retired)
    mitmd.ctl("ca", "retire", "--yes")
    mitmd.ctl("ca", "init")
    world.adopt(mitmd.ca_dir / "mitmd-ca.pem", retired)
    roots = world.store(world.mitmd_ca, world.retired_ca)
    mitmd.config["origin"]["ca"] = [str(roots)]
    mitmd.write(mitmd.config)
    mitmd.start()
    origins = Origins(world, tmp_path_factory.mktemp("origins"))
    yield mitmd, origins, roots
    origins.close()


@pytest.mark.parametrize("label", ["own-ca", "own-ca-sent", "retired-ca", "own-ca-crossed"])
def test_no_origin_comes_from_our_own_ca(trusting_itself, label, tmp_path):
    mitmd, origins, roots = trusting_itself
    row = next(r for r in [*ROWS, *OWN] if r.label == label)
    served = origins[row]
    client = PythonClient(tmp_path)
    alone = client.ask(Target(row.host, served.port, str(roots), "/alone"))
    through = client.ask(Target(row.host, served.port, str(mitmd.ca), "/mitmd", mitmd.proxy))
    assert alone.ok, "a client that trusts it accepts"
    assert (through.ok, through.code) in ((False, "19"), (False, "20")), through
    assert served.settle() == ["/alone"]


# -- what may not matter, and what may not happen -------------------------------------------
AGENTS = ["curl/7.88.1", "Wget/1.21.3", "git/2.39.5",
          "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
          "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
          "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
          "Gecko) Version/17.4 Safari/605.1.15", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like "
          "Mac OS X) AppleWebKit/605.1.15",
          "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
          "Opera/9.80 (Windows NT 6.1)", "python-requests/2.31.0", "Python-urllib/3.11",
          "Go-http-client/1.1", "Java/17.0.15", "Apache-HttpClient/4.5", "okhttp/4.12.0",
          "node-fetch/1.0", "Microsoft-CryptoAPI/10.0", "Dalvik/2.1.0", "Googlebot/2.1", ""]


@pytest.mark.parametrize("label", ["self", "expired", "wrong-name"])
def test_who_the_client_says_it_is_does_not_matter(fidelity, origins, label):
    row = row_of(label)
    served = origins[row]
    served.paths.clear()
    codes = [fidelity.curl().run("-A", agent, f"https://{row.host}:{served.port}/").code
             for agent in AGENTS]
    assert codes == [60] * 20
    assert served.settle() == []


def test_no_page_of_ours_inside_https(fidelity, start_origin, certs):
    """An origin that closes instead of answering is a connection that closes."""
    origin = start_origin(certs.leaf("silent", self_signed=True))
    origin.route("/", b"")
    origin.routes["/"] = lambda x: x.wire.sock.close()
    result = fidelity.curl().run("-k", origin.url("/"))
    assert result.code in (52, 56) and result.body == b"" and result.status == 0, result


@pytest.mark.parametrize("label", [row.label for row in HUGE])
def test_too_much_costs_little(fidelity, origins, label, tmp_path):
    row = next(row for row in HUGE if row.label == label)
    served = origins[row]

    def memory():
        return sum(fidelity.memory(p) for role in ("worker", "signer")
                   for p in fidelity.pids(role))
    client = CurlClient(tmp_path)
    target = Target(row.host, served.port, str(fidelity.ca), "/", fidelity.proxy)
    client.ask(target)
    before, start = memory(), time.monotonic()
    verdicts = [client.ask(target) for _ in range(5)]
    assert not any(v.ok for v in verdicts), verdicts
    assert served.settle() == []
    if not SANITIZED:
        assert time.monotonic() - start < 5
        assert memory() - before < 16 << 20


@pytest.mark.parametrize("label", [row.label for row in MANGLED])
def test_nothing_malformed_ends_a_worker(fidelity, table, label):
    workers = fidelity.pids("worker")
    assert table[row_of(label)].both["curl"].proxied
    assert fidelity.pids("worker") == workers
