# SPDX-License-Identifier: ISC
"""metrics.py - /metrics as its readers see it: strict where their formats are."""
import re

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SUFFIXES = {
    "text": {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]},
    "open": {"counter": ["_total"], "gauge": [""], "info": ["_info"],
             "histogram": ["_bucket", "_sum", "_count"]},
}


def labels_of(text):
    found, at = [], 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, f"bad labels: {text}"
        found.append(match.groups())
        at = match.end()
    assert len({name for name, _ in found}) == len(found), text
    return tuple(sorted(found))


class Metrics:
    """A scrape; whatever breaks the format fails here."""

    def __init__(self, text, form="text"):
        self.form = form
        self.types = {}
        self.helps = {}
        self.samples = {}	# (name, labels) -> number
        self.families = {}	# of a sample's name
        assert text.endswith("\n")
        lines = text.split("\n")[:-1]
        if form == "open":
            assert lines.pop() == "# EOF"
        current = None
        for line in lines:
            assert line, "empty line"
            if line.startswith("#"):
                current = self.comment(line)
            else:
                self.sample(line, current)
        for family, kind in self.types.items():
            assert family in self.helps, f"no help: {family}"
            if kind == "histogram":
                self.check_histogram(family)

    def comment(self, line):
        word, family, rest = re.fullmatch(r"# (HELP|TYPE) (\S+) (.*)", line).groups()
        table = self.helps if word == "HELP" else self.types
        assert family not in table, f"twice: {line}"
        if word == "TYPE":
            assert rest in SUFFIXES[self.form], line
            assert not (self.form == "text" and rest == "counter") or family.endswith("_total")
            assert not (self.form == "open" and rest == "counter") or not family.endswith("_total")
        else:
            assert rest.endswith("."), f"no sentence: {line}"
        table[family] = rest
        return family

    def sample(self, line, family):
        name, labels, number = SAMPLE.fullmatch(line).groups()
        assert family in self.types, f"sample before its type: {line}"
        assert name in [family + s for s in SUFFIXES[self.form][self.types[family]]], line
        key = (name, labels_of(labels or ""))
        assert key not in self.samples, f"twice: {line}"
        self.samples[key] = float(number)
        assert self.samples[key] >= 0
        self.families[name] = family

    def check_histogram(self, family):
        buckets = {}
        for (name, labels), number in self.samples.items():
            if name == family + "_bucket":
                rest = tuple(pair for pair in labels if pair[0] != "le")
                buckets.setdefault(rest, []).append((float(dict(labels)["le"]), number))
        for rest, found in buckets.items():
            assert found == sorted(found) and found[-1][0] == float("inf")
            numbers = [number for _, number in found]
            assert numbers == sorted(numbers), f"{family} falls"
            assert self.samples[(family + "_count", rest)] == numbers[-1]
            assert (family + "_sum", rest) in self.samples

    def value(self, name, **labels):
        """The sum of all samples that have these labels."""
        want = set(labels.items())
        return sum(number for (found, has), number in self.samples.items()
                   if found == name and want <= set(has))
