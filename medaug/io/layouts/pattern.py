"""A layout that the user describes by the paths of the images and of the labels."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from medaug.errors import InputError
from medaug.io.cases import DatasetFiles
from medaug.io.layouts.listing import Listing, walk_visible
from medaug.io.layouts.rules import LayoutRules

_CASE = "{case}"

# In order: the case, any folders, what glob knows within a name, and any other character.
_TOKENS = re.compile(r"\{case\}|\*\*/|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_WILDCARDS = {"**/": "(?:[^/]+/)*", "*": "[^/]*", "?": "[^/]"}

# BIDS: the first part of a name is the subject.
_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+)(?:_|$)")


def find_pattern(root: Path, rules: LayoutRules) -> DatasetFiles:
    """List the cases whose files match the patterns of the rules.

    Names as BIDS has them, ``sub-01_ses-2``, name the patient by their subject.

    Raises
    ------
    InputError
        If there is no pattern for the images, or a pattern lacks ``{case}``.
    """
    if rules.images is None:
        raise InputError(
            "layout.images: missing; give the pattern of the images, such as "
            "`sub-*/anat/{case}_T1w.nii.gz`."
        )
    named = rules.images if isinstance(rules.images, dict) else {"": rules.images}
    listing, files = Listing(root, rules), list(walk_visible(root))
    channels = {
        channel: listing.one_each(_matches(root, pattern, files, f"images.{channel}".rstrip(".")))
        for channel, pattern in named.items()
    }
    cases = list(dict.fromkeys(name for found in channels.values() for name in found))
    labels: dict[str, Path] = {}
    if rules.labels is not None:
        labels = listing.one_each(_matches(root, rules.labels, files, "labels"))
    for name in cases:
        _add(listing, name, named, channels, labels)
    listing.report_without_image(labels, cases, next(iter(named.values())))
    return listing.finish("pattern", channels=tuple(named) if "" not in named else None)


def _add(
    listing: Listing,
    name: str,
    patterns: Mapping[str, str],
    channels: Mapping[str, Mapping[str, Path]],
    labels: Mapping[str, Path],
) -> None:
    images = [found[name] for found in channels.values() if name in found]
    missing = [channel for channel, found in channels.items() if name not in found]
    if missing:
        wanted = patterns[missing[0]].replace(_CASE, name)
        listing.report(
            images[0],
            f"case {name} has no {missing[0]} ({wanted} is missing); add it or remove the case.",
            case=name,
        )
        return
    subject = _SUBJECT.match(name)
    rule = listing.rules.labels
    listing.add(
        name,
        images,
        labels.get(name),
        patient=subject[1] if subject else None,
        expected_label="" if rule is None else rule.replace(_CASE, name),
    )


def _matches(root: Path, pattern: str, files: Iterable[Path], key: str) -> dict[str, list[Path]]:
    expression = _compiled(pattern, key)
    found: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        relative = file.relative_to(root).as_posix()
        match = expression.fullmatch(unicodedata.normalize("NFC", relative))
        if match:
            found[match["case"]].append(file)
    return found


def _compiled(pattern: str, key: str) -> re.Pattern[str]:
    if _CASE not in pattern:
        raise InputError(
            f"layout.{key}: {pattern!r} lacks {_CASE}, which stands for what names the case; "
            "put it there, as in `sub-*/anat/{case}_T1w.nii.gz`."
        )
    parts: list[str] = []
    for token in _TOKENS.findall(unicodedata.normalize("NFC", pattern)):
        if token == _CASE:
            parts.append("(?P<case>[^/]+)" if "(?P<case>[^/]+)" not in parts else "(?P=case)")
        elif token in _WILDCARDS:
            parts.append(_WILDCARDS[token])
        elif token.startswith("[") and token != "[":
            parts.append(re.sub(r"^\[!", "[^", token).replace("\\", r"\\"))
        else:
            parts.append(re.escape(token))
    return re.compile("".join(parts))
