"""Languages: tags (BCP 47), choosing one (RFC 4647 lookup with CLDR's parents), its direction, foreign text inside it.

What is known of languages stands here as plain tables taken from CLDR, so that choosing one loads nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Literal, NamedTuple
from unicodedata import bidirectional

from livery import numerals

Direction = Literal["ltr", "rtl"]

_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_LONGEST_TAG = 100
_SCRIPT_LENGTH, _REGION_LENGTH = 4, 2
_EXTLANG, _REGION = re.compile("[a-z]{3}"), re.compile("[A-Z]{2}|[0-9]{3}")

# Marks that turn the reading direction, and those that hide in a name; vendor text may hold neither.
_HIDDEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u061c]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")  # the last two are no XML
_FSI, _PDI = "\u2068", "\u2069"


class Choice(NamedTuple):
    """A language chosen: the tag, where each string is looked for in turn, and how it was come by."""

    tag: str
    fallbacks: tuple[str, ...]
    why: str
    regional: str
    """The reader's own variety of it, such as `de-AT` or `fa-u-nu-latn`: how dates and numbers are written."""


class _Parts(NamedTuple):
    language: str
    script: str
    region: str
    variants: tuple[str, ...]

    def __str__(self) -> str:
        return "-".join(part for part in (self.language, self.script, self.region, *self.variants) if part)


def normal(tag: str) -> str:
    """`tag` in the casing of RFC 5646 §2.1.1: `de_at` becomes `de-AT`. Empty if it is no tag."""
    if len(tag) > _LONGEST_TAG or not _TAG.fullmatch(tag):
        return ""
    language, *rest = tag.replace("_", "-").split("-")
    cased = [
        part.title()
        if len(part) == _SCRIPT_LENGTH and part.isalpha()
        else part.upper()
        if len(part) == _REGION_LENGTH
        else part.lower()
        for part in rest
    ]
    return "-".join([language.lower(), *cased])


@lru_cache(maxsize=1024)
def canonical(tag: str) -> str:
    """`tag` as CLDR would write it: `iw-il` is `he-IL`, `sh` is `sr-Latn`. Extensions and private use are left off.

    Empty if it is no tag.
    """
    parts = _parts(_plain(normal(tag)))
    if parts.language in _ALIASES:
        newer = _parts(_ALIASES[parts.language])
        parts = parts._replace(
            language=newer.language, script=parts.script or newer.script, region=parts.region or newer.region
        )
    return str(parts._replace(region="GB") if parts.region == "UK" else parts)


def prefixes(tag: str) -> list[str]:
    """`tag` and what is left of it, the last subtag dropped each time (RFC 4647 §3.4 lookup)."""
    parts = normal(tag).split("-") if normal(tag) else []
    found = ["-".join(parts[:end]) for end in range(len(parts), 0, -1)]
    return [one for one in found if len(one.rsplit("-", 1)[-1]) > 1]


@lru_cache(maxsize=1024)
def lookups(tag: str) -> tuple[str, ...]:
    """Where a text for `tag` is looked for in turn; none if it is no tag.

    RFC 4647 §3.4 lookup, with what CLDR knows besides: newer names (`iw` is `he`), parents that are no prefix
    (`es-MX`, `es-419`, `es`), scripts that go without saying (`zh-TW`, `zh-Hant`, `zh`). Extensions (`-u-…`) are
    left off; a tag with private use is looked for as it is, then without.
    """
    whole = normal(tag)
    plain = _plain(whole)
    if not plain:
        return ()
    found = [whole, plain] if whole.startswith(f"{plain}-x-") else [plain]
    step = canonical(plain)
    while step:
        twins = _twins(_parts(step)) if kin(step) == kin(plain) else []
        found += [step, *twins]
        step = next(filter(None, map(_PARENTS.get, [step, *twins])), "") or _shorter(_parts(step))
    if "no" in found:
        found.append("nb")
    return tuple(dict.fromkeys([*found, *prefixes(plain)]))


def negotiate(wanted: Iterable[tuple[str, str | None]], available: Sequence[str]) -> Choice:
    """The first wanted language that is available; `available[0]` if none is.

    Where a wanted language has no texts under its own tag or a parent's, those of another country do.

    Args:
        wanted: pairs of (who wants it, tag), most important first; unknown tags and None are passed over.
        available: tags there are texts for; the first is the last resort.

    """
    wishes = [(who, tag, _ranked(tag, available)) for who, tag in wanted if tag]
    fallbacks = tuple(dict.fromkeys([*chain.from_iterable(ranked for _, _, ranked in wishes), available[0]]))
    for who, tag, ranked in wishes:
        if ranked:
            exact, best = _plain(normal(tag)), ranked[0]
            same = best in (normal(tag), exact) or canonical(best) == canonical(exact)
            why = who if same else f"{who} ({exact} has no texts of its own)"
            return Choice(best, fallbacks, why, _regional(tag, exact, best))
    return Choice(available[0], fallbacks, "nobody's language is available", available[0])


def direction(tag: str) -> Direction:
    """Which way `tag` is written; its script decides, said or usual where it is spoken, else its language."""
    language, script = kin(tag)
    return "rtl" if script in _RTL_SCRIPTS or (not script and language in _RTL_LANGUAGES) else "ltr"


@lru_cache(maxsize=1024)
def kin(tag: str) -> tuple[str, str]:
    """Language and script of `tag`: who reads one tag of a kin can read all.

    The script is empty where the language is written in one only.
    """
    parts = _parts(canonical(tag))
    return parts.language, parts.script or _usual_script(parts)


def is_language(tag: str) -> bool:
    """Whether CLDR has a name for the language of a tag: `english` is well-formed, and none. Needs Babel."""
    from babel import Locale

    return kin(tag)[0] in Locale("en").languages


def _plain(tag: str) -> str:
    """A normal tag up to its extensions and private use, which start with a single letter or digit."""
    parts = tag.split("-")
    return "-".join(parts[: next((at for at, part in enumerate(parts) if len(part) == 1), len(parts))])


def _parts(tag: str) -> _Parts:
    language, *rest = tag.split("-")
    if rest and _EXTLANG.fullmatch(rest[0]):  # `zh-yue` is `yue`
        language = rest.pop(0)
    script = rest.pop(0) if rest and len(rest[0]) == _SCRIPT_LENGTH and rest[0].isalpha() else ""
    region = rest.pop(0) if rest and _REGION.fullmatch(rest[0]) else ""
    return _Parts(language, script, region, tuple(rest))


def _usual_script(parts: _Parts) -> str:
    """What `parts` are written in if they do not say; empty where there is but one."""
    return _SCRIPTS.get(f"{parts.language}-{parts.region}") or _SCRIPTS.get(parts.language, "")


def _twins(parts: _Parts) -> list[str]:
    """The same variety with its script said, or left unsaid."""
    usual = _usual_script(parts)
    if parts.script in ("", usual):
        return [str(parts._replace(script="" if parts.script else usual))]
    return [] if usual else [str(parts._replace(script=""))]


def _shorter(parts: _Parts) -> str:
    """The parent: the last part less. A script that went without saying is said when its region goes."""
    if parts.variants:
        return str(parts._replace(variants=parts.variants[:-1]))
    if parts.region:
        return str(parts._replace(region="", script=parts.script or _usual_script(parts)))
    return parts.language if parts.script else ""


def _ranked(tag: str, available: Sequence[str]) -> list[str]:
    """Those of `available` that do for a reader of `tag`, best first."""
    named = {canonical(one): one for one in reversed(available)} | {one: one for one in available}
    own, mine = lookups(tag), kin(tag)
    if not own:
        return []
    near = [one for one in own if kin(one) == mine]
    siblings = sorted((one for one in available if kin(one) == mine), key=lambda one: not _at_home(one))
    far = [one for one in own if kin(one) != mine]
    found = (named.get(one) or named.get(canonical(one)) for one in (*near, *siblings, *far))
    return list(dict.fromkeys(one for one in found if one))


def _at_home(tag: str) -> bool:
    parts = _parts(canonical(tag))
    return f"{parts.language}-{parts.region}" in _HOMES


def _regional(tag: str, exact: str, best: str) -> str:
    """The reader's variety of the language `best`, with the numerals asked for; `best` if that is another language."""
    variety = next((one for one in (exact, *lookups(exact)) if kin(one) == kin(best)), "")
    wanted = numerals.asked(tag) if variety else ""
    return f"{variety}-u-nu-{wanted}" if wanted else variety or best


def clean(text: str) -> str:
    """`text` without control characters and marks that turn or hide text (threat: look-alike names)."""
    return text if text.isascii() and text.isprintable() else _HIDDEN.sub("", _CONTROLS.sub(" ", text))


def one_line(text: str, limit: int = 0) -> str:
    """`text` cleaned, on one line; shortened to `limit` characters if given."""
    # Most texts are on one line as they are, and that is seen in half the time.
    is_one = text.isascii() and text.isprintable() and "  " not in text and text.strip() is text
    line = text if is_one else " ".join(clean(text).split())
    return shorten(line, limit) if 0 < limit < len(line) else line


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut between words where one is near, with an ellipsis.

    An isolation that the cut leaves open is closed.
    """
    if len(text) <= limit or limit < 1:
        return text[: max(limit, 0)]
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    if space > limit * 2 // 3:
        cut = cut[:space]
    if cut.count(_FSI) > cut.count(_PDI):
        cut = cut[: limit - 2].rstrip()
        cut += _PDI if cut.count(_FSI) > cut.count(_PDI) else ""
    return f"{cut.rstrip()}…"


def isolate(text: str, around: Direction) -> str:
    """`text` kept from mixing with the direction `around` it (Unicode FSI…PDI; what `<bdi>` does).

    Text that reads the same way as its surroundings comes back as it is.
    """
    if around == "ltr" and text.isascii():
        return text
    strong = {"ltr" if kind == "L" else "rtl" for kind in map(bidirectional, text) if kind in ("L", "R", "AL")}
    # Digits alone follow the direction around them, and come out turned where that is right to left.
    needs = "rtl" in strong if around == "ltr" else bool(text) and strong != {"rtl"}
    return f"{_FSI}{text}{_PDI}" if needs else text


def _words(text: str) -> list[str]:
    return text.split()


def _pairs(text: str) -> Mapping[str, str]:
    return dict(pair.split(":") for pair in text.split())


_RTL_LANGUAGES = frozenset(
    _words("apc ar arc bal bgn ckb dv fa he khw ks lrc mzn nqo ps rhg sd sdh skr syr trw ug ur yi")
)
_RTL_SCRIPTS = frozenset(_words("Adlm Arab Hebr Mand Nkoo Rohg Samr Syrc Thaa"))
# CLDR's deprecated and overlong codes of the languages it has data for.
_ALIASES: Mapping[str, str] = _pairs("""
    aar:aa abk:ab adp:dz afr:af ajp:apc aka:ak alb:sq als:sq amh:am ara:ar arb:ar arg:an arm:hy asm:as aze:az azj:az
    bak:ba bam:bm baq:eu bcc:bal bel:be ben:bn bh:bho bih:bho bod:bo bos:bs bre:br bul:bg bur:my bxk:luy cat:ca
    ces:cs che:ce chi:zh chu:cu chv:cv cld:syr cls:sa cmn:zh cnr:sr-ME cor:kw cos:co cym:cy cze:cs dan:da deu:de
    dgo:doi div:dv drh:mn drw:fa-AF dut:nl dzo:dz ekk:et ell:el eng:en epo:eo est:et eus:eu ewe:ee fao:fo fas:fa
    fat:ak fin:fi fra:fr fre:fr fry:fy fuc:ff ful:ff gaz:om geo:ka ger:de gla:gd gle:ga glg:gl glv:gv gom:kok gre:el
    grn:gn gug:gn guj:gu hat:ht hau:ha hbs:sr-Latn heb:he hin:hi hrv:hr hun:hu hye:hy ibo:ig ice:is ido:io iii:ii
    ike:iu iku:iu ile:ie in:id ina:ia ind:id isl:is ita:it iw:he jav:jv ji:yi jpn:ja jw:jv kal:kl kan:kn kas:ks
    kat:ka kaz:kk khk:mn khm:km kik:ki kin:rw kir:ky kmr:ku kor:ko kur:ku lao:lo lat:la lav:lv lin:ln lit:lt ltz:lb
    lub:lu lug:lg lvs:lv mac:mk mal:ml mao:mi mar:mr may:ms mkd:mk mlg:mg mlt:mt mo:ro mol:ro mon:mn mri:mi msa:ms
    mup:raj mya:my nav:nv nbl:nr nde:nd nep:ne nld:nl nno:nn nob:nb nor:no npi:ne nya:ny oci:oc ori:or orm:om ory:or
    oss:os pan:pa pbu:ps per:fa pes:fa plt:mg pol:pl por:pt prp:gu prs:fa-AF pus:ps que:qu quz:qu roh:rm ron:ro
    rum:ro run:rn rus:ru sag:sg san:sa scc:sr scr:hr sh:sr-Latn sin:si slk:sk slo:sk slv:sl sme:se sna:sn snd:sd
    som:so sot:st spa:es spy:kln sqi:sq src:sc srd:sc srp:sr ssw:ss sun:su swa:sw swc:sw-CD swe:sv swh:sw tam:ta
    tat:tt tel:te tgk:tg tgl:fil tha:th tib:bo tir:ti tl:fil tnf:fa-AF ton:to tsn:tn tso:ts tuk:tk tur:tr tw:ak
    twi:ak uig:ug ukr:uk urd:ur uzb:uz uzn:uz ven:ve vie:vi vol:vo wel:cy wln:wa wol:wo xho:xh xpe:kpe ydd:yi yid:yi
    yor:yo zha:za zho:zh zsm:ms zul:zu zyb:za
    """)
# Where CLDR looks next, where that is not simply the tag without its last part.
_REGIONS_OF = {
    "en-001": """
    150 AG AI AU BB BM BS BW BZ CC CK CM CX CY DG DM ER FJ FK FM GB GD GG GH GI GM GS GY HK ID IE IL IM IN IO JE JM
    KE KI KN KY LC LR LS MG MO MS MT MU MV MW MY NA NF NG NR NU NZ PG PK PN PW RW SB SC SD SG SH SL SS SX SZ TC TK
    TO TT TV TZ UG VC VG VU WS ZA ZM ZW
    """,
    "en-150": "AT BE CH CZ DE DK ES FI FR HU IT NL NO PL PT RO SE SI SK",
    "es-419": "AR BO BR BZ CL CO CR CU DO EC GT HN JP MX NI PA PE PR PY SV US UY VE",
    "pt-PT": "AO CH CV FR GQ GW LU MO MZ ST TL",
}
_PARENTS: Mapping[str, str] = {
    **{f"{parent[:2]}-{region}": parent for parent, regions in _REGIONS_OF.items() for region in regions.split()},
    "hi-Latn": "en-IN",
    "ht": "fr-HT",
    "nb": "no",
    "nn": "no",
    "zh-Hant-MO": "zh-Hant-HK",
}
# Languages written in more than one script: the usual one, and the regions where it is another.
_SCRIPTS: Mapping[str, str] = _pairs("""
    az:Latn az-IQ:Arab az-IR:Arab az-RU:Cyrl bal:Arab bm:Latn bs:Latn ff:Latn ha:Latn ha-CM:Arab ha-SD:Arab hi:Deva
    iu:Cans kaa:Cyrl kk:Cyrl kk-AF:Arab kk-CN:Arab kk-IR:Arab kk-MN:Arab kok:Deva ks:Arab kxv:Latn mn:Cyrl
    mn-CN:Mong mni:Beng ms:Latn ms-CC:Arab pa:Guru pa-PK:Arab sat:Olck sd:Arab sd-IN:Deva shi:Tfng sr:Cyrl
    sr-ME:Latn sr-RO:Latn sr-TR:Latn uz:Latn uz-AF:Arab uz-CN:Cyrl vai:Vaii yue:Hant yue-CN:Hans zh:Hans zh-AU:Hant
    zh-BN:Hant zh-GB:Hant zh-GF:Hant zh-HK:Hant zh-ID:Hant zh-MO:Hant zh-PA:Hant zh-PF:Hant zh-PH:Hant zh-SR:Hant
    zh-TH:Hant zh-TW:Hant zh-US:Hant zh-VN:Hant
    """)
# Where a language spoken in several countries is at home: which of several varieties stands for it.
_HOMES = frozenset(
    _words("""
    aa-ET af-ZA ar-EG az-AZ az-IR bgn-PK bn-BD bo-CN ca-ES ccp-BD ckb-IQ da-DK de-DE ee-GH el-GR en-US es-ES fa-IR
    ff-GN ff-SN fo-FO fr-FR ga-IE gez-ET gsw-CH ha-NG hr-HR it-IT kk-CN kk-KZ ko-KR kpe-LR ln-CD lrc-IR mas-KE mn-CN
    mn-MN ms-MY nb-NO nds-DE ne-NP nl-NL oc-FR om-ET os-GE pa-IN pa-PK pap-CW ps-AF pt-BR qu-PE rhg-MM ro-RO ru-RU
    sd-IN sd-PK sdh-IR se-NO shn-MM sma-SE smj-SE so-SO sq-AL sr-RS ss-ZA st-ZA sv-SE sw-TZ syr-IQ ta-IN teo-UG
    ti-ET tn-ZA tr-TR ur-PK uz-AF uz-UZ yo-NG yrl-BR yue-CN yue-HK zh-CN zh-TW
    """)
)
