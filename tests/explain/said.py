"""The sentences of an explanation."""

from __future__ import annotations

from explain.answers import Chapter, Explanation


def said(explanation: Explanation | Chapter, *sentences: str) -> None:
    """Fail unless each of these is a sentence of what was told, in this order."""
    at = 0
    for sentence in sentences:
        assert sentence in explanation.words[at:], "\n".join(explanation.words)
        at = explanation.words.index(sentence, at)
