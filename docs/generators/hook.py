"""Hook of MkDocs: generated pages and documents of the repository join the written pages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # MkDocs loads a hook by its path, not as a module

from docs.generators.glossary import glossary_page
from docs.generators.key_pages import key_page
from docs.generators.machine_pages import machine_diagrams, machine_list, machine_pages
from docs.generators.repository_pages import WRITTEN, repository_pages, with_links
from docs.generators.validation_pages import ledger_page, validation_page


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the machines' pages in the navigation."""
    (machines,) = (entry["Machines"] for entry in config.nav or [] if "Machines" in entry)
    machines += [{page.removeprefix("machines/").removesuffix(".md"): page} for page in machine_pages()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in generated_pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links of written pages, which lead to files of the repository, lead to the pages that these are."""
    path = page.file.src_uri
    return markdown if page.file.generated_by else with_links(markdown, f"{WRITTEN}{path}", path)


def generated_pages() -> dict[str, Any]:
    """Text by path in the site."""
    return {
        "machines/index.md": machine_list(),
        **machine_pages(),
        **machine_diagrams(),
        "machines/keys.md": key_page(),
        "reference/glossary.md": glossary_page(),
        "validation.md": validation_page(),
        "reference/ledger.md": ledger_page(),
        **repository_pages(),
    }
