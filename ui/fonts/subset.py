#!/usr/bin/env python3
"""Make the kiosk's fonts from Debian's fonts-noto-cjk and fonts-noto-core.

Usage: subset.py CJK_DIR NOTO_DIR UNIHAN_OTHER_MAPPINGS OUT_DIR

CJK_DIR                folder with NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc
NOTO_DIR               folder with NotoSansArabic-*.ttf and NotoSansDevanagari-*.ttf
UNIHAN_OTHER_MAPPINGS  Unihan_OtherMappings.txt of the Unicode Character Database (kTGH)
OUT_DIR                where the ten files go

Needs fonttools. Five families, regular and bold:

Manyi Sans             every Chinese and Japanese character, Latin: Simplified Chinese forms
Manyi Sans TC          those characters of Big5 level 1 that look different in Taiwan
Manyi Sans JP          those characters of JIS X 0208 level 1 that look different in Japan
Manyi Sans Arabic      the Arabic script, with all letters of Uyghur
Manyi Sans Devanagari  the script of Hindi
"""

import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FAMILY = "Manyi Sans"
STYLES = ("Regular", "Bold")
# Faces of Noto's collections; checked by name below.
JAPANESE, SIMPLIFIED, TRADITIONAL = 0, 2, 3
FACE_NAMES = {JAPANESE: "Noto Sans CJK JP", SIMPLIFIED: "Noto Sans CJK SC", TRADITIONAL: "Noto Sans CJK TC"}
# The glyphs are reproducible only if the time of the build is not part of the file.
MODIFIED = 3_720_000_000

SIGNS = [
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x00FF),  # Latin-1
    (0x0100, 0x017F),  # Latin Extended-A: pinyin and European names
    (0x01CD, 0x01DC),  # pinyin tone marks
    (0x2010, 0x2027),  # dashes, quotation marks, bullet, ellipsis
    (0x202F, 0x202F),  # narrow no-break space: French puts it before high punctuation
    (0x2030, 0x203B),  # per mille, primes, reference mark
    (0x2103, 0x2103),  # degree Celsius
    (0x2116, 0x2116),  # numero
    (0x2160, 0x216B),  # Roman numerals
    (0x2190, 0x2199),  # arrows
    (0x2460, 0x2473),  # circled numbers
    (0x25A0, 0x25CF),  # squares, triangles, circles
    (0x2605, 0x2606),  # stars
    (0x2713, 0x2717),  # ticks and crosses
    (0x3000, 0x303F),  # CJK punctuation
    (0x3040, 0x30FF),  # kana
    (0xFF00, 0xFFEF),  # full-width forms
]
# Chinese and Japanese set these at other places of their square.
PUNCTUATION = "、。！，．：；？·‘’“”•"

ARABIC = [
    (0x0600, 0x06FF),  # Arabic, Persian, Urdu and Uyghur letters, marks, digits, punctuation
    (0x200B, 0x200F),  # joiners and direction marks
    (0x25CC, 0x25CC),  # the circle that carries a lone mark
]
DEVANAGARI = [
    (0x0900, 0x097F),
    (0x200B, 0x200D),
    (0x20B9, 0x20B9),  # rupee
    (0x25CC, 0x25CC),
]


def decoded(codec: str, leads: tuple[int, int], trails: tuple[int, int]) -> set[int]:
    """All characters of a rectangle of a two-byte code."""
    found = set()
    for lead in range(leads[0], leads[1] + 1):
        for trail in range(trails[0], trails[1] + 1):
            try:
                found.add(ord(bytes((lead, trail)).decode(codec)))
            except UnicodeDecodeError:
                continue
    return found


def gb2312() -> set[int]:
    """GB 2312-80, levels 1 and 2 and its signs."""
    return decoded("gb2312", (0xA1, 0xF7), (0xA1, 0xFE))


def big5_level_1() -> set[int]:
    """The 5,401 common traditional characters."""
    return {char for char in decoded("big5", (0xA4, 0xC6), (0x40, 0xFE)) if char >= 0x4E00}


def jis_level_1() -> set[int]:
    """The 2,965 common Japanese characters."""
    return decoded("euc_jp", (0xB0, 0xCF), (0xA1, 0xFE))


def general_standard(unihan: pathlib.Path) -> set[int]:
    """The characters that Unihan's kTGH places in the general standard table of 2013."""
    found = set()
    for line in unihan.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if len(fields) == 3 and fields[1] == "kTGH":
            found.add(int(fields[0][2:], 16))
    if len(found) != 8105:
        sys.exit(f"expected 8105 characters with kTGH, found {len(found)}")
    return found


def spread(ranges: list[tuple[int, int]]) -> set[int]:
    return {char for first, last in ranges for char in range(first, last + 1)}


def rename(font: TTFont, family: str, style: str) -> None:
    """Give the font its own name: an installed Noto must never stand in for it unseen."""
    names = font["name"]
    keep = {rec.nameID: rec.toUnicode() for rec in names.names if rec.platformID == 3 and rec.langID == 0x409}
    names.names = []
    postscript = family.replace(" ", "") + "-" + style
    values = {
        0: keep[0],
        1: family,
        2: style,
        3: f"{postscript};{keep[5]}",
        4: f"{family} {style}",
        5: keep[5],
        6: postscript,
        13: keep[13],
        14: keep[14],
    }
    for name_id, text in values.items():
        names.setName(text, name_id, 3, 1, 0x409)
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames[0] = postscript
        top = cff.topDictIndex[0]
        top.FullName = f"{family} {style}"
        top.FamilyName = family


def write(font: TTFont, family: str, style: str, wanted: set[int], features: list[str] | None, out: pathlib.Path) -> None:
    options = subset.Options()
    if features is not None:
        options.layout_features = features
    options.hinting = False
    options.desubroutinize = False
    options.drop_tables += ["BASE", "VORG", "vhea", "vmtx", "DSIG"]
    options.name_IDs = ["*"]
    options.notdef_outline = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)

    rename(font, family, style)
    font["head"].modified = MODIFIED
    font.recalcTimestamp = False
    suffix = "otf" if "CFF " in font else "ttf"
    target = out / f"{family.replace(' ', '')}-{style}.{suffix}"
    font.save(target)
    print(f"{target.name}: {target.stat().st_size} bytes, {len(font.getBestCmap())} characters")


def cjk_face(source: pathlib.Path, style: str, index: int) -> TTFont:
    font = TTCollection(source / f"NotoSansCJK-{style}.ttc", lazy=True).fonts[index]
    name = font["name"].getDebugName(1).removesuffix(" Bold")
    if name != FACE_NAMES[index]:
        sys.exit(f"face {index} is {name}, not {FACE_NAMES[index]}")
    return font


def regional(source: pathlib.Path, style: str, index: int, common: set[int]) -> set[int]:
    """Which of the common characters and signs the region draws with another glyph.

    The faces of a collection share their glyphs, so equal names are equal shapes.
    """
    here = cjk_face(source, style, index).getBestCmap()
    plain = cjk_face(source, style, SIMPLIFIED).getBestCmap()
    asked = common | {ord(sign) for sign in PUNCTUATION}
    return {char for char in asked if char in here and here[char] != plain.get(char)}


def main() -> None:
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    cjk, noto, unihan, out = map(pathlib.Path, sys.argv[1:])
    big5, jis = big5_level_1(), jis_level_1()
    everything = gb2312() | general_standard(unihan) | big5 | jis | spread(SIGNS)
    plain = ["kern", "ccmp", "mark", "mkmk"]
    for style in STYLES:
        write(cjk_face(cjk, style, SIMPLIFIED), FAMILY, style, everything, plain, out)
        for index, name, common in ((TRADITIONAL, "TC", big5), (JAPANESE, "JP", jis)):
            wanted = regional(cjk, style, index, common)
            write(cjk_face(cjk, style, index), f"{FAMILY} {name}", style, wanted, plain, out)
        # Joining, conjuncts and marks live in the layout tables: what a text needs stays.
        for name, ranges in (("Arabic", ARABIC), ("Devanagari", DEVANAGARI)):
            font = TTFont(noto / f"NotoSans{name}-{style}.ttf")
            write(font, f"{FAMILY} {name}", style, spread(ranges), None, out)


if __name__ == "__main__":
    main()
