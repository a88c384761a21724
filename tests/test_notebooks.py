"""Every notebook runs from top to bottom

Without its test cells: the export makes tests of those, and nothing may need what they leave behind."""
from pathlib import Path
import pytest
pytest.importorskip('nbdev', reason='notebooks are run where nbdev is (extra `docs`)')
from nbdev.test import test_nb as run_nb

root = Path(__file__).resolve().parent.parent
def _hidden(nb): return any(part[0] in '_.' for part in nb.relative_to(root).parts)

nbs = sorted(o for o in (root/'nbs').rglob('*.ipynb') if not _hidden(o))

@pytest.mark.parametrize('nb', nbs, ids=lambda nb: nb.relative_to(root/'nbs').with_suffix('').as_posix())
def test_runs(nb):
    ok,_ = run_nb(nb, skip_flags=['notest', 'test'], basepath=root)
    assert ok, f'{nb.relative_to(root)} failed: its traceback is in the captured stderr'
