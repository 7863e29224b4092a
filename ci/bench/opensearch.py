"""A real OpenSearch of one node for benchmarks: the rig of `tests/real`, with a
heap, a garbage collector and compilers as a server has them."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

from machine import cache
from measure import Failed

VERSION = "3.4.0"
READY_WITHIN_SECONDS = 300
TICKS = os.sysconf("SC_CLK_TCK")

CONFIGURATION = """
cluster.name: bench
node.name: bench
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
discovery.type: single-node
cluster.max_shards_per_node: 1000000
cluster.routing.allocation.disk.threshold_enabled: false
plugins.security.ssl.transport.pemcert_filepath: node.pem
plugins.security.ssl.transport.pemkey_filepath: node.key
plugins.security.ssl.transport.pemtrustedcas_filepath: ca.pem
plugins.security.ssl.transport.enforce_hostname_verification: false
plugins.security.ssl.http.enabled: true
plugins.security.ssl.http.clientauth_mode: OPTIONAL
plugins.security.ssl.http.pemcert_filepath: node.pem
plugins.security.ssl.http.pemkey_filepath: node.key
plugins.security.ssl.http.pemtrustedcas_filepath: ca.pem
plugins.security.allow_default_init_securityindex: true
plugins.security.authcz.admin_dn: ["CN=admin"]
plugins.security.nodes_dn: ["CN=node"]
plugins.security.restapi.roles_enabled: ["all_access"]
plugins.security.audit.type: noop
"""

LOGGING = """
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


def java_options(heap):
    """G1 and all compilers are what a JVM takes by itself on a server; they are
    said, since on a small machine it takes others."""
    return [f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseG1GC", "-XX:+TieredCompilation"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def make_certificates(folder):
    """An authority, and certificates of the node and of an admin."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=bench", "-days", "2")
    for name in ("node", "admin"):
        openssl("req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)


class OpenSearch:
    """A server that runs until `stop`, in a folder of its own."""

    def __init__(self, folder, heap):
        self.home = cache() / f"opensearch-{VERSION}"
        if not (self.home / "complete").exists():
            raise Failed(f"{self.home} isn't there (run ci/rigs/opensearch install)")
        self.folder, self.config = folder, folder / "config"
        shutil.copytree(self.home / "security" / "config", self.config / "opensearch-security")
        make_certificates(self.config)
        self.port = free_port()
        settings = CONFIGURATION.format(http=self.port, transport=free_port())
        (self.config / "opensearch.yml").write_text(settings)
        (self.config / "log4j2.properties").write_text(LOGGING)
        self.log = folder / "log"
        self.process = self.start(heap)
        self.tls = ssl.create_default_context(cafile=self.config / "ca.pem")
        self.tls.load_cert_chain(self.config / "admin.pem", self.config / "admin.key")
        self.connection = None
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def start(self, heap):
        class_path = ":".join(str(self.home / part) for part in ("classes", "lib/*", "security/*"))
        java = Path((self.home / "java_home").read_text().strip(), "bin", "java")
        logging = f"-Dlog4j.configurationFile={self.config / 'log4j2.properties'}"
        command = [java, *java_options(heap), logging, "-cp", class_path, "Main", self.folder]
        with self.log.open("wb") as log:
            return subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_until_ready(self):
        """The security plugin fills its index after the node is up; tenants come last."""
        end = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.send("GET", "_plugins/_security/api/tenants")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                self.connection = None
            time.sleep(0.5)
        raise Failed(f"OpenSearch didn't get ready:\n{self.log.read_text(errors='replace')[-2000:]}")

    def send(self, method, path, body=None):
        """Status and body of the answer to one request, all over one connection."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=300)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self.connection.request(method, f"/{path}", body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def settle(self):
        """Waits until the server has done what it does after its answer, such as starting shards."""
        status, body = self.send("GET", "_cluster/health?wait_for_events=languid&timeout=120s")
        if status != 200:
            raise Failed(f"the server doesn't come to rest: {body[:500]}")

    def cpu(self):
        """User and system seconds of the process since its start."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def cpu_of_machine(self):
        """The part of that for the virtual machine itself: compiling, collecting garbage.
        Threads that have ended are left out."""
        seconds = {"compiling": 0.0, "collecting": 0.0}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
            fields = rest.split()
            part = "compiling" if "Compiler" in name else "collecting" if name.startswith(("GC ", "G1 ")) else None
            if part:
                seconds[part] += (int(fields[11]) + int(fields[12])) / TICKS
        return seconds

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
