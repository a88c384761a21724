"What README and guide show can be pasted: each page, read from its beginning, needs nothing but what it imports itself"
import os,subprocess,sys
from pathlib import Path
import pytest
from paste import is_guide,pages,paste,snippets

root = Path(__file__).resolve().parent.parent

@pytest.fixture
def page(tmp_path):
    "Write a notebook of these cells"
    import json
    def write(*cells):
        path = tmp_path/'page.ipynb'
        path.write_text(json.dumps({'cells':[dict(cell_type=kind, source=[s]) for kind,s in cells]}), encoding='utf-8')
        return path
    return write

def test_machinery_is_not_typed(page):
    path = page(('code','#| default_exp a.b\n#| section: guide'), ('code','import math'), ('code','#| export\nimport os\ndef _f(): return 1'),
                ('code','math.pi'), ('code','_f()'), ('code','#| test it\nassert _f()'), ('code','#| hide\nx = 1'),
                ('markdown','So:\n\n```python\ny = math.e\n```\n\nand `this`'))
    assert snippets(path)==['import math', 'math.pi', 'y = math.e\n']
    assert paste(path) is None

def test_what_only_the_machinery_imports_is_missed(page):
    path = page(('code','#| export\nimport math'), ('code','math.pi'))
    assert "NameError: name 'math' is not defined" in paste(path)

def test_there_are_pages():
    found = [o.stem for o in pages()]
    assert 'README' in found and '11_sparsifier' in found and len(found)>12
    assert not is_guide(root/'nbs/index.ipynb')
    assert all(snippets(o) for o in pages())

def test_pages_can_be_pasted():
    "All of them in one fresh process, each into a namespace of its own"
    pytest.importorskip('sklearn', reason='the digits are those of scikit-learn (extra `test`)')
    env = {**os.environ, 'PYTHONPATH':os.pathsep.join([str(root), os.environ.get('PYTHONPATH', '')])}
    r = subprocess.run([sys.executable, root/'tests/paste.py'], cwd=root, env=env, capture_output=True, text=True)
    assert r.returncode==0, r.stdout+r.stderr[-2000:]
