"""Free text before it is published: numbers that lead to a person are masked (domain handbook, section 18). The original is kept elsewhere.

Masked are identity numbers, telephones, bank cards and number plates, in half- or full-width characters, with the blanks and hyphens that
people put in. A run of digits is rather masked once too often: what is published cannot be called back. Names cannot be told from words.
"""

from __future__ import annotations

import re
import unicodedata

_GAP = r"[\s\-－—·•・.．()（）]{0,2}"
_DIGIT, _PROVINCES = "[0-9０-９]", "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
# A run of seven digits or more, of which the last may be the X of an identity number.
_RUN = re.compile(rf"(?:{_DIGIT}{_GAP}){{6,}}[0-9０-９XxＸｘ]")
_PLATE = re.compile(
    rf"[{_PROVINCES}][A-Za-zＡ-Ｚａ-ｚ]{_GAP}(?:[A-Za-z0-9Ａ-Ｚａ-ｚ０-９]{_GAP}){{4,5}}[A-Za-z0-9Ａ-Ｚａ-ｚ０-９挂学警港澳]"
)
_IDENTITY = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_MOBILE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_TELEPHONE = re.compile(r"(?:86)?1[0-9]{10}|0[0-9]{9,11}")


def screened(text: str) -> str:
    """The text with every such number replaced by what it was, in Chinese."""
    return _PLATE.sub("【车牌】", _RUN.sub(lambda found: _mask(found.group()), text))


def leads_to_person(name: str) -> bool:
    """Whether the name of a thing is in truth an identity number or a mobile telephone."""
    number = "".join(character for character in unicodedata.normalize("NFKC", name).upper() if character.isalnum())
    return bool(_IDENTITY.fullmatch(number) or _MOBILE.fullmatch(number))


def _mask(run: str) -> str:
    number = "".join(character for character in unicodedata.normalize("NFKC", run).upper() if character.isalnum())
    if _IDENTITY.fullmatch(number):
        return "【证件号码】"
    return "【电话】" if _TELEPHONE.fullmatch(number) else "【号码】"
