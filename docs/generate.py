"""Writes the pages in docs/reference, the passages between `<!-- generated: … -->` marks, and a new store's script.

python docs/generate.py            write what is stale
python docs/generate.py --check    write nothing; name what is stale and exit 1

Everything comes from the code: models, docstrings, enums, the command line. Nothing depends on the terminal,
the environment or on plugins that are installed beside Livery.
"""
# ruff: noqa: INP001 - a folder of documents with two scripts in it, not a package

import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import pages
from livery.storage import fresh

ROOT = Path(__file__).resolve().parent.parent
_PASSAGE = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
_NOTE = "<!-- Written by docs/generate.py from the code; change the code, then run `make docs`. -->\n\n"


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is generated or holds a generated passage, as it should be."""
    facts = pages.Facts()
    for name, page in pages.PAGES.items():
        yield ROOT / "docs" / "reference" / f"{name}.md", _NOTE + page(facts)
    yield fresh.SCRIPT, fresh.script()
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = file.read_text("utf-8")
        if _PASSAGE.search(text):
            yield (
                file,
                _PASSAGE.sub(lambda match: f"{match[1]}{pages.PASSAGES[match['name']](facts)}\n{match[3]}", text),
            )


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    stale = [(file, text) for file, text in texts() if not file.exists() or file.read_text("utf-8") != text]
    wanted = {ROOT / "docs" / "reference" / f"{name}.md" for name in pages.PAGES}
    strays = sorted(set((ROOT / "docs" / "reference").glob("*.md")) - wanted)
    if not arguments:
        for file, text in stale:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, "utf-8")
        for file in strays:
            file.unlink()
    for file in [*(file for file, _ in stale), *strays]:
        print(f"{'stale' if arguments else 'written'}: {file.relative_to(ROOT)}")  # noqa: T201
    if arguments and (stale or strays):
        print("run: make docs")  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
