# SPDX-License-Identifier: ISC
"""nginx.py - the real nginx as an https origin of static files.

It inherits its sockets already listening, so it is ready when it is started
and nobody guesses a port.
"""
import os
import pathlib
import socket
import subprocess

CONFIG = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log info;
{user}
events {{ worker_connections 4096; }}
http {{
    log_format facts '$request_method $request_uri $status reused=$ssl_session_reused '
        'protocol=$ssl_protocol sni=$ssl_server_name connection=$connection '
        'n=$connection_requests http=$server_protocol';
    access_log {dir}/access.log facts;
    client_body_temp_path {dir}/tmp; proxy_temp_path {dir}/tmp; fastcgi_temp_path {dir}/tmp;
    uwsgi_temp_path {dir}/tmp; scgi_temp_path {dir}/tmp;
    default_type application/octet-stream;
    types {{ text/html html; text/plain txt; application/json json; }}
    keepalive_requests 100000;
    ssl_session_cache shared:s:1m;
    server {{
        listen 127.0.0.1:{tls_port} ssl{http2} backlog=1024;
        client_max_body_size 0;
        http2_max_concurrent_streams 1000;
        listen 127.0.0.1:{plain_port} backlog=1024;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_protocols {protocols};
        {more}
        root {root};
        location /gzip/ {{ alias {root}/; gzip on; gzip_types *; gzip_min_length 1; }}
        location /slow/ {{ alias {root}/; limit_rate 64k; }}
    }}
}}
"""


class Nginx:
    def __init__(self, directory, cert, protocols="TLSv1.2 TLSv1.3", http2=False, more=""):
        self.directory = pathlib.Path(directory)
        self.root = self.directory / "www"
        for each in (self.root, self.directory / "tmp"):
            each.mkdir(parents=True)
        sockets = [socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(2)]
        self.tls_port, self.plain_port = (s.getsockname()[1] for s in sockets)
        config = self.directory / "nginx.conf"
        config.write_text(CONFIG.format(
            dir=self.directory, tls_port=self.tls_port, plain_port=self.plain_port,
            chain=cert.chain, key=cert.key, root=self.root, protocols=protocols,
            http2=" http2" if http2 else "", more=more,
            user="user root;" if os.geteuid() == 0 else ""))
        fds = [s.fileno() for s in sockets]
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self.directory), "-e", str(self.directory / "error.log"),
             "-c", str(config)],
            pass_fds=fds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "NGINX": "".join(f"{fd};" for fd in fds)})
        for each in sockets:
            each.close()

    def file(self, name, data):
        """A file to serve; returns its bytes."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return data

    def url(self, path, host="localhost"):
        return f"https://{host}:{self.tls_port}{path}"

    def plain_url(self, path, host="localhost"):
        return f"http://{host}:{self.plain_port}{path}"

    def log(self, uri):
        """Facts of each request for that URI, as dictionaries."""
        lines = (self.directory / "access.log").read_text().splitlines()
        found = []
        for line in lines:
            method, target, status, *facts = line.split()
            if target == uri:
                found.append({"method": method, "status": status,
                              **dict(f.partition("=")[::2] for f in facts)})
        return found

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        _, errors = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, errors.decode()
