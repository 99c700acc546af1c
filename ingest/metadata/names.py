"""Names of companies and people, as they are to be shown."""

from __future__ import annotations

import re
from collections import Counter

from ingest.metadata.found import flat

SUFFIX = (
    r"(?:Inc|Incorporated|Corp|Corporation|Co|Company|Companies|Ltd|Limited|LLC|L\.L\.C|LP|L\.P|LLP|PLC|plc|p\.l\.c|N\.?V|"
    r"S\.?A|S\.?E|AG|AB|ASA|SpA|S\.p\.A|Trust|Bancorp|Bancorporation|Bancshares|Holdings?|Group|Partners|Fund)"
)
_HAS_SUFFIX = re.compile(rf"(?:^|[\s,.]){SUFFIX}\.?$", re.IGNORECASE)
_UPPER_ONLY = re.compile(r"^[^a-z]*[A-Z][^a-z]*$")
_SMALL_WORDS = {"of", "and", "the", "for", "in", "on", "at", "to", "by", "de", "des", "la", "le", "du", "von"}
_ABBREVIATIONS = {
    "inc": "Inc", "corp": "Corp", "co": "Co", "ltd": "Ltd", "llc": "LLC", "lp": "LP", "llp": "LLP", "plc": "plc", "nv": "NV",
    "sa": "SA", "ag": "AG", "ii": "II", "iii": "III", "iv": "IV", "usa": "USA", "us": "US", "uk": "UK", "reit": "REIT", "dba": "dba",
}  # fmt: skip
_WORDS_OF_THREE = {
    "new", "old", "air", "oil", "gas", "big", "sun", "one", "two", "red", "sea", "bay", "car", "job", "pet", "eye", "net", "web",
    "all", "our", "way", "key", "ace", "arc", "fox", "gap", "hub", "ice", "inn", "joy", "lab", "law", "max", "men", "tri", "pro",
    "bio", "eco", "geo", "neo", "uni", "san", "los", "las", "st", "mt", "ft", "el", "go", "my", "up", "farm", "sky", "tea", "toy",
}  # fmt: skip

_CREDENTIAL = (
    r"(?:CFA|CPA|CAIA|CFP|FRM|CMT|CIMA|CMA|MBA|Ph\.?\s?D|M\.?D|J\.?D|Esq|CIPM|FSA|ASA|ACA|FCA|CA|RICP|ChFC|CLU|M\.?A|M\.?Sc|B\.?A|"
    r"B\.?Sc|DBA|AIF|CEBS|SRI)"
)
_CREDENTIALS = re.compile(rf"(?:,?\s+|,\s*){_CREDENTIAL}[®™]?\.?(?=\s*(?:,|$))")
_WORD = r"(?:[A-ZÀ-Þ](?:[\w'’\-]*[\w])?|[A-ZÀ-Þ]\.(?:[A-ZÀ-Þ]\.)*)"
_PERSON = re.compile(
    rf"^{_WORD}(?:\s+(?:{_WORD}|de|la|le|van|von|der|den|di|da|del|dos|bin|al|el)){{1,4}}(?:,?\s+(?:Jr|Sr|II|III|IV)\.?)?$"
)
_NOT_PEOPLE = re.compile(
    r"\b(?:the|and|of|for|in|on|at|to|is|are|with|what|why|how|best|regards|key|takeaways?|research|capital|investments?|management|"
    r"partners|group|inc|llc|corp|company|securities|advis[oe]rs?|bank|asset|market|markets|outlook|report|daily|weekly|monthly|"
    r"quarterly|insights?|strategy|equity|equities|small|large|caps?|read|more|view|all|share|home|contact|about|us|our|news|"
    r"newsletter|january|february|march|april|june|july|august|september|october|november|december|chief|officer|director|"
    r"analyst|manager|portfolio|senior|vice|president|head|economist|strategist|editor|global|street|index|chart|figure|source|"
    r"table|exhibit|summary|introduction|conclusion|overview|disclosures?|disclaimer|private|public|credit|fund|funds|review|team|"
    r"staff|department|committee|staying|playing|going|active|risk|risks|thesis|valuation|catalysts?|new|federal|united|states|"
    r"north|south|east|west|america|europe|asia|buy|sell|hold|rating|price|target|wall|main|journal|times|post|press|dear|"
    r"investors?|reader|readers|client|clients|conference|call|quarter|earnings|good|morning|afternoon|evening)\b",
    re.IGNORECASE,
)
ROLE = re.compile(
    r"\b(?:portfolio\s+manager|fund\s+manager|analyst|director|chief|officer|head\s+of|economist|strategist|editor|partner|founder|"
    r"president|researcher|specialist|consultant|advis[oe]r|managing|vice\s+president|CIO|CEO|CFO|correspondent|reporter|"
    r"contributor|associate|writer|principal|manager|investor|columnist|chair(?:man|woman)?|professor|fellow|trader|research)\b",
    re.IGNORECASE,
)


def is_upper(name: str) -> bool:
    """Return whether ``name`` has capitals only."""
    return bool(_UPPER_ONLY.match(name))


def has_suffix(name: str) -> bool:
    """Return whether ``name`` ends as names of companies do ("Inc.", "Corporation", "Trust")."""
    return bool(_HAS_SUFFIX.search(name.rstrip(". ")) or _HAS_SUFFIX.search(name))


def tidy(name: str) -> str:
    """Return ``name`` on one line, without rules, bars, logo marks and stray blanks before punctuation."""
    name = flat(name)
    name = re.sub(r"\[?\blogo\b\]?|[®™]|\((?:R|TM)\)", " ", name, flags=re.IGNORECASE)
    name = re.sub(r"\s+([.,;:])", r"\1", name)
    name = re.sub(r"\s*\|\s*", " ", name)
    return re.sub(r"\s+", " ", name).strip(' |:;-–—*•"“”,')


def _title_word(word: str, first: bool) -> str:
    bare = re.sub(r"[^A-Za-z]", "", word).lower()
    if bare in _SMALL_WORDS and not first:
        return word.lower()
    if bare in _ABBREVIATIONS and re.sub(r"[.,]", "", word).lower() == bare and "." not in word.strip(".,"):
        return re.sub(r"[A-Za-z]+", _ABBREVIATIONS[bare], word)
    if re.fullmatch(r"(?:[A-Z]\.)+[,.]?", word) or any(c.isdigit() for c in word) or "&" in word.strip("&"):
        return word
    short = len(bare) <= 3 and bare not in _WORDS_OF_THREE and bare not in _SMALL_WORDS
    if short or not re.search(r"[aeiouy]", bare):
        return word
    return re.sub(
        r"[A-Za-z]+",
        lambda m: m.group().capitalize() if m.start() == 0 or word[m.start() - 1] in "-/." else m.group().lower(),
        word,
    )


def _proper(word: str) -> bool:
    return any(c.isupper() for c in word) or not word[0].isalpha() or word.lower() in _SMALL_WORDS | {"plc", "plc."}


def cased(name: str, text: str) -> str:
    """Return a name in capitals as ``text`` itself spells it elsewhere, else in title case.

    Short words and words without a vowel keep their capitals (CVS, NIKE stays only where the text has it).
    """
    if not is_upper(name):
        return name
    pattern = r"\s+".join(re.escape(word) for word in name.split())
    spelled: Counter[str] = Counter()
    for number, match in enumerate(re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)):
        spelling = flat(match.group())
        if not is_upper(spelling) and not spelling.islower():
            spelled[spelling] += 1
        if number > 400:
            break
    proper = {s: n for s, n in spelled.items() if all(_proper(word) for word in s.split())}
    if proper:
        best = max(proper, key=lambda s: (proper[s], s))
        return best[0].upper() + best[1:] if best.split()[0].lower() in _SMALL_WORDS else best
    words = name.split()
    return " ".join(_title_word(word, number == 0) for number, word in enumerate(words))


def without_credentials(name: str) -> str:
    """Return a person's name without "CFA", "PhD" and the like."""
    while True:
        shorter = _CREDENTIALS.sub("", name)
        if shorter == name:
            return name.strip(" ,")
        name = shorter


def is_person(name: str) -> bool:
    """Return whether ``name`` is written like the name of one person (two to five words, capitals, no common word)."""
    bare = without_credentials(name)
    if not 4 <= len(bare) <= 50 or any(c.isdigit() for c in bare) or _NOT_PEOPLE.search(bare):
        return False
    if is_upper(bare):
        bare = bare.title()
    return bool(_PERSON.match(bare))


def people(words: str) -> list[str]:
    """Return the names of people in "A, CFA, B and C" or "A & B"; empty if any part is no person's name."""
    words = re.sub(rf",\s*{_CREDENTIAL}[®™]?\.?(?=\s*(?:,|;|$|&|\||and\b))", "", flat(words))
    parts = [part.strip(" .") for part in re.split(r"\s*(?:;|,|&|\||·|\band\b|\bwith\b)\s*", words) if part.strip(" .")]
    names = [without_credentials(part) for part in parts]
    if not names or not all(is_person(name) for name in names):
        return []
    return [name.title() if is_upper(name) else name for name in names]


def is_role(line: str) -> bool:
    """Return whether a line names a person's role ("Senior Research Analyst"), not a sentence about one."""
    return (
        len(line.split()) <= 12
        and len(line) <= 110
        and not line.endswith((".", "?", "!", ":"))
        and bool(ROLE.search(line))
    )
