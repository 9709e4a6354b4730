"""The secrets that this process has met: learnt where they come in, hidden where texts go out.

What rules cannot know by its place is known by its value: credentials that were read for git or a
cluster, the values of Secrets that are about to be applied, values for charts that are called a
password. Only hashes are kept, keyed anew by each process (Python's own hash of text), and a
bounded number of them. A value is known as it stands, in base64, quoted for a URL and escaped for
JSON; long ones by line and by piece.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from shoal.model.manifests import Manifest
from shoal.model.masking import MASK
from shoal.model.secret_values import SHORTEST, forms, values_of_secrets

_MOST = 16_384
"""Forms, of some 5,000 values: about 5 MB, and the most that a text is looked through for."""


class KnownSecrets:
    """Secret values by their hashes; the one that was learnt first is forgotten first.

    Read and written from any thread: spans end on any thread, and so do log lines come.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._forms: dict[int, tuple[int, int]] = {}  # hash of a form → hash of its head, length
        self._lengths: dict[int, tuple[int, ...]] = {}  # hash of a head → lengths of its forms
        self._read: set[int] = set()

    def learn(self, values: Iterable[str | bytes]) -> None:
        """No text may repeat these; what is too short to tell is passed over."""
        for value in values:
            text = value.decode(errors="replace") if isinstance(value, bytes) else value
            for form in forms(text):
                self._keep(form)

    def learn_manifests(self, manifests: Iterable[Manifest]) -> None:
        """What the Secrets among them hold; one that was read before costs next to nothing."""
        for each in manifests:
            if b'Secret"' not in each.text or hash(each.text) in self._read:
                continue
            self.learn(values_of_secrets(each.body))
            with self._lock:
                if len(self._read) >= self._most:
                    self._read.clear()
                self._read.add(hash(each.text))

    def knows(self, text: str) -> bool:
        """Whether the text is such a value, and nothing else."""
        return hash(text) in self._forms

    def hide(self, text: str) -> str:
        """The text without the values that are known; it costs 0.1 µs per character."""
        lengths = self._lengths
        if not lengths or len(text) < SHORTEST:
            return text
        heads = [hash(text[at : at + SHORTEST]) for at in range(len(text) - SHORTEST + 1)]
        if lengths.keys().isdisjoint(heads):
            return text
        return "".join(self._hidden(text, heads))

    def _hidden(self, text: str, heads: list[int]) -> Iterator[str]:
        shown = at = 0
        while at < len(heads):
            length = self._length_at(text, at, heads[at])
            if length:
                yield text[shown:at]
                yield MASK
                shown = at = at + length
            else:
                at += 1
        yield text[shown:]

    def _length_at(self, text: str, at: int, head: int) -> int:
        """The length of the longest known form that stands there; 0 when there is none."""
        with self._lock:
            lengths = sorted(set(self._lengths.get(head, ())), reverse=True)
            return next((each for each in lengths if hash(text[at : at + each]) in self._forms), 0)

    def _keep(self, form: str) -> None:
        key, head = hash(form), hash(form[:SHORTEST])
        with self._lock:
            if key in self._forms:
                return
            if len(self._forms) >= self._most:
                self._forget()
            self._forms[key] = (head, len(form))
            self._lengths[head] = (*self._lengths.get(head, ()), len(form))

    def _forget(self) -> None:
        head, length = self._forms.pop(next(iter(self._forms)))
        lengths = list(self._lengths.pop(head))
        lengths.remove(length)
        if lengths:
            self._lengths[head] = tuple(lengths)
        self._read.clear()  # what was forgotten may still be in use, and is learnt again

    def __len__(self) -> int:
        return len(self._forms)
