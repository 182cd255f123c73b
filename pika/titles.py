"""When two titles are the same recording by name: folded, version kept."""

import re
import unicodedata

_NOISE = re.compile(
    r"\[?(?:https?://)?www\.\S+?\]?(?=\s|$)|\((?:official|lyrics?|hq|hd|audio)[^)]*\)|\[(?:official|lyrics?)[^\]]*\]",
    re.IGNORECASE,
)
_FEAT = re.compile(r"[\(\[]?\b(?:feat|ft|featuring)\b\.?[^()\[\]]*[\)\]]?", re.IGNORECASE)
_REMASTER = re.compile(r"\b(?:\d{4}\s+)?(?:digital\s+)?remaster(?:ed)?(?:\s+\d{4}|\s+version)?\b", re.IGNORECASE)


def fold(text: str) -> str:
    """Case, accents, punctuation, `&` and a leading “The” do not count: `The Café & Co!` → `cafe and co`."""
    plain = unicodedata.normalize("NFKD", text.replace("&", " and "))
    letters = "".join(c for c in plain if not unicodedata.combining(c) or ord(c) > 0x36F)
    words = re.sub(r"[\W_]+", " ", letters.casefold().replace("'", "").replace("’", "")).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


def identity(artist: str, title: str, remix: str = "") -> str:
    """A name for the recording; equal names are the same recording. Empty: cannot be told.

    The version stays in it, so a remix, live or instrumental is another recording; featured artists,
    remaster years and tag noise are dropped. A title without an artist never identifies.
    """
    whole = f"{title} {remix}" if remix and fold(remix) not in fold(title) else title
    name = fold(_REMASTER.sub(" ", _FEAT.sub(" ", _NOISE.sub(" ", whole))))
    who = sorted(
        {fold(part) for part in re.split(r",|;|&| and | x | vs\.? |/", _FEAT.sub(" ", artist), flags=re.IGNORECASE)}
        - {""}
    )
    return f"{' + '.join(who)} – {name}"[:400] if who and name else ""
