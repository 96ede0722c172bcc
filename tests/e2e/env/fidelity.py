# SPDX-License-Identifier: ISC
"""fidelity.py - what every client says of every origin, alone and through mitmd."""
import re
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from .bad_origins import STAPLED
from .tls_clients import EVERYWHERE, STAPLERS, Target

DIRECT, PROXIED = "direct", "mitmd"


class Both(NamedTuple):
    """One client's verdicts on one origin."""
    direct: tuple
    proxied: tuple

    @property
    def equal(self):
        return self.direct == self.proxied

    @property
    def flipped(self):
        return self.direct.ok != self.proxied.ok


class Outcome:
    """One row: a Both per client, and whose requests the origin has read."""

    def __init__(self, both, heard):
        self.both = both
        self.heard = heard

    @property
    def accepted(self):
        return {(client, way) for client, both in self.both.items()
                for way, verdict in ((DIRECT, both.direct), (PROXIED, both.proxied))
                if verdict.ok}


class Table:
    """table[row]: made when it is first asked for."""

    def __init__(self, world, origins, mitmd, directory):
        self.origins = origins
        self.mitmd = mitmd
        self.store = world.store()
        self.clients = []
        for kind in [*EVERYWHERE, *STAPLERS]:
            if not kind.missing():
                home = directory / re.sub(r"\W+", "-", kind.name)
                home.mkdir()
                self.clients.append(kind(home))
        self.outcomes = {}
        self.pool = ThreadPoolExecutor(4)

    @property
    def names(self):
        return {client.name for client in self.clients}

    def __getitem__(self, row):
        if row.label not in self.outcomes:
            self.outcomes[row.label] = self._find(row)
        return self.outcomes[row.label]

    def target(self, row, client, way):
        served = self.origins[row]
        trusted = self.store if way == DIRECT else self.mitmd.ca
        return Target(row.host, served.port, str(trusted), f"/{client.slug}/{way}",
                      None if way == DIRECT else self.mitmd.proxy,
                      f"{client.slug}-{row.label}" if client.name == "curl" else None)

    def _find(self, row):
        clients = [c for c in self.clients if row in STAPLED or type(c) in EVERYWHERE]
        asked = [(c, way) for c in clients for way in (DIRECT, PROXIED)]
        self.origins[row].paths.clear()
        verdicts = list(self.pool.map(lambda a: a[0].ask(self.target(row, *a)), asked))
        both = {c.name: Both(*verdicts[2 * i:2 * i + 2]) for i, c in enumerate(clients)}
        names = {c.slug: c.name for c in clients}
        heard = set()
        for path in self.origins[row].settle():
            words = path.split("/")
            heard.add((names.get(words[1], path), words[2]) if len(words) > 2 else path)
        return Outcome(both, heard)

    def close(self):
        self.pool.shutdown()
        for client in self.clients:
            client.close()
