"""Does a certificate print to two pages of A4, in a real browser?"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from izin.certificate import page

from tests.certificate.sample import certificate

INSTALL = "apt-get update && apt-get install -y chromium fonts-noto-core fonts-noto-cjk"


def printed(html: str, folder: Path) -> bytes:
    """What a browser prints."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail(f"the certificate is printed by a browser, and there is no chromium here: {INSTALL}")
    source, target = folder / "certificate.html", folder / "certificate.pdf"
    source.write_text(html, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    home = f"--user-data-dir={folder / 'profile'}"
    subprocess.run(
        [chromium, *flags, home, f"--print-to-pdf={target}", source.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return target.read_bytes()


def test_it_prints_to_two_pages_of_a4(tmp_path: Path) -> None:
    pdf = printed(page(certificate()), tmp_path)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2
    (size,) = set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf))
    width, height = (round(float(each)) for each in size.split()[2:])
    assert (width, height) in ((595, 842), (596, 842), (594, 841), (595, 841), (596, 843))
