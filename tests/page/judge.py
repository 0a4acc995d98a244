"""A judge on loopback whose verdicts follow from the texts, so that pictures do not change."""

from __future__ import annotations

import re
from hashlib import blake2b

from tests.engine.model_server import ChatRequest, Reply, completion, verdict
from tests.journeys.labelled import NAMES, judge_passes

LABELS = ["correct", "partly", "wrong", "refused"]
RUBRIC = (
    "You judge answers of a shop's support for weather stations.\n"
    "Compare the answer with the reference, and say why.\n\n"
    "Question {{id}} ({{topic}}): {{question}}\n"
    "Reference: {{expected}}\n"
)
LENIENT = "judge-lenient"
"""A judge that passes three of five wrong answers of `tests.journeys.labelled`."""
UNREADABLE = "I would rather not decide."


def answer(request: ChatRequest) -> Reply:
    """Judge by the words that an answer shares with the reference, with some whim."""
    system, user = request.system, str(request.user)
    if request.body["model"] == LENIENT:
        passes = judge_passes(int(re.findall(r"It is (\d+)", user)[-1]))
        return verdict(label=NAMES[0] if passes else NAMES[1], feedback="It looks right to me.")
    reference = _between(system, "Reference: ", "\n")
    whim = _share(f"{request.body['model']} {user}")
    a, b = _tag(user, "answer_A"), _tag(user, "answer_B")
    if a or b:
        return _choice(reference, a, b, whim)
    text = _tag(user, "answer")
    if whim > 0.985:
        return completion(UNREADABLE)
    good = _fit(reference, text)
    strict = 0.15 if "small" in str(request.body["model"]) else 0.0
    if '"label"' in system:
        label = _label(good, whim + strict, text)
        return verdict(label=label, feedback=_reason(label, reference, text))
    points = round(min(10.0, max(0.0, 8.5 * good + 3 * (whim - 0.4) - 4 * strict)) * 2) / 2
    return verdict(score=points, feedback=_reason(f"{points} points", reference, text))


def _choice(reference: str, a: str, b: str, whim: float) -> Reply:
    edge = _fit(reference, b) - _fit(reference, a) + 0.3 * (len(b) - len(a)) / (len(a) + len(b) + 1)
    # It prefers what it sees first.
    edge += 0.5 * (whim - 0.5) - 0.14
    choice = "Tie" if abs(edge) < 0.12 else "B" if edge > 0 else "A"
    better = "Neither is better" if choice == "Tie" else f"Answer {choice} is better"
    return verdict(
        choice=choice, feedback=f"{better}: the reference is “{reference}”.\n\nA: {a}\nB: {b}"
    )


def _label(good: float, whim: float, text: str) -> str:
    if "cannot" in text or whim > 1.05:
        return "refused"
    if good > 0.6:
        return "correct" if whim < 0.92 else "partly"
    if good > 0.3:
        return "partly" if whim < 0.7 else "wrong"
    return "wrong" if whim < 0.9 else "correct"


def _reason(what: str, reference: str, text: str) -> str:
    return (
        f"The reference is “{reference}”.\n\n- The answer says “{text[:80]}”.\n- Verdict: {what}."
    )


def _fit(reference: str, text: str) -> float:
    """Return the share of the reference's words that are in a text."""
    words = set(re.findall(r"\w+", reference.lower()))
    return len(words & set(re.findall(r"\w+", text.lower()))) / (len(words) or 1)


def _share(text: str) -> float:
    """Return a number from 0 to 1 that follows from a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest()) / 2**48


def _tag(text: str, name: str) -> str:
    match = re.search(rf"<{name}(_\d+|)>\n(.*?)\n</{name}\1>", text, re.DOTALL)
    return match[2] if match else ""


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]
