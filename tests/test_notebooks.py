"Every notebook runs from top to bottom, without its test cells: the export makes tests of those, and nothing may need them"
from pathlib import Path
import pytest
pytest.importorskip('nbdev', reason='notebooks are run where nbdev is (extra `docs`)')
from nbdev.test import test_nb as run_nb

root = Path(__file__).resolve().parent.parent
nbs = sorted(o for o in (root/'nbs').rglob('*.ipynb') if not any(p[0] in '_.' for p in o.relative_to(root).parts))

@pytest.mark.parametrize('nb', nbs, ids=[o.relative_to(root/'nbs').with_suffix('').as_posix() for o in nbs])
def test_runs(nb):
    ok,_ = run_nb(nb, skip_flags=['notest', 'test'], basepath=root)
    assert ok, f'{nb.relative_to(root)} failed: its traceback is in the captured stderr'
