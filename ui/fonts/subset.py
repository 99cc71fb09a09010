#!/usr/bin/env python3
"""Make the kiosk's two Simplified Chinese fonts from Debian's fonts-noto-cjk.

Usage: subset.py SOURCE_DIR UNIHAN_OTHER_MAPPINGS OUT_DIR

SOURCE_DIR             folder with NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc
UNIHAN_OTHER_MAPPINGS  Unihan_OtherMappings.txt of the Unicode Character Database (kTGH)
OUT_DIR                where ManyiSans-Regular.otf and ManyiSans-Bold.otf go

Needs fonttools. The characters are GB 2312, the 8105 of the Table of General Standard Chinese
Characters (staff names need its third level), and the Latin letters and signs listed below.
"""

import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTCollection

FAMILY = "Manyi Sans"
FACE_INDEX = 2  # Simplified Chinese in Noto's collections; checked by name below.
# The glyphs are reproducible only if the time of the build is not part of the file.
MODIFIED = 3_720_000_000

RANGES = [
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x00FF),  # Latin-1
    (0x0100, 0x017F),  # Latin Extended-A: pinyin and European names
    (0x01CD, 0x01DC),  # pinyin tone marks
    (0x2010, 0x2027),  # dashes, quotation marks, bullet, ellipsis
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
    (0xFF00, 0xFFEF),  # full-width forms
]


def gb2312() -> set[int]:
    """All characters of GB 2312-80, levels 1 and 2 and its signs."""
    found = set()
    for lead in range(0xA1, 0xF8):
        for trail in range(0xA1, 0xFF):
            try:
                found.add(ord(bytes((lead, trail)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return found


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


def rename(font, style: str) -> None:
    """Give the font its own name: an installed Noto must never stand in for it unseen."""
    names = font["name"]
    keep = {rec.nameID: rec.toUnicode() for rec in names.names if rec.platformID == 3 and rec.langID == 0x409}
    names.names = []
    postscript = FAMILY.replace(" ", "") + "-" + style
    values = {
        0: keep[0],
        1: FAMILY,
        2: style,
        3: f"{postscript};{keep[5]}",
        4: f"{FAMILY} {style}",
        5: keep[5],
        6: postscript,
        13: keep[13],
        14: keep[14],
    }
    for name_id, text in values.items():
        names.setName(text, name_id, 3, 1, 0x409)
    cff = font["CFF "].cff
    cff.fontNames[0] = postscript
    top = cff.topDictIndex[0]
    top.FullName = f"{FAMILY} {style}"
    top.FamilyName = FAMILY


def build(source: pathlib.Path, style: str, wanted: set[int], out: pathlib.Path) -> None:
    collection = TTCollection(source / f"NotoSansCJK-{style}.ttc", lazy=True)
    font = collection.fonts[FACE_INDEX]
    if font["name"].getDebugName(1) not in ("Noto Sans CJK SC", "Noto Sans CJK SC Bold"):
        sys.exit(f"face {FACE_INDEX} is {font['name'].getDebugName(1)}, not Simplified Chinese")

    options = subset.Options()
    options.layout_features = ["kern", "ccmp", "mark", "mkmk"]
    options.hinting = False
    options.desubroutinize = False
    options.drop_tables += ["BASE", "VORG", "vhea", "vmtx", "DSIG"]
    options.name_IDs = ["*"]
    options.notdef_outline = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)

    rename(font, style)
    font["head"].modified = MODIFIED
    font.recalcTimestamp = False
    target = out / f"ManyiSans-{style}.otf"
    font.save(target)
    print(f"{target.name}: {target.stat().st_size} bytes, {len(font.getBestCmap())} characters")


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, unihan, out = map(pathlib.Path, sys.argv[1:])
    wanted = gb2312() | general_standard(unihan)
    for first, last in RANGES:
        wanted.update(range(first, last + 1))
    for style in ("Regular", "Bold"):
        build(source, style, wanted, out)


if __name__ == "__main__":
    main()
