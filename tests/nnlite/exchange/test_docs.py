"""The page on exchange does what it says."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "exchange.md"


def test_the_page_runs(tmp_path, monkeypatch):
    for package in ("onnx", "onnxruntime", "torch"):
        pytest.importorskip(package, reason=f"{package} is not installed: the page needs it")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {})
    assert [path.name for path in tmp_path.iterdir()] == ["genres.onnx"]
