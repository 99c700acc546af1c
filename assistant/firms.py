"""The proper names of a question, and the ways to name a firm. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from assistant.lexicon import ordinary_names, question_words, stem, stopwords
from vectorstore import months

# Capitalised runs ("Bank of America"), acronyms with digits and signs (IWM, S&P 600, EX-99.1).
_NAME = re.compile(
    r"(?<!\d-)\b(?:[A-Z][\w’'&.-]*[\w]|[A-Z]|\d[A-Z]\w*)(?:\s+(?:of|&|de)\s+(?=[A-Z])|\s+(?=[A-Z\d]))?"
    r"(?:(?:[A-Z][\w’'&.-]*[\w]|[A-Z]|\d[\w.,]*)(?:\s+(?:of|&|de)\s+(?=[A-Z])|\s+(?=[A-Z\d]))?)*"
)
# "Vantor's margin": at the start of a question too, who owns something has a name.
_OWNS = re.compile(
    r"(?!(?:What|Who|How|Where|When|Why|Which|It|That|There|Here|Let|Today|Yesterday|Tomorrow|This|Last|Next|One|Everyone|Someone|Nobody|Management|Investors?|Market|"
    r"Company|Year|Month|Week|Quarter)['’]s)[A-Z][\w&.-]+['’]s\s"
)
_MONTH_WORDS = frozenset({*months.NAMES, "and", "or"})
_FISCAL = re.compile(r"(?:FY|Q[1-4]|[1-4]Q|H[12])['’]?\d*")
_GENERIC_FIRM = {
    "research", "investments", "investment", "capital", "partners", "group", "inc", "corp", "corporation", "company", "co", "ltd", "llc", "plc",
    "holdings", "the", "and", "limited", "sa", "ag", "nv", "asset", "management", "securities", "financial", "services", "international",
    "sample", "notes", "media", "bancorp", "bank", "&", "of", "industries", "technologies", "systems", "energy", "american",
}  # fmt: skip


def names(text: str) -> tuple[str, ...]:
    """Return the proper names of a question; a capital at its start or in an all-capitals question says nothing."""
    letters = [c for c in text if c.isalpha()]
    if letters and sum(c.isupper() for c in letters) > 0.6 * len(letters):
        return ()
    steering, common = question_words(), stopwords()
    found: list[str] = []
    for match in _NAME.finditer(text):
        name = re.sub(r"['’]s?$", "", match.group().strip(" .,'’-"))
        words = name.split()
        at_start = match.start() == 0 or text[: match.start()].rstrip()[-1:] in {".", "?", "!", ":", "(", '"', "“"}
        while (
            words and at_start and (words[0].lower() in common or stem(words[0]) in steering) and not words[0].isupper()
        ):
            words = words[1:]
        if (
            at_start
            and len(words) == 1
            and match.group().startswith(words[0])
            and not re.search(r"[A-Z\d]", words[0][1:])
            and not _OWNS.match(text[match.start() :])
        ):
            continue
        name = " ".join(words)
        if not name or name.lower() in common or (len(words) == 1 and stem(name) in steering):
            continue
        parts = name.replace(",", " ").split()
        if all(p.lower() in _MONTH_WORDS or p.isdigit() for p in parts):
            continue
        # "Q3 FY2022" is a period, and stands in no name.
        kept = [p for p in parts if not _FISCAL.fullmatch(p)]
        if not kept or re.fullmatch(r"[\d.]+", " ".join(kept)):
            continue
        name = name if len(kept) == len(parts) else " ".join(kept)
        found.append(name)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=65_536)
def aliases(name: str) -> tuple[str, ...]:
    """Return the ways to name a firm: in full, without its legal form, and by its first distinctive word."""
    plain = re.sub(r"[^\w\s&'-]", " ", name.lower().replace("’", "'")).split()
    core = list(plain)
    if not any(any(c.isalnum() for c in word) for word in plain):
        return ()
    while len(core) > 1 and core[-1] in _GENERIC_FIRM:
        core.pop()
    while len(core) > 1 and core[0] == "the":
        core = core[1:]
    forms = [" ".join(plain), " ".join(core)]
    if len(core[0]) > 3 and core[0] not in _GENERIC_FIRM and (len(core) == 1 or core[0] not in ordinary_names()):
        forms.append(core[0])
    if len(core) > 2:
        forms.append(" ".join(core[:2]))
    return tuple(dict.fromkeys(form for form in forms if form and form not in _GENERIC_FIRM))


def _with_capital(word: str, text: str) -> bool:
    """Whether a text writes a word with a capital; one without any capital says nothing about its names."""
    if text == text.lower():
        return True
    return any(m.group()[0].isupper() for m in re.finditer(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, re.I))


def named_in(text: str, firms: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``firms`` that ``text`` names; the longest alias decides, an index is no firm."""
    plain = " " + re.sub(r"[^\w\s&'-]", " ", text.lower().replace("’", "'")) + " "
    plain = re.sub(r"'s?(?=\s)", "", plain)
    # "1800Flowers" and "1-800-FLOWERS.COM" are one name.
    squeezed = {_squeezed(word) for word in re.findall(r"[\w&.-]{6,}", text) if re.search(r"\d|\w[A-Z]", word)}
    found: list[tuple[int, str]] = []
    for firm in firms:
        for bare, joined in _bare(firm):
            # A base may have thousands of firms: most of their names do not stand in the question at all.
            match = bare in plain and re.search(
                rf"(?<![\w-]){re.escape(bare)}(?![\w-])(?!\s+(?:[1-9]000?|[1-6]00|index|indices|microcap|(?:growth|value) (?:index|stocks?|funds?))\b)",
                plain,
            )
            if match and bare in ordinary_names() and not _with_capital(bare, text):
                match = None
            if match or joined in squeezed:
                found.append((len(bare), firm))
                break
        else:
            # "Pioneer's wells": who owns something has a name, though the word alone is none.
            first = aliases(firm)[0].split()[0] if aliases(firm) else ""
            if (
                first in ordinary_names()
                and first.capitalize() in text
                and re.search(rf"(?<![\w-]){re.escape(first.capitalize())}['’]s\s", text)
            ):
                found.append((len(first), firm))
    if not found:
        return ()
    return tuple(dict.fromkeys(firm for _, firm in sorted(found, key=lambda item: -item[0])))


_LEGAL = frozenset(
    {
        "inc",
        "corp",
        "corporation",
        "company",
        "co",
        "ltd",
        "llc",
        "plc",
        "limited",
        "incorporated",
        "the",
        "sa",
        "ag",
        "nv",
        "lp",
    }
)


@lru_cache(maxsize=65_536)
def _bare(firm: str) -> tuple[tuple[str, str], ...]:
    """Return each alias without its possessive, and the same squeezed."""
    return tuple((bare, _squeezed(bare)) for bare in (re.sub(r"'s?$", "", alias) for alias in aliases(firm)))


def _squeezed(name: str) -> str:
    plain = re.sub(r"\.com$", "", name.lower())
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\s+com$", "", plain))


def abbreviates(short: str, firm: str) -> bool:
    """Whether ``short`` can stand for ``firm``: initials ("IS&S", "J&J") or the openings of its words run together ("AmEx").

    Each word of the name but its legal form gives at least one letter; "and" gives "&" or nothing.
    """
    words = [w for w in re.findall(r"[a-z0-9]+|&", firm.lower().replace("’", "'")) if w not in _LEGAL]
    letters = re.sub(r"[^a-z0-9&]", "", short.lower())
    telling = [w for w in words if w not in {"and", "&", "of"}]
    if not 2 <= len(letters) <= 8 or len(telling) < 2 or not short[:1].isupper():
        return False
    # Initials are written in capitals; "Amex" takes two letters of a word at least somewhere.
    return _spells(letters, words)


def _spells(letters: str, words: Sequence[str]) -> bool:
    if not words:
        return not letters
    word, rest = words[0], words[1:]
    if word in {"and", "&", "of"}:
        return (
            (letters[:1] == "&" and _spells(letters[1:], rest))
            or (letters[:1] == word[:1] and _spells(letters[1:], rest))
            or _spells(letters, rest)
        )
    return any(letters.startswith(word[:n]) and _spells(letters[n:], rest) for n in range(min(3, len(word)), 0, -1))
