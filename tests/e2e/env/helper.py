# SPDX-License-Identifier: ISC
"""helper.py - a program in another language that lives as long as the tests.

It is told one line of words with tabs between them and answers in kind: the
first word is the number of the question, or an event's name.
"""
import itertools
import queue
import subprocess
import threading


class Helper:
    def __init__(self, command, env, event=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=env, text=True, encoding="utf-8", bufsize=1)
        self.event = event
        self.numbers = itertools.count(1)
        self.answers = {}
        self.lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, *words, timeout=60):
        """The words of the answer."""
        answer = queue.Queue()
        with self.lock:
            number = str(next(self.numbers))
            self.answers[number] = answer
            self.process.stdin.write("\t".join([number, *map(str, words)]) + "\n")
            self.process.stdin.flush()
        words = answer.get(timeout=timeout)
        assert words is not None, f"{self.process.args} ended"
        return words

    def _read(self):
        for line in self.process.stdout:
            first, *words = line.rstrip("\n").split("\t")
            if first.isdigit():
                self.answers.pop(first).put(words)
            else:
                self.event(first, *words)
        for answer in self.answers.values():
            answer.put(None)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
