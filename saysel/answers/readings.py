"""The core of an answer, without the words around it, and looser readings of it.

The core is the answer without a lead-in, an explanation or a remark about certainty; it means the
same. A loose reading also omits an apposition, a title or a generic noun. Each may equal the
accepted answer, but that two answers share a loose reading does not make them equal ("Portland,
Oregon" and "Portland, Maine").
"""

from __future__ import annotations

import re

from saysel.answers.places import is_place

#: Maximum number of lead-ins that are removed.
MAX_LEAD_INS = 6
LEAD_IN = re.compile(
    r"\A(?:(?:(?:my|the) )?(?:(?:correct|final|right|best) )?(?:answer|guess|option|choice)"
    r"(?: is| was| would be|:)|answer"
    r"|(?:it|that|this|he|she|there|they)(?:['’]s|['’]re| is| are| was| were| would be)"
    r"|i (?:think|believe|guess|would (?:say|guess)|am (?:fairly |quite |pretty |very )?sure)"
    r"|i['’](?:d say|m (?:fairly |quite |pretty |very )?sure)"
    r"|that|probably|perhaps|maybe|possibly|most likely|definitely|certainly)\b ?:? ?",
    re.IGNORECASE,
)
PREPOSITION = re.compile(r"\A(?:in|on|at|by|from|to|of|with|for|around|about) ", re.IGNORECASE)
REMARK = re.compile(
    r"(?:[,.;]? ?(?:but |although |though )?(?:i think|i believe|i guess|"
    r"i(?: am|['’]m) (?:not )?(?:\w+ )?(?:sure|certain)|if i remember correctly|probably|of course)"
    r"| is (?:the|my) (?:correct |final |right |best )?(?:answer|guess)| is (?:correct|right))"
    r"[.! ]*\Z",
    re.IGNORECASE,
)
#: A reason or a description; it is not a second answer.
EXPLANATION = re.compile(
    r",? (?:because|since|as it|as they|as he|as she|due to|so called)\b.*"
    r"|,? (?:who|which|where|that (?:is|was|are|were))\b .+"
    r"|\. (?:it|this|that|he|she|they|the)(?:['’]s)? .*",
    re.IGNORECASE,
)
CONTRAST = re.compile(
    r"(?:(?<!\bis)(?<!\bare)(?<!\bwas)(?<!\bdid)(?<!\bdoes)(?<!\bwould)(?<!\bcould)(?<!\bcan)"
    r",? (?:and |but )?not|,? rather than|,? instead of|,? as opposed to) (?!only\b).+",
    re.IGNORECASE,
)
CONTRAST_IN_BRACKETS = re.compile(r" ?\((?:and |but )?not [^()]*\)", re.IGNORECASE)
BRACKETS = re.compile(r" ?(?:\([^()]*\)|\[[^][]*\])")
#: In brackets or after a comma, these name another answer or take the answer back.
DOUBT = re.compile(
    r"\b(?:or|either|maybe|perhaps|possibly|unless|actually|wait)\b|\?| / ", re.IGNORECASE
)
NEGATED = re.compile(
    r"\b(?:not|never|neither|nor|cannot|except|without|no longer|nothing|anything|everyone"
    r"|nobody"  # plain-words: ok
    r"|everything|all but|doubt|wrong|incorrect|too \w+|no[ -]one)\b|n['’]t\b",
    re.IGNORECASE,
)
SUFFIX = re.compile(r",? (?:Inc|Corp|Corporation|Ltd|Limited|LLC|PLC|plc|GmbH|AG|Co)\.?\Z")
TITLE = re.compile(
    r"\A(?:the )?(?:king|queen|emperor|empress|pope|prince|princess|tsar|sir|dame|lord|lady|saint"
    r"|president|general|dr\.?|mr\.?|mrs\.?|ms\.?|professor) (?=[A-Z])",
    re.IGNORECASE,
)
GENERIC_BEFORE = re.compile(
    r"\A(?:the )?(?:(?:city|town|village|country|kingdom|island|planet|year|field|element|language)"
    r" of (?:the )?|(?:so-called|planet|element|river|film|movie|novel|book|play|song|album|band"
    r"|number|year|word|letter) )(?=\w)",
    re.IGNORECASE,
)
GENERIC_AFTER = re.compile(r" (?:language|gas|series|river|film|movie|novel|method)\Z", re.I)
REGNAL_OF = re.compile(r"(\b\d{1,2}|\b[IVX]+) of (?:the )?[A-Z][\w ]*\Z")
#: What a work is by, and what a thing is: "Hamlet by …", "Rome is the capital of …".
DESCRIBED = re.compile(r" by (?:[A-Z][\w.'’-]* ?)+\.?\Z| (?:is|was) (?:the|an?) .+")
DESCRIPTION = re.compile(
    r"(?:the|an?|one of|which|who|where|in|near) (?:[A-Z][\w-]+ )?[a-z].*| ?[a-z]+ed by .*"
)


def squeeze(text: str) -> str:
    """The text with single spaces, without Markdown emphasis and quotation marks around it."""
    text = " ".join(text.split())
    return text.replace("**", "").replace("__", "").strip('`"“” ')


def negated(text: str) -> bool:
    """Whether a text denies something."""
    return NEGATED.search(text) is not None


def doubtful(text: str) -> bool:
    """Whether a text names alternatives or retracts something."""
    return DOUBT.search(text) is not None


def led(text: str) -> str:
    """The text without its lead-ins: "I think that it is Paris" is "Paris"."""
    for _ in range(MAX_LEAD_INS):
        shorter = LEAD_IN.sub("", text, count=1)
        if shorter == text or not shorter:
            break
        text = shorter
    return text


def core(text: str) -> str:
    """An answer without lead-in, explanation and remarks."""
    core_text = led(squeeze(text))
    core_text = REMARK.sub("", core_text) or core_text
    for pattern in (CONTRAST_IN_BRACKETS, CONTRAST):
        shorter = pattern.sub("", core_text, count=1).strip()
        if shorter and not negated(shorter):
            core_text = shorter
    explained = EXPLANATION.search(core_text)
    if explained and explained.start() and not doubtful(explained[0]):
        # A second sentence may retract the first one.
        takes_back = explained[0][0] == "." and negated(explained[0])
        core_text = core_text if takes_back else core_text[: explained.start()]
    return led(core_text)


def loose(text: str) -> list[str]:
    """The loose readings of the core of an answer; see the module."""
    readings = [text]
    brackets = BRACKETS.findall(text)
    if brackets and not any(doubtful(inside) for inside in brackets):
        readings.append(BRACKETS.sub("", text).strip())
    for each in list(readings):
        head, comma, rest = each.partition(", ")
        if comma and _apposition(head, rest.strip(" .")):
            readings.append(head)
    for pattern in (DESCRIBED, PREPOSITION, TITLE, GENERIC_BEFORE, GENERIC_AFTER, SUFFIX):
        readings += [
            shorter for each in readings if (shorter := pattern.sub("", each, count=1)) != each
        ]
    readings += [shorter for each in readings if (shorter := REGNAL_OF.sub(r"\1", each)) != each]
    return [each for each in readings if each]


def _apposition(head: str, rest: str) -> bool:
    if not head or is_place(head) or doubtful(rest) or negated(rest):
        return False
    if all(is_place(part) for part in rest.split(", ")):
        return True
    return DESCRIPTION.fullmatch(rest) is not None and len(rest.split()) > 2
